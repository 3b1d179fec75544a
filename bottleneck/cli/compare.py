"""``bottleneck compare``: what changed between two versions of a run, and whether noise can explain it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ._options import within_option


@click.command("compare", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option("--old", "more_old", multiple=True, metavar="RUN", help="A further run of the old side; may be repeated.")
@click.option("--new", "more_new", multiple=True, metavar="RUN", help="A further run of the new side; may be repeated.")
@within_option()
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Also write the comparison to this page.")
def command(
    old: str,
    new: str,
    more_old: tuple[str, ...],
    more_new: tuple[str, ...],
    within: float,
    as_json: bool,
    html: Path | None,
) -> None:
    """Compare the run NEW with the run OLD: times, phases, lines, memory, findings, and what else differs.

    Each is a run folder, a name from `bottleneck runs`, or a file that `bottleneck import` reads. A verdict needs at
    least two runs on each side, because runs of one program differ.
    """
    from rich.console import Console

    from ..comparison import document, page, terminal
    from ..comparison.compare import compare
    from ..comparison.sides import read
    from ..recording.folder import RunError

    try:
        sides = [[read(run) for run in side] for side in ((old, *more_old), (new, *more_new))]
    except RunError as error:
        click.echo(f"bottleneck: {error}", err=True)
        sys.exit(2)
    before, after = ([run.figures for run in side] for side in sides)
    found = compare(before, after, within / 100)
    if as_json:
        click.echo(document.dumps(found))
    else:
        terminal.render(found, Console())
    if html is not None:
        try:
            page.write(html, found, sides[0][-1].diagnosis, sides[1][-1].diagnosis)
        except OSError as error:
            click.echo(f"bottleneck: cannot write {html}: {error.strerror}", err=True)
            sys.exit(2)
