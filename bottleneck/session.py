"""One run from start to finish: the only module that knows every part.

``record`` starts the program and fills the run folder; ``analyse`` turns a run folder into a Diagnosis; ``write``
puts the reports beside it. Heavy imports happen after the child has started.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from . import signals
from .capture.command import start_error
from .capture.supervisor import Ended, Supervisor
from .signals import OPTIONS_VARIABLE, RUN_DIR_VARIABLE

if TYPE_CHECKING:
    from .diagnosis.model import Diagnosis
    from .recording.model import Recording

PART_SECONDS = 10.0
HOST_SECONDS = 0.1
REPORT_FILE = "report.html"


@dataclass(frozen=True)
class Options:
    """What the user asked for. ``price_per_hour``: of one accelerator. ``otlp``: endpoint, None = environment.

    ``device_window``: optimizer steps to trace with torch.profiler, 0 for none.
    """

    name: str = "run"
    run_dir: Path | None = None
    stacks: str = "auto"
    record_args: bool = False
    price_per_hour: float | None = None
    otlp: str | None = None
    device_window: int = 0


class Recorded(NamedTuple):
    """How the program ended and what to tell the user. ``lost``: one line on what could not be kept, "" for nothing.

    ``readable``: whether the run folder can be analysed.
    """

    ended: Ended
    messages: list[str]
    lost: str
    readable: bool


@dataclass
class Recorder:
    """The supervisor's side of a recording: drains the rings, samples host and GPU, writes the tables."""

    run_dir: Path
    root_pid: int
    host_rows: list[dict[str, Any]] = field(default_factory=list)
    gpu_rows: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    gpus: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        from .capture.drain import Drain
        from .capture.saver import Saver
        from .recording.write import Writer

        self.drain = Drain(self.run_dir)
        self.saver = Saver(self.drain, Writer(self.run_dir))
        self._next_part = time.monotonic() + PART_SECONDS
        self._next_host = 0.0
        self._host = self._start_host()
        self._gpu = self._start_gpu()

    def _start_host(self) -> Any:
        try:
            from .collectors.host.proc import HostSampler
            from .collectors.host.shared_pages import SharedPages

            self._pages = SharedPages()
            return HostSampler(self.root_pid)
        except Exception as error:
            self.notes.append(f"Host metrics were not measured: {error}.")
            return None

    def _start_gpu(self) -> Any:
        try:
            from .collectors.host.nvml import GpuSampler

            sampler = GpuSampler()
        except Exception:
            return None
        if getattr(sampler, "reason", None):
            return None
        self.gpus = [dict(fact) for fact in sampler.facts()]
        return sampler

    def tick(self) -> None:
        """Called every 50 ms while the program runs."""
        self.drain.poll()
        now = time.monotonic()
        if now >= self._next_host:
            self._next_host = now + HOST_SECONDS
            self._sample()
        if now >= self._next_part:
            self._next_part = now + PART_SECONDS
            self.drain.retire()
            self._flush()

    def shares(self, elapsed_seconds: float) -> tuple[dict[str, float], int | None]:
        """Exclusive share of the elapsed time per phase of the busiest process so far, and its optimizer steps."""
        seconds: dict[int, dict[int, float]] = {}
        steps: dict[int, int] = {}
        for pid, phase, outer, count, ns in self.drain.live_totals():
            mine = seconds.setdefault(pid, {})
            mine[phase] = mine.get(phase, 0.0) + ns / 1e9
            mine[outer] = mine.get(outer, 0.0) - ns / 1e9
            if phase == signals.OPTIMIZER:
                steps[pid] = steps.get(pid, 0) + count
        if not seconds:
            return {}, None
        pid = max(seconds, key=lambda p: sum(v for k, v in seconds[p].items() if k))
        shares = {
            signals.PHASES[phase]: max(0.0, value) / max(elapsed_seconds, 1e-9)
            for phase, value in seconds[pid].items()
            if phase
        }
        return shares, steps.get(pid)

    def _sample(self) -> None:
        time_ns = time.monotonic_ns()
        if self._host is not None:
            pages = self._pages.sample(self.drain.notes, self.drain.pids)
            self.host_rows.append({"time_ns": time_ns, **self._host.sample(), **pages})
        if self._gpu is not None:
            self.gpu_rows += [{"time_ns": time_ns, **row} for row in self._gpu.sample()]

    def _flush(self, final: bool = False) -> None:
        self.saver.save(self.host_rows, self.gpu_rows, final)
        self.host_rows, self.gpu_rows = [], []

    def finish(self) -> None:
        """Drain what is left after the end; processes that outlive the program keep their rings."""
        self.drain.poll(everything=True)
        self.drain.retire()
        self.drain.poll(everything=True)
        self._flush(final=True)
        for name in ("_host", "_gpu"):
            close = getattr(getattr(self, name), "close", None)
            if close is not None:
                close()


