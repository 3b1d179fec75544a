"""What is known about one user line, however it spends its time: the facts that patterns ask for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ... import signals
from ...artifacts.device.timed import Timed
from ...artifacts.loading.loader import Loader
from ...artifacts.memory.device_memory import DeviceMemory
from ...artifacts.memory.headroom import MemoryHeadroom
from ...artifacts.run.frames import Named, through
from ...artifacts.run.host import Host
from ...artifacts.run.user_lines import UserLine, UserLines
from ...artifacts.serving.inputs import InferredInputs
from ...artifacts.serving.requests import Pool, Requests
from ...artifacts.training.padding import Padding
from ...artifacts.training.steps import Steps
from ...patterns import Sighting, Source
from ...patterns.flow import around
from ...recording.facts import Collective, Optimizer
from ...recording.model import Recording, Records, Site
from . import _drift

_IN_STEPS = 0.8  # of a line's samples: then it belongs to the steps
_GROWS = 1.5  # the last third of the steps over the first third
_STEPS_TO_GROW = 9
_FULL = 0.9  # share of a server's threads in use
_OFTEN_FULL = 0.4  # the same, where at times a queue as long as the pool waits
_PICKLES = ("/multiprocessing/reduction.py", "/multiprocessing/connection.py", "/cloudpickle/")
_SENDS = ("dumps", "dump", "send", "_send", "_send_bytes", "reducer_override")
_MIN_WORKERS = 2
_WATCHED = 0.5  # of some line's samples: then what threads wait for was read often enough
_UNSEEN = 0.15  # of a line's samples: with fewer known waits it is in no wait
_HARDLY = 0.5  # cores in use: a program whose threads compute in turn uses one
_SPARE = 0.5  # cores idle
_MANY = 8  # threads in the line, to one that runs or wants a core: of threads that soon end, some are not counted
_EMBEDDING = "/torch/nn/modules/sparse.py"


@dataclass(frozen=True)
class Run:
    """The artifacts of a run that say something about its lines; None for those the run does not have."""

    recording: Recording
    lines: UserLines
    steps: Steps | None
    loader: Loader | None
    padding: Padding | None
    memory: DeviceMemory | None
    headroom: MemoryHeadroom | None
    requests: Requests | None
    inputs: InferredInputs | None
    timed: Timed | None

    @classmethod
    def of(
        cls, recording: Recording, lines: UserLines, steps: Steps | None, loader: Loader | None,
        padding: Padding | None, memory: DeviceMemory | None, headroom: MemoryHeadroom | None,
        requests: Requests | None, inputs: InferredInputs | None, timed: Timed | None,
    ) -> Run:  # fmt: skip
        return cls(recording, lines, steps, loader, padding, memory, headroom, requests, inputs, timed)

    def sighting(self, source: Source, line: UserLine) -> Sighting:
        """What is known about the line, except its place in the stacks, which comes with each of its ways."""
        recording, steps = self.recording, self.steps
        within = _within(line, steps)
        inside = steps is not None and within.mean() >= _IN_STEPS
        site = None if steps is None else recording.facts.loop_site(steps.process, steps.loader)
        phases = line.rows["flags"] & 0xFF
        once = inside and _once_a_step(source, line, site)
        pool = None if self.requests is None else self.requests.pool
        waiting = 0.0 if self._queues(line) or not line.line else line.waiting_share
        return Sighting(
            source,
            line.line,
            line.function.rpartition(".")[2],
            step=inside,
            evaluating=bool((phases == signals.EVAL).mean() > 0.5),
            passes=steps.all_count if steps is not None and inside else None,
            growing=_growing(line, steps) if steps is not None and once else self._drifts(source, line),
            to_forward=_to_forward(line, steps) if inside else None,
            off_cpu=waiting > 0.5,
            waiting=waiting,
            waits_for=None if line.waits_for is None else line.waits_for.what,
            tasks=line.tasks or None,
            threads=line.threads,
            at_once=line.at_once,
            cores=_cores(line, recording),
            serves=self.requests is not None,
            in_flight=self._in_flight,
            device=self._device,
            on_device=None if self.timed is None else True,
            fill=None if self.padding is None else 1.0 - self.padding.waste_share,
            inferred_fill=None if self.inputs is None else self.inputs.fill,
            ranks=self._ranks,
            memory=self._memory,
            pickling=_pickling(line, recording),
            workers_busy=_workers_busy(line, recording) if line.waits_for_others else None,
            pool_full=None if pool is None else _is_full(pool),
            seconds=line.thread_seconds,
            seconds_each=self._seconds_each(source, line, once),
            embedding=self._embedding if inside else None,
            body=line.share_where(lambda way: way.own),
            versions={name: _version(str(text)) for name, text in recording.run.get("versions", {}).items()},
        )

    @property
    def _device(self) -> str | None:
        return None if self.recording.gpu or self.recording.run.get("gpus") else "cpu"

    @property
    def _memory(self) -> float | None:
        if self.memory is not None:
            return self.memory.peak_bytes / max(self.memory.total_bytes, 1.0)
        return self.headroom.used_share if self.headroom is not None and self._device == "cpu" else None

    def _queues(self, line: UserLine) -> bool:
        """Whether the line is blocked for want of a core: beside the main thread that counts as blocked, too.

        A thread that waits for something else was seen in that wait, where waits were read at all: not those of threads
        that soon end, as of a server that answers each request in a new one. But who wants a core in vain is part of a
        program that computes, or of a machine without idle cores.
        """
        watched = any(each.waits.samples >= _WATCHED * each.samples for each in self.lines.lines if each.sampled)
        unseen = watched and line.beside and not line.tasks and line.waits.samples < _UNSEEN * line.samples
        return unseen and not _has_cores(line, self.recording)

    def _drifts(self, source: Source, line: UserLine) -> bool | None:
        """Whether the line takes a growing share of the outermost loop around it; None if that cannot be told."""
        node = next(iter(source.by_line.get(line.line, [])), None)
        loops = around(source, node) if node is not None else []
        if not loops or line.beside:
            return None
        begins, ends = loops[-1].lineno, loops[-1].end_lineno or 0
        inside = [each for each in self.lines.lines if (each.file, each.function) == (line.file, line.function)]
        return _drift.grows(line, [each for each in inside if begins <= each.line <= ends]) or None

    @cached_property
    def _in_flight(self) -> float | None:
        return None if self.requests is None else self.requests.concurrency

    @cached_property
    def _ranks(self) -> int | None:
        """Of the recorded steps, or else the processes that meet in collectives; None if there are neither."""
        if self.steps is not None:
            return max(1, len(self.steps.ranks))
        return len({process for process, _ in self.recording.facts.of(Collective)}) or None

    @cached_property
    def _embedding(self) -> int | None:
        """Least number of values in the largest tensor that an optimizer updates; None if no embedding was sampled."""
        facts = self.recording.facts
        if not any(frame.file.endswith(_EMBEDDING) for frames in facts.stacks.values() for frame in frames):
            return None
        made = [fact for _, fact in facts.of(Optimizer) if fact.name != "SparseAdam"]
        return max((1 << max(bits - 1, 0) for fact in made for bits, _ in fact.sizes), default=None)

    def _seconds_each(self, source: Source, line: UserLine, once: bool) -> float | None:
        """Seconds per execution, if something counts the executions: steps, samples of a loader, requests."""
        node = next(iter(source.by_line.get(line.line, [])), None)
        if node is None:
            return None
        count, looped = 0, bool(source.loops(node))
        fetches = not looped and _is_once_a_sample(source, line)
        if fetches and self.loader is not None and self.steps is not None:
            count = self.steps.all_count * self.loader.batch_size
        elif once and self.steps is not None:
            count = self.steps.all_count
        elif looped:
            return None
        elif self.requests is not None and len(self.requests.routes) == 1:
            handled = line.share_where(lambda way: way.handler) > 0.5
            count = self.requests.count if handled else 0
        return line.thread_seconds / count if count else None


def _is_once_a_sample(source: Source, line: UserLine) -> bool:
    """Whether the line is in ``__getitem__``, or in a function that it calls outside of loops."""
    name = line.function.rpartition(".")[2]
    if name == "__getitem__":
        return True
    called = line.share_where(lambda way: any(each.function.endswith("__getitem__") for each in way.above[-1:]))
    return called > 0.5 and not any(source.loops(call) for call in source.calls.get(name, ()))


def _is_full(pool: Pool) -> bool:
    """Whether requests wait for a thread while all are taken; the mean has the times between two waves of requests."""
    if pool.most_waiting >= pool.limit:
        return pool.mean_borrowed_threads >= _OFTEN_FULL * pool.limit
    return pool.mean_borrowed_threads >= _FULL * pool.limit and pool.most_waiting > 0


def _within(line: UserLine, steps: Steps | None) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which of the line's samples end within a step."""
    if steps is None or not steps.all_count:
        return np.zeros(len(line.rows), bool)
    starts, ends = steps.rows["t0"], steps.rows["t1"]  # including warm-up
    at = np.searchsorted(starts, line.rows["t1"], side="left") - 1
    mine = line.rows["process"] == steps.process
    return np.asarray(mine & (at >= 0) & (line.rows["t1"] <= ends[np.maximum(at, 0)]))


