"""``bottleneck history``: the runs of a program over time, and since when they are slower or faster."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ._options import within_option


@click.command("history", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option(
    "--last",
    type=click.IntRange(min=2),
    default=100,
    show_default=True,
    metavar="N",
    help="How many of the newest runs.",
)
@within_option()
@click.option("--json", "as_json", is_flag=True, help="Print the history as JSON.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Also write the history to this page.")
def command(runs: tuple[str, ...], last: int, within: float, as_json: bool, html: Path | None) -> None:
    """Show the runs of each program over time, and since when they are slower or faster.

    Each RUN is a run folder, a name from `bottleneck runs`, or a file that `bottleneck import` reads; the default is
    all runs in .bottleneck/runs. Runs of different commands or machines are never mixed.
    """
    from rich.console import Console
    from rich.progress import track

    from ..history import document, page, terminal
    from ..history.model import History
    from ..history.read import read_all
    from ..history.series import series_of
    from ..recording.folder import all_runs, in_progress

    chosen = runs or [str(run) for run in reversed(all_runs()) if not in_progress(run)][-last:]
    if not chosen:
        _stop("no runs in .bottleneck/runs; record one with: bottleneck run train.py")
    shown = track(chosen, "Reading runs", console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
    found, problems = read_all(shown)
    for problem in problems:
        click.echo(f"bottleneck: {problem}", err=True)
    if not found:
        sys.exit(2)
    if len(found) == 1:
        _stop(f"{found[0].figures.name} is the only run that could be read; a history takes several")
    history = History(series_of(found, within / 100), tuple(problems))
    if as_json:
        click.echo(document.dumps(history))
    else:
        terminal.render(history, Console())
    if html is not None:
        try:
            page.write(html, history)
        except OSError as error:
            _stop(f"cannot write {html}: {error.strerror}")


def _stop(why: str) -> None:
    click.echo(f"bottleneck: {why}", err=True)
    sys.exit(2)
