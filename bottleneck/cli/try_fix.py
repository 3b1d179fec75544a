"""``bottleneck try``: prove the gain of a fix, without changing anything."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..capture.platforms import platform_problem
from ._finding import chosen, fail

if TYPE_CHECKING:
    from ..trial.prove import Tried
    from ..trial.rooms import Room
    from ..trial.subject import Subject

_CANNOT_TELL = 3
_HINT = "; --patch FILE tries a diff of your own"
_WORDS = f"{__name__}.words"  # in the context of click


class _Try(click.Command):
    """What stands behind ``--`` is the program's."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index("--") if "--" in args else len(args)
        ctx.meta[_WORDS] = tuple(args[at + 1 :])
        return super().parse_args(ctx, args[:at])

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[-- COMMAND...]"]


@click.command("try", cls=_Try, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("run", metavar="RUN")
@click.argument("finding_id", metavar="[ID]", required=False)
@click.option("--patch", type=click.Path(path_type=Path), help="Try this unified diff instead of the finding's own.")
@click.option(
    "--max-minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=15.0,
    show_default=True,
    help="Answer with what has been measured by then.",
)
@click.option("--writable", type=click.Path(path_type=Path), multiple=True, help="A further folder to write to.")
@click.option("--allow-network", is_flag=True, help="Let the program use the network, not only 127.0.0.1.")
@click.option("--copy", is_flag=True, help="Run on a plain copy of the project, where there are no namespaces.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="Print the result only.")
def command(
    run: str,
    finding_id: str | None,
    patch: Path | None,
    max_minutes: float,
    writable: tuple[Path, ...],
    allow_network: bool,
    copy: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run the program of RUN as it is and with the fix for finding ID (default: the first), and compare.

    Both run in pairs, in random order, so many steps as it takes, in a sandbox: what they write is thrown away, and
    they reach no network. If the run's arguments were not recorded, give the command behind `--`.
    """
    problem = platform_problem()
    if problem:
        fail(problem, 2)
    from ..detectors import current_id
    from ..pairs.interleaved import ArmError
    from ..recording import kept
    from ..recording.folder import RunError, find
    from ..session import analyse
    from ..trial import outcome
    from ..trial.change import NoChange
    from ..trial.measure import CannotTell
    from ..trial.prove import plan_of, prove
    from ..trial.subject import subject

    try:
        folder = find(run).resolve()
        recording, diagnosis = analyse(folder)
    except RunError as error:
        fail(str(error), 2)
    finding = chosen(diagnosis, finding_id and current_id(finding_id)).finding
    words = click.get_current_context().meta[_WORDS]
    try:
        asked = subject(recording, finding, words, None if patch is None else patch.absolute(), writable)
        room = _room(asked, copy, allow_network)
    except NoChange as reason:
        fail(f"nothing to try for {finding.detector}: {reason}{'' if patch else _HINT}", 1)
    except CannotTell as reason:
        fail(f"cannot tell what the fix for {finding.detector} saves: {reason}", _CANNOT_TELL)
    plan = plan_of(asked.measure)
    if not (quiet or as_json):
        _say(outcome.announced(finding, asked, plan))
    if plan.seconds > max_minutes * 60:
        fail(f"--max-minutes {max_minutes:g} is too short: {outcome.needed(plan)}", 2)
    try:
        tried = prove(asked, room, max_minutes * 60, None, None if quiet or as_json else _progress)
    except ArmError as error:
        fail(str(error), 1)
    except KeyboardInterrupt:
        fail("stopped; nothing was changed", 130)
    result = outcome.result(finding, asked, tried)
    try:
        kept.add(folder, kept.TRIALS, result)
    except OSError as error:
        _say(f"the result cannot be kept in {folder}: {error.strerror}")
    if as_json:
        click.echo(json.dumps(result, indent=1))
    else:
        for line in outcome.lines(result):
            click.echo(line)
    sys.exit({"faster": 0, "cannot tell": _CANNOT_TELL}.get(result["answer"], 1))


def _room(asked: Subject, copy: bool, network: bool) -> Room:
    """The sandbox, or what was asked for instead; the program ends where neither can be."""
    from ..sandbox import problem
    from ..trial.rooms import Copied, Sandboxed

    if copy:
        room = Copied(asked.project)
        _say(f"On a copy: {room.not_isolated}")
        return room
    why = problem()
    if why:
        fail(f"no sandbox can be made here ({why}); --copy runs on a plain copy of the project", 2)
    return Sandboxed(asked.writable, network)


def _say(line: str) -> None:
    click.echo(f"bottleneck: {line}", err=True)


def _progress(tried: Tried) -> None:
    from ..trial.outcome import so_far

    _say(so_far(tried))
