"""``bottleneck run``: record a program, then report."""

from __future__ import annotations

import os
import shlex
import sys
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..capture.command import CommandError, outer_run, replace_process, resolve
from ..capture.platforms import platform_notes, platform_problem
from ..diagnosis.phases import phase_words
from ._metrics import Address, AddressOption, LivePage, usable
from ._prices import price_option, prices_of

if TYPE_CHECKING:
    from ..capture.program import Recorded
    from ..diagnosis.findings import Finding
    from ..diagnosis.model import Diagnosis
    from ..prices import Prices
    from ..session import Asked

WINDOW_STEPS = 10  # of --device-window, where no number follows


class _Run(click.Command):
    """``--device-window`` takes a number where one follows it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        takes_value = {o: not p.is_flag for p in self.params if isinstance(p, click.Option) for o in p.opts}
        at = 0
        while at < len(args) and args[at] in takes_value:  # what comes after these is the program's
            alone = not args[at + 1 : at + 2] or not args[at + 1].isdigit()
            if args[at] == "--device-window" and alone:
                args = [*args[: at + 1], str(WINDOW_STEPS), *args[at + 1 :]]
            at += 2 if takes_value[args[at]] else 1
        return super().parse_args(ctx, args)


@click.command(
    "run",
    cls=_Run,
    context_settings={
        "ignore_unknown_options": True,
        "allow_interspersed_args": False,
        "help_option_names": ["-h", "--help"],
    },
)
@click.option("--run-dir", type=click.Path(path_type=Path), help="Record into this folder; it must be new or empty.")
@click.option("--name", help="Name of the run (default: the script's name).")
@click.option("--quiet", "-q", is_flag=True, help="No progress line, and no report unless there are findings.")
@click.option(
    "--stacks",
    type=click.Choice(["auto", "pyinstrument", "off"]),
    default="auto",
    show_default=True,
    help="Call-stack sampler: the built-in one (auto), pyinstrument, or none (off).",
)
@click.option(
    "--duration",
    type=click.IntRange(min=1),
    metavar="SECONDS",
    help="Stop recording after this time and report, while the program keeps running.",
)
@click.option(
    "--device-window",
    type=click.IntRange(3, 1000),
    metavar="[STEPS]",
    help=f"Trace this many optimizer steps (default: {WINDOW_STEPS}) with torch.profiler: kernels, copies, "
    "synchronizations. The traced steps run slower, and the program pauses briefly after them.",
)
@price_option()
@click.option(
    "--prometheus", metavar="URL", help="Fill what is not measured of the machine from Prometheus, at the end."
)
@click.option(
    "--record-args", is_flag=True, help="Store the arguments and the environment too (they may hold secrets)."
)
@click.option(
    "--no-probe",
    is_flag=True,
    help="After the run, do not try other formats on the files that were read (which takes about a second).",
)
@click.option(
    "--probe-model",
    is_flag=True,
    help="Copy the served model and up to eight of its inputs into the run folder; after the run, measure the copy in "
    "int8, bf16, compiled, with other threads and batches (up to a minute or two), and delete it.",
)
@click.option(
    "--sample-often", is_flag=True, help="Sample up to eight times as often, for up to 2 % of a core per process."
)
@click.option("--otlp", metavar="URL", help="Send spans and metrics to this OTLP/HTTP endpoint after the run.")
@click.option(
    "--metrics",
    type=AddressOption(),
    metavar="[HOST]:PORT",
    help="Serve metrics for Prometheus while the program runs, on this machine only unless a HOST is given.",
)
@click.option(
    "--textfile",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="After the run, write its metrics to this folder of node-exporter's textfile collector.",
)
@click.option("--wandb", is_flag=True, help="After the run, log its figures into the program's own run of W&B.")
@click.option("--mlflow", is_flag=True, help="After the run, log its figures into the program's own run of MLflow.")
@click.option("--verbose", "-v", is_flag=True, help="Show every phase and every check.")
@click.argument("words", metavar="[--] COMMAND...", nargs=-1, type=click.UNPROCESSED)
def command(
    run_dir: Path | None,
    name: str | None,
    quiet: bool,
    stacks: str,
    duration: int | None,
    device_window: int | None,
    price_per_hour: str | None,
    prometheus: str | None,
    record_args: bool,
    no_probe: bool,
    probe_model: bool,
    sample_often: bool,
    otlp: str | None,
    metrics: Address | None,
    textfile: Path | None,
    wandb: bool,
    mlflow: bool,
    verbose: bool,
    words: tuple[str, ...],
) -> None:
    """Run COMMAND unchanged, and report what limits it.

    COMMAND is `script.py args`, `-m module args`, or any program that starts Python, such as `torchrun ...`.
    """
    problem = platform_problem()
    if problem:
        _fail(problem, 2)
    try:
        argv = resolve(words)
        if outer_run(os.environ):
            click.echo("bottleneck: nested run: the outer `bottleneck run` records and reports.", err=True)
            replace_process(argv)
    except CommandError as error:
        _fail(str(error), error.exit_code)
    if duration is not None and stacks == "pyinstrument":
        _fail("--duration does not work with --stacks pyinstrument, whose sampler runs until the program ends", 2)
    asked = _asked(price_per_hour, prometheus)
    from ..capture.program import Options, Watching, record
    from ..recording.folder import RunError, create

    trackers = tuple(tool for tool, wanted in (("wandb", wandb), ("mlflow", mlflow)) if wanted)
    options = Options(
        name or program_name(words),
        stacks,
        record_args,
        device_window or 0,
        duration,
        not no_probe,
        sample_often,
        trackers,
        probe_model,
    )
    try:
        folder = create(None, options.name, run_dir)
    except RunError as error:
        _fail(str(error), 2)
    exports: dict[str, dict[str, Any]] = {"otlp": {"url": otlp}, "textfile": {"directory": usable(textfile)}}
    exports |= {tool: {"asked": True} for tool in trackers}
    report = _Report(folder, argv, shlex.join(words), quiet, verbose, asked, exports)
    stopped = partial(report.show, stopped_after=duration)
    progress = partial(_progress, quiet=quiet, metrics=metrics, prices=asked.prices)
    try:
        recorded = record(argv, list(words), folder, options, Watching(progress, stopped))
    except CommandError as error:
        _fail(str(error), error.exit_code)
    report.show(recorded)
    sys.exit(recorded.ended.exit_code)


@dataclass(frozen=True)
class _Report:
    """What is printed and written about a run: when it has ended, or while the program goes on."""

    folder: Path
    argv: list[str]
    command: str  # as it was typed
    quiet: bool
    verbose: bool
    asked: Asked
    exports: dict[str, dict[str, Any]]  # exporter -> its options

    def show(self, recorded: Recorded, stopped_after: int | None = None) -> None:
        """Tell what there is to tell, then report. Raises nothing: the user's exit code is worth more than that."""
        messages = [*platform_notes()] if recorded.readable else []
        if stopped_after is not None and not self.quiet:
            messages.append(f"recording stopped after {stopped_after} s; the program keeps running")
        messages += [*recorded.messages, *filter(None, [recorded.lost])]
        try:
            for message in messages:
                click.echo(f"bottleneck: {message}", err=True)
            if recorded.readable:
                self._make(recorded.lost)
        except BrokenPipeError:
            pass
        except Exception as error:
            click.echo(f"bottleneck: the report failed: {type(error).__name__}: {error}", err=True)

    def _make(self, lost: str) -> None:
        from rich.console import Console

        from ..capture.attachment import attachment_problem
        from ..enrich import model_probe
        from ..recording.folder import RunError
        from ..session import analyse, complete, write

        if model_probe.is_waiting(self.folder) and not self.quiet:
            wait = f"up to {model_probe.SECONDS:.0f} s, and Ctrl-C ends it"
            click.echo(f"bottleneck: measuring the copy of the model ({wait})", err=True)
        complete(self.folder)
        try:
            recording, diagnosis = analyse(self.folder, self.asked)
        except RunError as error:
            if self.asked.prometheus is None:
                raise
            click.echo(f"bottleneck: {error}", err=True)  # the report is worth more than what it could have beside
            recording, diagnosis = analyse(self.folder, replace(self.asked, prometheus=None))
        nothing = diagnosis.verdict == "nothing recorded"
        if nothing:
            reason = attachment_problem(self.folder, self.argv, hello_seen=False)
            why = reason or "no Python process reported to the recorder."
            click.echo(f"bottleneck: nothing was recorded: {why}", err=True)
        console = None if nothing or (self.quiet and not diagnosis.findings) else Console(stderr=True)
        options: dict[str, dict[str, Any]] = {
            "terminal": {"console": console, "verbose": self.verbose, "command": self.command},
            **self.exports,
        }
        warnings = write(self.folder, recording, diagnosis, options)
        for warning in warnings if not lost else ():  # the full disk has been told
            click.echo(f"bottleneck: {warning}", err=True)
        if not self.quiet:
            _say_where(self.folder, diagnosis)


