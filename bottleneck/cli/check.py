"""``bottleneck check``: whether a change may pass, for CI."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from ..capture.command import CommandError, resolve
from ..capture.platforms import platform_problem
from ._options import within_option
from .run import program_name

if TYPE_CHECKING:
    from ..gate.budgets import Budget
    from ..gate.check import Wanted
    from ..gate.model import Report

_CANNOT_TELL, _NOT_COMPARABLE = 3, 4
_LEAST = 5  # pairs: with fewer, an interval of 95 % says little


class _Quantity(click.ParamType):  # type: ignore[type-arg]
    """A number with a unit; the parser is imported when the option is used."""

    def __init__(self, name: str) -> None:
        self.name = name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from ..gate import budgets

        try:
            return budgets.seconds_of(value) if self.name == "time" else budgets.share_of(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command(
    "check",
    context_settings={
        "ignore_unknown_options": True,
        "allow_interspersed_args": False,
        "help_option_names": ["-h", "--help"],
    },
)
@click.option("--against", metavar="REF", help="Compare with this branch, tag or commit of the git repository.")
@click.option(
    "--pairs",
    type=click.IntRange(_LEAST, 50),
    default=10,
    show_default=True,
    help=f"Most pairs of runs (without --against: runs). From {_LEAST} on, it stops when they are enough.",
)
@click.option(
    "--max-minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    help="Begin no pair that is not expected to end in this time.",
)
@within_option("The smallest slow-down that fails the check.")
@click.option(
    "--share",
    "shared",
    multiple=True,
    metavar="PATH",
    help="A file or folder that git does not track and the old version needs, such as data. May be repeated.",
)
@click.option("--max-step-time", type=_Quantity("time"), metavar="TIME", help="Fail if the mean step is longer: 250ms.")
@click.option("--min-gpu-busy", type=_Quantity("share"), metavar="SHARE", help="Fail if the GPUs are less busy: 80%.")
@click.option(
    "--max-data-wait",
    type=_Quantity("share"),
    metavar="SHARE",
    help="Fail if steps wait for data for a larger share of their time: 10%.",
)
@click.option(
    "--no-new-findings",
    type=click.Choice(["critical", "warning", "info"]),
    help="Fail on a finding, this severe or worse, that the old version does not have.",
)
@click.option(
    "--baseline",
    "baseline_file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("bottleneck.baseline.json"),
    show_default=True,
    help="Without --against: the stored figures to compare with.",
)
@click.option("--update", is_flag=True, help="Record this program's figures into the baseline, and check nothing.")
@click.option("--name", help="Name of the program in the baseline and the reports (default: the script's name).")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write JUnit XML to this file.")
@click.option("--sarif", type=click.Path(dir_okay=False, path_type=Path), help="Write SARIF 2.1.0 to this file.")
@click.argument("words", metavar="[--] COMMAND...", nargs=-1, type=click.UNPROCESSED)  # fmt: skip
def command(words: tuple[str, ...], **options: Any) -> None:
    """Run COMMAND in this version and in another one, in turn, and fail if this one is slower.

    Without --against, compare with the stored baseline, or check budgets alone.

    Exit code: 0 passed, 1 slower or over a budget, 2 bad usage, 3 cannot tell, 4 not comparable.
    """
    problem = platform_problem()
    if problem:
        _fail(problem)
    words = words[1:] if words[:1] == ("--",) else words
    try:
        resolve(words)
    except CommandError as error:
        _fail(str(error).replace("bottleneck run", "bottleneck check --against main --"))
    from ..gate.baseline import BaselineError
    from ..gate.check import check, record_baseline
    from ..gate.git import VersionError
    from ..pairs.interleaved import ArmError
    from ..recording.folder import RunError

    signal.signal(signal.SIGTERM, _stopped)  # so that the old version's files are removed when a job is cancelled
    try:
        wanted = _wanted(words, options)
        if options["update"]:
            click.echo(record_baseline(wanted, _tell))
            return
        report = check(wanted, _tell)
    except (BaselineError, RunError, VersionError) as error:
        _fail(str(error))
    except ArmError as error:
        _fail(f"not comparable: {error}", _NOT_COMPARABLE)
    except KeyboardInterrupt:
        _fail("stopped", 128 + signal.SIGINT)
    except Exception as error:  # must not look like the exit code of a slow version
        _fail(f"cannot tell: the check itself failed: {type(error).__name__}: {error}", _CANNOT_TELL)
    _show(report, options)
    sys.exit(report.exit_code)


def _wanted(words: tuple[str, ...], options: dict[str, Any]) -> Wanted:
    """What the options ask for. Raises BaselineError; ends the program where they do not fit together."""
    from ..gate.check import Wanted
    from ..gate.measure import Amount

    program, budgets = options["name"] or program_name(words), tuple(_budgets(options))
    against, no_new, update = options["against"], options["no_new_findings"], options["update"]
    if update and (against or budgets or no_new):
        _fail("--update records a baseline and checks nothing: leave out --against and the budgets")
    if options["shared"] and not against:
        _fail("--share is for the old version of --against")
    stored = None if against or update else _stored(options["baseline_file"], program, words)
    if not (against or update or stored or budgets):
        _fail(f"nothing to check: give --against REF or a budget, or record {options['baseline_file']} with --update")
    if no_new and not against and stored is None:
        _fail("--no-new-findings needs an older version: --against REF, or a baseline")
    return Wanted(
        words=words,
        program=program,
        amount=Amount(_LEAST, options["pairs"], options["max_minutes"] * 60),
        within=options["within"] / 100,
        against=against,
        stored=stored,
        baseline_file=options["baseline_file"],
        budgets=budgets,
        no_new=no_new,
        shared=options["shared"],
    )


def _budgets(options: dict[str, Any]) -> list[Budget]:
    from ..gate import budgets

    makers: dict[str, Callable[[float], Budget]] = {
        "max_step_time": budgets.max_step_time,
        "min_gpu_busy": budgets.min_gpu_busy,
        "max_data_wait": budgets.max_data_wait,
    }
    return [make(options[name]) for name, make in makers.items() if options[name] is not None]


def _stored(file: Path, program: str, words: tuple[str, ...]) -> Any:
    """The program's baseline; None if there is no file. Raises BaselineError."""
    from ..gate import baseline

    if not file.exists():
        return None
    found = baseline.read(file).get(program)
    if found is None:
        raise baseline.BaselineError(f"{file} has no program {program}; record it with --update, or give --name")
    if found.arguments != baseline.arguments_of(words):
        _fail(f"not comparable: {file} has {program} with another command; record it with --update, or give --name",
              _NOT_COMPARABLE)  # fmt: skip
    return found


def _show(report: Report, options: dict[str, Any]) -> None:
    """Print the report, and write the files that were asked for; one that cannot be written is told in one line."""
    from rich.console import Console

    from ..gate import document, github, junit, sarif, terminal

    if options["as_json"]:
        click.echo(document.dumps(report))
    else:
        terminal.render(report, Console())
    for write, file in (
        (junit.write, options["junit"]),
        (sarif.write, options["sarif"]),
        (github.append_summary, os.environ.get("GITHUB_STEP_SUMMARY")),
    ):
        if file:
            try:
                write(Path(file), report)
            except OSError as error:
                click.echo(f"bottleneck: cannot write {file}: {error.strerror}", err=True)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for line in github.commands(report):
            click.echo(line, err=options["as_json"])


def _tell(text: str) -> None:
    click.echo(f"bottleneck: {text}", err=True)


def _stopped(number: int, frame: object) -> NoReturn:
    sys.exit(128 + number)


def _fail(message: str, code: int = 2) -> NoReturn:
    click.echo(f"bottleneck: {message}", err=True)
    sys.exit(code)
