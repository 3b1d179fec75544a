"""``bottleneck report``: analyse a recorded run again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._prices import price_option, prices_of

if TYPE_CHECKING:
    from ..recording.model import Recording


@click.command("report", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option("--json", "as_json", is_flag=True, help="Print diagnosis.json instead of the report.")
@click.option("--calls", is_flag=True, help="Print the sampled call tree (by pyinstrument) instead of the report.")
@click.option(
    "--live",
    is_flag=True,
    help="Report on a run in progress, as recorded so far; no report is written to RUN.",
)
@price_option()
@click.option("--prometheus", metavar="URL", help="Fill what the run did not measure of its machine from Prometheus.")
@click.option(
    "--cloudwatch",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The same from a file of `aws cloudwatch get-metric-data`.",
)
@click.option("--otlp", metavar="URL", help="Send spans and metrics to this OTLP/HTTP endpoint.")
@click.option("--verbose", "-v", is_flag=True, help="Show every phase and every check.")
def command(
    runs: tuple[str, ...],
    as_json: bool,
    calls: bool,
    live: bool,
    price_per_hour: str | None,
    prometheus: str | None,
    cloudwatch: Path | None,
    otlp: str | None,
    verbose: bool,
) -> None:
    """Analyse RUN again and show its report.

    RUN is a folder or a name from `bottleneck runs`; the default is the newest run. Several RUNs are the parts of one
    job, recorded on each host or for each rank; their joint report goes into the folder job of the first. --calls
    also writes calls.pyisession to RUN, which `pyinstrument --load` can render in any of its formats.
    """
    from rich.console import Console

    from ..exporters import json as report_json
    from ..exporters import terminal
    from ..recording.folder import RunError, find
    from ..session import Asked, analyse, analyse_job, look, report_folder, write
    from ._reading import reading

    folder: Path | None = None
    asked = Asked(prices_of(price_per_hour), prometheus, cloudwatch)
    try:
        if live and otlp:
            raise RunError("--otlp does not work with --live: it exports only recordings that have ended")
        if live and len(runs) > 1:
            raise RunError("--live does not work with several runs")
        path, more = find(runs[0] if runs else None), list[Path]()
        problems = [problem for run in runs[1:] if (problem := _found(run, more))]
        found = look(path, asked) if live else None
        if live and found is None:
            click.echo(f"bottleneck: the recording of {path.name} has ended; this is the full report.", err=True)
        if found is None:
            with reading([path, *more]) as how:
                found = analyse_job([path, *more], asked, how) if more else analyse(path, asked, how)
            folder = report_folder(path, of_job=bool(more))
    except RunError as error:
        click.echo(f"bottleneck: {error}", err=True)
        sys.exit(2)
    for problem in problems:
        click.echo(f"bottleneck: {problem}", err=True)
    recording, diagnosis = found
    if calls:
        sys.exit(_show_calls(folder, recording))
    if as_json:
        click.echo(report_json.dumps(diagnosis))
    console = None if as_json else Console()
    if folder is None:
        terminal.write(recording, diagnosis, path, console, verbose)
        return
    options: dict[str, dict[str, Any]] = {"terminal": {"console": console, "verbose": verbose}, "otlp": {"url": otlp}}
    for warning in write(folder, recording, diagnosis, options):
        click.echo(f"bottleneck: {warning}", err=True)


def _found(run: str, paths: list[Path]) -> str:
    """Add the folder of a further run to ``paths``; why there is none, else ""."""
    from ..recording.folder import RunError, find

    try:
        paths.append(find(run))
    except RunError as error:
        return str(error)
    return ""


def _show_calls(folder: Path | None, recording: Recording) -> int:
    """Print the call tree, and keep it in ``folder`` where there is one. Returns the exit code."""
    from ..artifacts import Artifacts, Missing
    from ..artifacts.run.stacks import Stacks
    from ..exporters.support.stack_session import stack_session

    try:
        session = stack_session(recording, Artifacts(recording).get(Stacks))
    except Missing as missing:
        click.echo(f"bottleneck: {missing}", err=True)
        return 1
    from pyinstrument.renderers import ConsoleRenderer

    click.echo(ConsoleRenderer(unicode=True, color=sys.stdout.isatty()).render(session))
    if folder is None:
        return 0
    path = folder / "calls.pyisession"
    try:
        session.save(path)
    except OSError as error:
        click.echo(f"bottleneck: cannot write {path}: {error.strerror}", err=True)
    else:
        click.echo(f"bottleneck: open it with: pyinstrument --load {path}", err=True)
    return 0