def record(
    argv: list[str], words: list[str], run_dir: Path, options: Options, progress: Callable[[Any], Any] | None = None
) -> Recorded:
    """Run ``argv`` under supervision into ``run_dir``. Raises CommandError when it cannot be started, nothing else.

    ``progress(recorder)`` is called once after the start and returns an object with ``tick()`` and ``close()``.
    """
    from .recording.folder import hold

    environment = {RUN_DIR_VARIABLE: str(run_dir), OPTIONS_VARIABLE: _child_options(options)}
    supervisor = Supervisor(argv, run_dir, environment)
    state: dict[str, Any] = {}
    hold(run_dir)
    started = {"started_ns": time.monotonic_ns(), "started_wall_ns": time.time_ns()}

    def tick() -> None:
        if "recorder" not in state:  # the child is already running: now the heavy imports
            begin(run_dir, words, options, {"pid": supervisor.pid, **started})
            state["recorder"] = Recorder(run_dir, supervisor.pid)
            state["progress"] = progress(state["recorder"]) if progress is not None else None
        state["recorder"].tick()
        if state["progress"] is not None:
            state["progress"].tick()

    try:
        ended = supervisor.run(tick)
    except OSError as error:
        raise start_error(argv, error) from None
    if state.get("progress") is not None:
        state["progress"].close()
    messages = []
    if ended.tick_error is not None:
        messages.append(f"recording had {ended.tick_errors} errors, first: {ended.tick_error!r}")
    try:  # the program has an exit code by now, and nothing of ours may replace it
        recorder = state.get("recorder") or Recorder(run_dir, ended.pid)
        lost, readable = _finish(run_dir, recorder, words, options, ended)
        messages += recorder.drain.problems
    except Exception as error:
        lost, readable = f"the recording could not be finished: {type(error).__name__}: {error}", False
    return Recorded(ended, messages, lost, readable)


def _child_options(options: Options) -> str:
    window = f",window={options.device_window}" if options.device_window else ""
    return f"stacks={options.stacks}{window}"


def _finish(run_dir: Path, recorder: Recorder, words: list[str], options: Options, ended: Ended) -> tuple[str, bool]:
    """(what could not be kept, whether the run can be read)."""
    from .recording.folder import reason

    recorder.finish()
    lost = recorder.saver.problem
    if lost:
        recorder.notes.append("A part of the recording is missing: it could not be written.")
    try:
        _write_run(run_dir, recorder, words, options, ended)
    except OSError as error:
        if not run_dir.is_dir():
            return f"the run folder {run_dir} was removed while the program ran: there is nothing to report", False
        return lost or f"recording stopped: cannot write {run_dir}: {reason(error)}", False
    return lost, True


def begin(run_dir: Path, words: list[str], options: Options, start: Mapping[str, int]) -> None:
    """Write run.json as far as it is known, so that the run can be read if we are killed. Never raises OSError.

    ``start``: pid, started_ns and started_wall_ns. A run without an end is completed by ``recording.recovery``.
    """
    from .recording.folder import write_json

    try:
        write_json(run_dir / "run.json", {**_identity(words, options), **start, "exit_code": None, "ended_ns": None})
    except OSError:
        pass  # the first part of the tables says so


def _write_run(run_dir: Path, recorder: Recorder, words: list[str], options: Options, ended: Ended) -> None:
    from .capture import resume
    from .recording.folder import write_json

    write_json(
        run_dir / "run.json",
        {
            **_identity(words, options),
            "exit_code": ended.exit_code,
            "pid": ended.pid,
            "started_ns": ended.started_ns,
            "ended_ns": ended.ended_ns,
            "started_wall_ns": ended.started_wall_ns,
            "gpus": recorder.gpus,
            "notes": recorder.notes,
            "unit_costs": {"call_seconds": _call_seconds()},
            "dropped_records": recorder.drain.dropped,
            "written_records": recorder.drain.written,
            "totals": [[*key, *value] for key, value in recorder.drain.totals.items()],
        },
    )
    resume.forget(run_dir)


