"""The program's TCP connections, as the kernel describes them at each sample of the host. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ... import signals
from ...recording.facts.source import HeldLine
from ...recording.model import Process, Recording
from .. import Absent, Missing
from ..run.host import Host
from .processes import cores_of

_LONGEST_NS = 1_000_000_000  # that one sample stands for
_PACKETS = 2  # of a message that is held back: the first part, and what waits for its acknowledgement
_MOSTLY = 0.5


@dataclass(frozen=True)
class Connections:
    """Connections in use, and those that hold back what the program has written (Nagle's algorithm).

    ``in_use_seconds``: with a connection that carries data; ``in_use``: of them at once, on average; ``held_share``: of
    that time, on a connection; ``held_looks``: that saw one. ``held_messages``: about how many waited,
    ``delay_seconds``: each, None without any. ``within``: whether most lead to processes that are recorded too.
    ``holder``: the process that wrote; ``cores``: that it used meanwhile, ``all_cores``: that the program used.
    ``main_waits_share``: of the time, of the main thread. ``line``: that writes what is held, if it was found.
    """

    in_use_seconds: float
    in_use: float
    held_share: float
    held_looks: int
    held_messages: float
    delay_seconds: float | None
    within: bool
    holder: Process | None
    cores: float
    all_cores: float
    main_waits_share: float
    line: HeldLine | None
    wall_seconds: float

    @classmethod
    def compute(cls, recording: Recording, host: Host) -> Connections:
        """Raises Missing where the kernel could not be asked, Absent without connections in use."""
        used, held, within, pids = (
            host.column(f"connections_{name}") for name in ("in_use", "held", "held_within", "held_pid")
        )
        if used is None or held is None or within is None:
            raise Missing("The kernel was not asked what the program's TCP connections hold back.")
        # Between two looks that were too far apart for each sample, what the one before saw goes on.
        looked = np.maximum.accumulate(np.where(np.isnan(used), 0, np.arange(len(used))))
        counts = (held > 0) & ~np.isnan(used)
        used, held, within = used[looked], held[looked], within[looked]
        known = used > 0
        if not known.any():
            raise Absent("No TCP connection of the program was in use.")
        times = host.time_ns
        lasts = np.minimum(np.diff(times, prepend=times[0]), _LONGEST_NS)[known] / 1e9
        begin, end = int(times[known][0]), int(times[known][-1])
        used, held, within = used[known], held[known], within[known]
        seconds = max(float(lasts.sum()), 1e-9)
        held_ns, packets = host.most("held_ns_total") or 0.0, host.most("held_packets_total") or 0.0
        holder = _holder(recording, pids)
        return cls(
            seconds,
            float((used * lasts).sum()) / seconds,
            float((held / used * lasts).sum()) / seconds,
            int(counts.sum()),
            packets / _PACKETS,
            held_ns / 1e9 / (packets / _PACKETS) if packets else None,
            bool(within.sum() >= _MOSTLY * held.sum()),
            holder,
            cores_of(recording, holder.index, begin, end) if holder is not None else 0.0,
            host.mean("busy_cores", begin, end) or 0.0,
            _main_waits(recording, begin, end),
            next((fact for _, fact in recording.facts.of(HeldLine)), None),
            recording.wall_seconds,
        )


def _holder(recording: Recording, pids: npt.NDArray[np.float64] | None) -> Process | None:
    """The recorded process that held data back at most looks."""
    if pids is None:
        return None
    each, counts = np.unique(pids[~np.isnan(pids)], return_counts=True)
    pid = int(each[np.argmax(counts)])
    return next((process for process in recording.facts.processes if process.pid == pid), None)


def _main_waits(recording: Recording, begin: int, end: int) -> float:
    """Share of the time in which the main thread of the program waited; 1 where it was not sampled."""
    rows = recording.stacks
    root = [process.index for process in recording.facts.processes if recording.is_root(process.index)]
    rows = rows[np.isin(rows["process"], root) & (rows["t1"] > begin) & (rows["t0"] < end)]
    if not len(rows):
        return 1.0
    rows = rows[rows["kind"] == signals.STACK_BLOCKED]
    spans = np.minimum(rows["t1"], end) - np.maximum(rows["t0"], begin)
    return min(1.0, float(spans.sum()) / max(end - begin, 1))
