"""The ranks of one training beside each other: what each does in a step, and for which one the others wait. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ... import signals
from ...recording.model import Recording
from .. import Absent, Missing
from ..run.host import Host
from ..training.steps import Floats, Steps, meeting

_SAME_LENGTH = 0.9  # of the longest rank's steps: fewer, and the loops are not the same one


def evened_out_seconds(waits: Floats, size: int) -> float:
    """Seconds a meeting that ranks would not wait if they met once instead of ``size`` times: who is late evens out.

    ``waits``: one row a rank, one column a meeting.
    """
    count = waits.shape[1]
    size = min(max(size, 1), max(count, 1))
    if not count:
        return 0.0
    whole = waits[:, : count // size * size].reshape(len(waits), -1, size)
    return float(whole.mean(axis=2).min(axis=0).mean())


@dataclass(frozen=True)
class Ranks:
    """Steps of all ranks, aligned by number, warm-up left out. Arrays have one row a rank and one column a step.

    ``own_seconds``: of a rank's own work. Ranks meet in the backward pass or in collectives that the program calls, so
    that one that is early waits there; its own part is taken to be that of the latest rank, of the backward times the
    ratio of their forwards. ``wait_seconds``: how much longer both took than that. ``late``: the row that the others
    wait for. By the call stacks, NaN where none were sampled: ``cpu_seconds`` of a step in which each rank ran, and
    ``blocked_seconds`` in which it neither ran nor met the others. ``core_wait_seconds``: of a step that all ranks
    together stood in line for a core, 0 where not measured.
    """

    numbers: tuple[int, ...]
    own_seconds: Floats
    wait_seconds: Floats
    input_seconds: Floats  # of the own work in data wait and start of the loader
    late: int
    cpu_seconds: Floats
    blocked_seconds: Floats
    core_wait_seconds: float

    @property
    def extra_work_share(self) -> float:
        """Of what the late rank does, how much the others do not have; NaN where no call stacks were sampled.

        Work here is running and being blocked alone: it is the same whoever else takes the cores.
        """
        work = self.cpu_seconds + self.blocked_seconds
        return 1.0 - float(np.median(np.delete(work, self.late))) / max(float(work[self.late]), 1e-9)

    @classmethod
    def compute(cls, recording: Recording, steps: Steps, host: Host | None) -> Ranks:
        rows = steps.rank_rows
        if len(rows) < 2:
            raise Absent("The run has one rank.")
        counts = [len(table["t0"]) for table in rows.values()]
        count = min(counts) - int(steps.warm.sum())
        if min(counts) < _SAME_LENGTH * max(counts) or count < 1:
            raise Missing("The ranks do not take the same steps.")
        # From the end: whatever a rank did before the first common step is at its beginning.
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
        )


def _sampled_seconds(recording: Recording, process: int, start: int, end: int) -> tuple[float, float]:
    """Seconds in this window in which the sampled thread of a process (ran, was blocked but where ranks meet)."""
    stacks = recording.stacks[recording.stacks["process"] == process]
    stacks = stacks[(stacks["t1"] > start) & (stacks["t1"] <= end)]
    if not len(stacks):
        return float("nan"), float("nan")
    seconds = (stacks["t1"] - stacks["t0"]) / 1e9
    meets = np.isin(stacks["flags"] & 0xFF, (signals.BACKWARD, signals.SYNC))
    blocked = (stacks["kind"] == signals.STACK_BLOCKED) & ~meets
    return float(seconds[stacks["kind"] == signals.STACK_CPU].sum()), float(seconds[blocked].sum())
