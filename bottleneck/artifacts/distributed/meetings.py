"""Collectives in the traces of all ranks of a job, call by call: who waits, and what no kernel covers. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ...recording.facts import DeviceTrace, DeviceWindow
from ...recording.intervals import overlap, seconds_of, spans_of, union
from ...recording.model import DEVICE_KINDS, Recording, Table
from .. import Absent, Missing

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
_TOGETHER_NS = 200_000  # a collective ends within some 30 us on all ranks of one host
_LEAST_SHARE = 0.5  # of the calls end together: else what has the same name is not the same call


@dataclass(frozen=True)
class Meetings:
    """The collectives that every rank took part in. Arrays have shape (ranks, calls), calls in the order of their ends.

    A collective ends on all ranks at once, and the last rank to arrive does not wait: its time is the exchange alone.
    ``wait_seconds``: the part before that, and ``exchange_seconds``: the exchange, each as far as no kernel of the rank
    runs meanwhile. ``kernel_seconds``: of all kernels, one value per rank. ``ends``: ns, of the first rank's calls.
    """

    processes: tuple[int, ...]
    numbers: tuple[int, ...]
    ends: Integers
    wait_seconds: Floats
    exchange_seconds: Floats
    kernel_seconds: Floats
    whole_seconds: Floats = field(repr=False)  # of each call, hidden or not

    @property
    def last(self) -> int:
        """The row that waits least."""
        return int(np.argmin(self.wait_seconds.sum(axis=1)))

    @property
    def net_seconds(self) -> Floats:
        """The exchange of each call that no rank hides."""
        least: Floats = self.exchange_seconds.min(axis=0)
        return least

    @property
    def last_share(self) -> float:
        """The share of the others' waiting that is in calls to which this rank comes last."""
        arrives_last = self.whole_seconds.argmin(axis=0) == self.last
        return float(self._others[arrives_last].sum() / max(self._others.sum(), 1e-12))

    @property
    def largest_share(self) -> float:
        """The share of the others' waiting that is in one call: it may be chance."""
        return float(self._others.max() / max(self._others.sum(), 1e-12))

    @property
    def _others(self) -> Floats:
        waited: Floats = np.delete(self.wait_seconds, self.last, axis=0).sum(axis=0)
        return waited

    @classmethod
    def compute(cls, recording: Recording) -> Meetings:
        if not recording.imported:
            raise Missing("No traces of several ranks were imported.")
        known = recording.facts.processes
        facts = dict(recording.facts.of(DeviceTrace))
        traced = sorted((rank, process) for process in facts if (rank := known[process].rank) is not None)
        if len(traced) < 2:
            raise Absent("The run has one rank.")
        world = max(fact.world_size for fact in facts.values())
        if world > len(traced):
            raise Missing(f"Only {len(traced)} of the job's {world} ranks were traced: the last may be another one.")
        ranks = [_Rank.of(recording, process, facts[process]) for _, process in traced]
        rows = _matched(ranks)
        if rows is None:
            raise Missing("The ranks' traces have no collectives in common.")
        t0, t1 = (
            np.array([rank.table[edge][mine] for rank, mine in zip(ranks, rows, strict=True)]) for edge in ("t0", "t1")
        )
        net = (t1 - t0).min(axis=0)
        exchanging = [rank.uncovered(end - net, end) for rank, end in zip(ranks, t1, strict=True)]
        waiting = [rank.uncovered(begin, end - net) for rank, begin, end in zip(ranks, t0, t1, strict=True)]
        return cls(
            tuple(rank.process for rank in ranks),
            tuple(number for number, _ in traced),
            t1[0],
            np.array(waiting),
            np.array(exchanging),
            np.array([rank.kernel_seconds for rank in ranks]),
            (t1 - t0) / 1e9,
        )


@dataclass(frozen=True)
class _Rank:
    """One rank's collectives in its window, by their end, with their names; and when its kernels run."""

    process: int
    table: Table
    names: list[str]
    kernels: npt.NDArray[np.int64]

    @classmethod
    def of(cls, recording: Recording, process: int, trace: DeviceTrace) -> _Rank:
        window = recording.facts.of_process(DeviceWindow, process)[0]
        device = recording.device
        mine = (device["process"] == process) & (device["t1"] > window.t0) & (device["t0"] < window.t1)
        of_kind = [mine & (device["kind"] == DEVICE_KINDS.index(kind)) for kind in ("collective", "kernel")]
        rows = np.flatnonzero(of_kind[0])
        rows = rows[np.argsort(device["t1"][rows], kind="stable")]
        return cls(
            process,
            {edge: device[edge][rows] for edge in ("t0", "t1")},
            [trace.names[name] for name in device["name"][rows].tolist()],
            union([spans_of(device["t0"][of_kind[1]], device["t1"][of_kind[1]])]),
        )

    @property
    def kernel_seconds(self) -> float:
        return seconds_of(self.kernels)

    def uncovered(self, begins: Integers, ends: Integers) -> Floats:
        """Seconds of each of these spans in which no kernel runs."""
        found: Floats = (ends - begins - overlap(spans_of(begins, ends), self.kernels)) / 1e9
        return found


def _matched(ranks: Sequence[_Rank]) -> list[Integers] | None:
    """For each rank, the numbers of its collectives that are the same calls as those of the others; None without any.

    Those of one name that all ranks have equally often are taken for the same, if most of them end together.
    """
    counts = [Counter(rank.names) for rank in ranks]
    common = {name for name, count in counts[0].items() if all(other.get(name) == count for other in counts)}
    if not common:
        return None
    # Calls of different streams may end in another order elsewhere, those of one name hardly do.
    order = [np.array(sorted(_rows(rank, common), key=lambda at: (rank.names[at], at)), np.int64) for rank in ranks]
    ends = np.array([rank.table["t1"][rows] for rank, rows in zip(ranks, order, strict=True)])
    apart = ends - ends[0]
    apart = np.abs(apart - np.median(apart, axis=1, keepdims=True).astype(np.int64))
    same = (apart <= _TOGETHER_NS).all(axis=0)
    if same.mean() < _LEAST_SHARE:
        return None
    by_end = np.flatnonzero(same)[np.argsort(ends[0][same], kind="stable")]
    return [rows[by_end] for rows in order]


def _rows(rank: _Rank, names: set[str]) -> list[int]:
    return [at for at, name in enumerate(rank.names) if name in names]
