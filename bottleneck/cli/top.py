"""``bottleneck top``: the runs in progress and the GPUs, now."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from ._options import interval_option

if TYPE_CHECKING:
    from ..capture.watch import Look, Watch

SCHEMA = "bottleneck.top/1"


@click.command("top", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("run", required=False, metavar="[RUN]")
@click.option("--once", is_flag=True, help="Print one table after one interval, and end.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one document per line.")
@interval_option()
def command(run: str | None, once: bool, as_json: bool, interval: float) -> None:
    """Show the processes of all runs in progress on this machine, or of RUN, and all GPUs.

    RUN is a folder or a name from `bottleneck runs`. The display refreshes until Ctrl-C; without a terminal it is
    printed once. It only reads: the programs are not slowed, and nothing is written to their run folders.
    """
    from ..capture.watch import Watch
    from ..recording.folder import RunError, find

    try:
        only = None if run is None else find(run).resolve()
    except RunError as error:
        _fail(str(error))
    watch = Watch(only)
    try:
        look = watch.look()
        if only is not None and not look.runs:
            _fail(next((note for note in look.notes if str(only) in note), f"{only} has no process that is recorded"))
        looks = _looks(watch, interval, endless=only is None)
        if as_json:
            for look in looks:
                click.echo(json.dumps({"schema": SCHEMA, **asdict(look)}))
                if once:
                    break
        elif once or not sys.stdout.isatty():
            _print(next(looks))
        else:
            _refresh(looks)
    except (KeyboardInterrupt, BrokenPipeError):
        pass
    finally:
        watch.close()


def _looks(watch: Watch, interval: float, endless: bool) -> Iterator[Look]:
    """A look after each interval, the first one too; unless ``endless``, up to the one that finds no run."""
    while True:
        time.sleep(interval)
        look = watch.look()
        yield look
        if not (look.runs or endless):
            return


def _print(look: Look) -> None:
    from rich.console import Console

    from ._top import drawn

    console = Console()
    console.print(drawn(look, console))


def _refresh(looks: Iterator[Look]) -> None:
    """Draw each look in place of the one before, in a screen of its own; the last one stays when it ends."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from ._top import drawn

    console = Console()
    frame = None
    try:
        with Live(Text("looking …"), console=console, screen=True, auto_refresh=False) as live:
            for look in looks:
                frame = drawn(look, console)
                live.update(frame, refresh=True)
    finally:
        if frame is not None:
            console.print(frame)


def _fail(message: str) -> None:
    click.echo(f"bottleneck: {message}", err=True)
    sys.exit(2)