def _say_where(folder: Path, diagnosis: Diagnosis) -> None:
    """Print the path of the report, and the commands that show a patch and convert files."""
    from ..exporters.html import REPORT_FILE
    from ..recording.folder import run_name

    if not (folder / REPORT_FILE).exists():
        return
    relative = os.path.relpath(folder)
    shown = str(folder) if relative.startswith("..") else relative
    click.echo(f"Report: {shown}/{REPORT_FILE}", err=True)
    patch = next((r.finding.detector for r in diagnosis.findings if r.finding.fix.patch), None)
    if patch:
        command = shlex.join(["bottleneck", "fix", run_name(folder) or shown, patch])
        click.echo(f"Patch:  {command}  (--apply writes it)", err=True)
    text = [r.finding for r in diagnosis.findings if r.finding.detector == "csv-instead-of-parquet"]
    if text and _can_be_converted(text[0]):
        command = shlex.join(["bottleneck", "convert", run_name(folder) or shown])
        click.echo(f"Files:  {command}  (writes them as Parquet)", err=True)


def _can_be_converted(finding: Finding) -> bool:
    from ..conversion.jobs import CALLS  # it loads pyarrow's readers, which few reports need

    return any(each.label == "reader" and each.value in CALLS for each in finding.evidence)


class _Live:
    """Updates the progress line from the live totals, four times a second."""

    def __init__(self, recorder: Any) -> None:
        from ..capture.progress import Progress

        self._recorder = recorder
        self._progress = Progress()
        self._started = time.monotonic()
        self._next = 0.0

    def tick(self) -> None:
        self._progress.check()
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + 0.25
        shares, steps = self._recorder.shares(now - self._started)
        self._progress.update(now - self._started, {phase_words(name): part for name, part in shares.items()}, steps)

    def close(self) -> None:
        self._progress.close()