def _to_forward(line: UserLine, steps: Steps | None) -> float | None:
    """The line's time relative to that of the forward passes; None if no forward was recorded."""
    forward = 0.0 if steps is None else float(steps.rows["forward"].sum()) / 1e6
    return line.seconds / forward if forward > 0 else None


def _once_a_step(source: Source, line: UserLine, site: Site | None) -> bool:
    """Whether no inner loop runs the line several times per step."""
    node = next(iter(source.by_line.get(line.line, [])), None)
    loops = source.loops(node) if node is not None else []
    return not loops or (site is not None and getattr(loops[0], "lineno", 0) == site.line)


def _growing(line: UserLine, steps: Steps) -> bool | None:
    """Whether the line's time per step grows; None if there are too few steps or samples to tell."""
    if steps.count < _STEPS_TO_GROW or not line.sampled:
        return None
    at = np.searchsorted(steps.start_ns, line.rows["t1"], side="left") - 1
    spent = np.bincount(
        np.clip(at, 0, steps.count - 1), weights=line.rows["t1"] - line.rows["t0"], minlength=steps.count
    )
    first, _, last = (float(part.mean()) for part in np.array_split(spent, 3))
    return last >= _GROWS * first


def _cores(line: UserLine, recording: Recording) -> float | None:
    """Mean number of the program's threads running or in a run queue while the line runs; None on a single core."""
    if (recording.run.get("machine", {}).get("cores") or 1) < 2 or not len(recording.host.get("time_ns", ())):
        return None
    host = Host(recording.host)
    begins, ends = int(line.rows["t0"].min()), int(line.rows["t1"].max())
    ran, waited = (host.rise(name, begins, ends) for name in ("cpu_ns_total", "run_delay_ns_total"))
    return None if ran is None or waited is None else (ran + waited) / max(ends - begins, 1)


