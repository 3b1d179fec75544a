"""``bottleneck report``: analyse a recorded run again."""

from __future__ import annotations

import sys

import click


@click.command("report", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("run", required=False, metavar="[RUN]")
@click.option("--json", "as_json", is_flag=True, help="Print diagnosis.json instead.")
@click.option("--price-per-hour", type=click.FloatRange(min=0), help="Price of one accelerator, for idle cost.")
@click.option("--otlp", metavar="URL", help="Send spans to this OTLP/HTTP endpoint.")
@click.option("--verbose", "-v", is_flag=True, help="Show everything that was checked.")
def command(run: str | None, as_json: bool, price_per_hour: float | None, otlp: str | None, verbose: bool) -> None:
    """Analyse RUN (a folder, or a name from `bottleneck runs`; default: the newest) and show its report."""
    from rich.console import Console

    from ..recording.folder import RunError, find
    from ..report import json as report_json
    from ..report import terminal
    from ..session import analyse, write

    try:
        folder = find(run)
        recording, diagnosis = analyse(folder, price_per_hour)
    except RunError as error:
        click.echo(f"bottleneck: {error}", err=True)
        sys.exit(2)
    if as_json:
        click.echo(report_json.dumps(diagnosis))
    else:
        terminal.render(diagnosis, Console(), verbose=verbose)
    for warning in write(folder, recording, diagnosis, otlp=otlp):
        click.echo(f"bottleneck: {warning}", err=True)