class _All:
    """What is shown while the program runs."""

    def __init__(self, parts: list[Any]) -> None:
        self._parts = parts

    def tick(self) -> None:
        for part in self._parts:
            part.tick()

    def close(self) -> None:
        for part in self._parts:
            part.close()


def _progress(recorder: Any, quiet: bool, metrics: Address | None, prices: Prices | None) -> _All:
    parts: list[Any] = [] if metrics is None else [LivePage(recorder, metrics, prices)]
    return _All(parts if quiet else [*parts, _Live(recorder)])


def program_name(words: tuple[str, ...]) -> str:
    """The name of a run of this command: its script or module."""
    for word in words:
        if word.endswith(".py"):
            return Path(word).stem
    chosen = words[1] if len(words) > 1 and words[0] == "-m" else words[0]
    return Path(chosen).name


def _asked(price_per_hour: str | None, prometheus: str | None) -> Asked:
    """What the report is to consider; ends the program before it has begun if that makes no sense."""
    from ..session import Asked

    if prometheus is not None:
        from ..monitoring import NoSamples
        from ..monitoring.prometheus import address

        try:
            address(prometheus)
        except NoSamples as problem:
            _fail(f"--prometheus {problem}", 2)  # without the text, which may hold a password
    return Asked(prices_of(price_per_hour), prometheus)


def _fail(message: str, code: int) -> None:
    click.echo(f"bottleneck: {message}", err=True)
    sys.exit(code)
