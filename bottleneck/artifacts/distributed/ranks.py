"""The ranks of one training side by side: what each does in a step, and which one the others wait for. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ... import signals
from ...recording.facts import Hello
from ...recording.model import Recording
from .. import Absent, Missing
from ..run.host import Host
from ..training.steps import Floats, Steps, meeting
from .meetings import Meetings

_START_STEPS = 2  # of a trace with no more, the first counts too
_SAME_LENGTH = 0.9  # of the longest rank's steps: with fewer, the ranks do not run the same loop


def evened_out_seconds(waits: Floats, size: int) -> float:
    """Seconds of wait per meeting that the ranks would save by meeting once instead of ``size`` times: delays even out.

    ``waits``: shape (ranks, meetings).
    """
    count = waits.shape[1]
    size = min(max(size, 1), max(count, 1))
    if not count:
        return 0.0
    whole = waits[:, : count // size * size].reshape(len(waits), -1, size)
    return float(whole.mean(axis=2).min(axis=0).mean())


@dataclass(frozen=True)
class Ranks:
    """Steps of all ranks, aligned by number, without warm-up. Arrays have shape (ranks, steps).

    ``own_seconds``: a rank's own work. Ranks meet in the backward pass and in collectives that the program calls, and
    an early rank waits there. Its own part is taken to be the latest rank's time; for the backward pass, scaled by the
    ratio of their forwards. ``wait_seconds``: the rest of both. ``late``: the row the others wait for.
    From the call stacks, one mean per rank, NaN if none were sampled: ``cpu_seconds`` of a step running, and
    ``blocked_seconds`` of it blocked other than where ranks meet. ``core_wait_seconds``: run-queue wait of all ranks
    together per step, 0 if not measured.
    In traces that were imported, ranks wait in collectives while no kernel runs. ``meetings``: those;
    ``kernel_seconds``: of a step in kernels, one mean per rank, NaN without traces.
    """

    numbers: tuple[int, ...]
    own_seconds: Floats
    wait_seconds: Floats
    input_seconds: Floats  # the part of the own work in data wait and loader start
    late: int
    cpu_seconds: Floats
    blocked_seconds: Floats
    core_wait_seconds: float
    kernel_seconds: Floats
    meetings: Meetings | None = None

    @property
    def extra_work_share(self) -> float:
        """Share of the late rank's work that the other ranks do not have; NaN if no call stacks were sampled.

        Only running and blocked time count as work: unlike wall time, they do not depend on who else uses the cores.
        """
        work = self.cpu_seconds + self.blocked_seconds
        return 1.0 - float(np.median(np.delete(work, self.late))) / max(float(work[self.late]), 1e-9)

    @classmethod
    def compute(cls, recording: Recording, steps: Steps, host: Host | None, meetings: Meetings | None) -> Ranks:
        if meetings is not None:
            return cls._traced(recording, steps, meetings)
        if recording.imported:
            Meetings.compute(recording)  # says what is missing
        rows = steps.rank_rows
        if len(rows) < 2:
            raise Absent("The run has one rank.")
        world = max((hello.ranks for process, hello in recording.facts.of(Hello) if process in rows), default=0)
        if world > len(rows):
            raise Missing(f"Only {len(rows)} of the job's {world} ranks were recorded: the last may be another one.")
        counts = [len(table["t0"]) for table in rows.values()]
        count = min(counts) - int(steps.warm.sum())
        if min(counts) < _SAME_LENGTH * max(counts) or count < 1:
            raise Missing("The ranks do not take the same steps.")
        # Count from the end: anything a rank did before the first common step is at the start of its rows.
        tables = [{name: column[-count:] for name, column in table.items()} for table in rows.values()]
        wall = np.array([(table["t1"] - table["t0"]) / 1e9 for table in tables])
        forward, backward, sync, waiting, starting = (
            np.array([table[name] / 1e6 for table in tables])
            for name in ("forward", "backward", "sync", "data_wait", "loader_start")
        )
        met = np.array([meeting(table) for table in tables])
        late = int(np.argmin(met.mean(axis=1)))
        ratio = np.minimum(forward.mean(axis=1) / max(float(forward[late].mean()), 1e-9), 1.0)
        mine = np.minimum(backward, backward[late] * ratio[:, None]) + np.minimum(sync, sync[late])
        numbers = tuple(recording.facts.processes[process].rank or 0 for process in rows)
        start, end = (int(value) for value in (tables[late]["t0"][0], tables[late]["t1"][-1]))
        delay = None if host is None else host.rise("run_delay_ns_total", start, end)
        sampled = np.array([_sampled_seconds(recording, process, start, end) for process in rows]) / count
        return cls(
            numbers,
            wall - met + mine,
            met - mine,
            waiting + starting,
            late,
            sampled[:, 0],
            sampled[:, 1],
            (delay or 0.0) / 1e9 / count,
            np.full(len(tables), np.nan),
        )

    @classmethod
    def _traced(cls, recording: Recording, steps: Steps, meetings: Meetings) -> Ranks:
        """Of traces: the steps take as long on all ranks, and what a rank does not wait in them is its own work."""
        rows = [steps.rank_rows.get(process) for process in meetings.processes]
        tables = [table for table in rows if table is not None]
        counts = [len(table["t0"]) for table in tables]
        if len(tables) < len(rows) or max(counts) - min(counts) > 1:
            raise Missing("The ranks' traces do not show the same steps.")
        count = min(counts)
        tables = [{name: column[-count:] for name, column in table.items()} for table in tables]
        wall = np.median([(table["t1"] - table["t0"]) / 1e9 for table in tables], axis=0)
        step = np.searchsorted(tables[0]["t1"], meetings.ends).clip(max=count - 1)
        wait = np.array([np.bincount(step, weights=each, minlength=count) for each in meetings.wait_seconds])
        # The profiler does not start at once on all ranks, which makes them wait in the first step.
        kept = slice(1 if count > _START_STEPS else 0, None)
        unknown = np.full(len(tables), np.nan)
        return cls(
            meetings.numbers,
            np.maximum(wall - wait, 0.0)[:, kept],
            wait[:, kept],
            np.array([table["data_wait"] / 1e6 for table in tables])[:, kept],
            meetings.last,
            unknown,
            unknown,
            0.0,
            meetings.kernel_seconds / count,
            meetings,
        )


def _sampled_seconds(recording: Recording, process: int, start: int, end: int) -> tuple[float, float]:
    """Seconds in this window in which a process's sampled thread (ran, was blocked other than where ranks meet)."""
    stacks = recording.stacks[recording.stacks["process"] == process]
    stacks = stacks[(stacks["t1"] > start) & (stacks["t1"] <= end)]
    if not len(stacks):
        return float("nan"), float("nan")
    seconds = (stacks["t1"] - stacks["t0"]) / 1e9
    meets = np.isin(stacks["flags"] & 0xFF, (signals.BACKWARD, signals.SYNC))
    blocked = (stacks["kind"] == signals.STACK_BLOCKED) & ~meets
    return float(seconds[stacks["kind"] == signals.STACK_CPU].sum()), float(seconds[blocked].sum())