def _has_cores(line: UserLine, recording: Recording) -> bool:
    """Whether the program hardly computes while the line runs, with cores to spare or few threads that want one."""
    used = _cores(line, recording)
    if used is None:
        return False
    idle = Host(recording.host).mean("idle_cores", int(line.rows["t0"].min()), int(line.rows["t1"].max()))
    return used < _HARDLY and ((idle is not None and idle >= _SPARE) or used < line.threads / _MANY)


def _pickling(line: UserLine, recording: Recording) -> float | None:
    """Share of the line's time in which its process pickles or sends; None if it waits for no other process.

    A task of an event loop is known to wait, and not for what.
    """
    if line.beside or not (line.waits_for_others or line.tasks):
        return None
    begins, ends = int(line.rows["t0"].min()), int(line.rows["t1"].max())
    seconds = line.thread_seconds * line.share_where(lambda way: _sends(way.below))
    for process in line.processes:
        rows = _during(recording.threads, process, begins, ends)
        rows = rows[rows["kind"] == signals.THREAD_CPU]  # a sender that waits for a full pipe waits for the workers
        stacks = {int(stack) for stack in np.unique(rows["arg"] & signals.STACK_MASK)}
        sending = [stack for stack in stacks if _sends(recording.facts.stacks.get((process, stack), ()))]
        seconds += _seconds(rows[np.isin(rows["arg"] & signals.STACK_MASK, sending)])
    return min(1.0, seconds / max(line.thread_seconds, 1e-9))


def _sends(frames: Iterable[Named]) -> bool:
    return any(frame.function.rpartition(".")[2] in _SENDS and through((frame,), _PICKLES) for frame in frames)


def _workers_busy(line: UserLine, recording: Recording) -> float | None:
    """Share of the line's time in which the busiest process it waits for is running; None without a pool.

    If one of many has a long task, the pool is no slower than its tasks.
    """
    begins, ends = int(line.rows["t0"].min()), int(line.rows["t1"].max())
    shares = []
    for process in set(np.unique(recording.stacks["process"]).tolist()) - line.processes:
        rows = _during(recording.stacks, process, begins, ends)
        if len(rows) and recording.facts.processes[process].role != signals.WORKER:
            running = _seconds(rows[rows["kind"] == signals.STACK_CPU])
            shares.append(running / max(_seconds(rows), 1e-9))
    return max(shares) if len(shares) >= _MIN_WORKERS else None


def _during(rows: Records, process: int, begins: int, ends: int) -> Records:
    found: Records = rows[(rows["process"] == process) & (rows["t0"] >= begins) & (rows["t1"] <= ends)]
    return found


def _seconds(rows: Records) -> float:
    return float((rows["t1"] - rows["t0"]).sum()) / 1e9


def _version(text: str) -> tuple[int, ...]:
    parts = []
    for part in text.split("+")[0].split("."):
        if not part.isdigit():
            break
        parts.append(int(part))
    return tuple(parts)