def _identity(words: list[str], options: Options) -> dict[str, Any]:
    from .recording.folder import VERSION

    return {
        "format": "bottleneck.run",
        "version": VERSION,
        "name": options.name,
        "command": " ".join(words) if options.record_args else " ".join(_public(words)),
        "machine": _machine(),
        "versions": _versions(),
        "cwd": os.getcwd(),
        **({"environment": dict(os.environ)} if options.record_args else {}),
    }


def _public(words: list[str]) -> list[str]:
    """The command without its arguments: program and script names only (arguments can hold secrets)."""
    shown: list[str] = []
    for index, word in enumerate(words):
        shown.append(word)
        if word.endswith(".py") or (index and words[index - 1] == "-m"):
            break
        if index >= 3 or (index and not word.startswith("-")):
            break
    return shown if len(shown) == len(words) else [*shown, "..."]


def _machine() -> dict[str, Any]:
    try:
        from .collectors.host.proc import machine_facts

        return machine_facts()
    except Exception:
        count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return {"cores": float(count), "hostname": socket.gethostname()}


def _call_seconds() -> float | None:
    try:
        from .agent.calibration import call_seconds

        return call_seconds()
    except OSError:
        return None


def _versions() -> dict[str, str]:
    from . import __version__

    return {"bottleneck": __version__, "python": "%d.%d.%d" % sys.version_info[:3]}


def complete(run_dir: Path) -> None:
    """Look once, right after the run, at what a later analysis may not find any more: sources and files read."""
    from .enrich import device_trace, probe
    from .enrich.source.device_lines import add_device_lines
    from .enrich.source.flow_lines import add_flow_lines
    from .enrich.source.growth_lines import add_growth_lines
    from .enrich.source.objects_lines import add_objects_lines
    from .enrich.source.output_lines import add_output_lines
    from .enrich.source.switch_lines import add_switch_lines
    from .recording.notes import append_notes
    from .recording.read import load

    recording = load(run_dir)
    known = len(recording.facts.notes)
    add_growth_lines(recording.facts)
    add_objects_lines(recording.facts)
    add_flow_lines(recording)
    add_output_lines(recording)
    add_switch_lines(recording.facts)
    device_trace.add_tables(run_dir, recording)
    add_device_lines(recording)
    try:
        append_notes(run_dir, recording.facts.notes[known:])
    except OSError:
        return  # the disk is full: less is known about the lines
    probe.run(run_dir, recording)


def analyse(run_dir: Path, price_per_hour: float | None = None) -> tuple[Recording, Diagnosis]:
    """The recording of a run folder and its diagnosis, patches included. Raises RunError when it cannot be read.

    A run whose recording was killed is completed first.
    """
    from .artifacts.run.machine import Settings
    from .capture.recovery import recover
    from .diagnosis.analysis import diagnose
    from .patching import add_patches
    from .recording.read import load

    if recover(run_dir):
        complete(run_dir)
    recording = load(run_dir)
    diagnosis = diagnose(recording, Settings(price_per_hour=price_per_hour))
    return recording, add_patches(diagnosis, recording.run)


def write(
    run_dir: Path,
    recording: Recording,
    diagnosis: Diagnosis,
    environment: Mapping[str, str] = os.environ,
    otlp: str | None = None,
) -> list[str]:
    """diagnosis.json, report.html, trace.jaeger.json, and spans where asked. Returns warnings; never raises OSError."""
    from .exporters import html
    from .exporters import json as report_json
    from .recording.folder import reason, write_text

    try:
        write_text(run_dir / "diagnosis.json", report_json.dumps(diagnosis))
        write_text(run_dir / REPORT_FILE, html.render(diagnosis))
        from .exporters.tracing import export

        return export(recording, diagnosis, run_dir, environment, otlp)
    except OSError as error:
        return [f"cannot write {error.filename or run_dir}: {reason(error)}"]
