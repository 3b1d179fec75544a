"""The steps of the run: which loop is the main one, and its rows after warm-up."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ...recording.facts import DeviceWindow
from ...recording.intervals import Spans, spans_of, union
from ...recording.model import BY_FORWARD, BY_OPTIMIZER, BY_USER, Recording, Table
from .. import Absent, Missing
from ..distributed.meetings import Meetings
from ..run.servers import servers

Floats = npt.NDArray[np.float64]
WARM_UP_STEPS = 3
_LATE_SHARE = 0.05  # of a step that the first rank waits for another: the dead band of every such judgment
MIN_STEPS = 20  # too few to describe a distribution: "too short to judge"


@dataclass(frozen=True)
class Steps:
    """The main loop of one process. Arrays have one value per step, without warm-up unless the name says all.

    ``kind``: "loader", "optimizer", "forward" or "user". ``training``: whether a backward or optimizer ever ran.
    """

    process: int
    kind: str
    loader: int
    training: bool
    rows: Table = field(repr=False)  # all rows of the main loop, in time order
    warm: npt.NDArray[np.bool_] = field(repr=False)  # rows that are warm-up, or traced on request
    run_seconds: float
    ranks: tuple[int, ...] = ()  # process indices that run the same kind of loop
    rank_rows: dict[int, Table] = field(default_factory=dict, repr=False)  # see ``rank_rows()``; empty with one rank
    traced_seconds: float = 0.0  # run time in steps traced on request, with the tracing itself
    accelerated: bool = False  # an accelerator is present and may do the steps' work
    imported: bool = False  # from a trace of another tool, which shows a few steps in detail

    @property
    def all_count(self) -> int:
        """Steps of the loop, warm-up included."""
        return len(self.rows["t0"])

    @cached_property
    def kept(self) -> slice | npt.NDArray[np.bool_]:
        """Picks the rows that are no warm-up. As a rule that comes first, and a slice copies no column."""
        first = self.all_count - int(self.warm[::-1].argmax()) if self.warm.any() else 0
        return slice(first, None) if self.warm[:first].all() else ~self.warm

    @property
    def count(self) -> int:
        return len(self.start_ns)

    @property
    def judgeable(self) -> bool:
        return self.all_count >= MIN_STEPS or self.imported

    @property
    def start_ns(self) -> npt.NDArray[np.int64]:
        return self.rows["t0"][self.kept]

    @property
    def end_ns(self) -> npt.NDArray[np.int64]:
        return self.rows["t1"][self.kept]

    @cached_property
    def wall_seconds(self) -> Floats:
        return (self.end_ns - self.start_ns) / 1e9

    @cached_property
    def spans(self) -> Spans:
        """The time of all steps, warm-up included; steps that follow each other without a gap are one interval."""
        return union([spans_of(self.rows["t0"], self.rows["t1"])])

    @property
    def total_seconds(self) -> float:
        """Wall time of all steps after warm-up."""
        return float(self.wall_seconds.sum())

    @property
    def typical_seconds(self) -> float:
        """Median step, in seconds."""
        return float(np.median(self.wall_seconds)) if self.count else 0.0

    def phase(self, *names: str) -> Floats:
        """Exclusive seconds of each step in these phases."""
        total = np.zeros(self.count)
        for name in names:
            total += self.rows[name][self.kept] / 1e6
        return total

    def share(self, *names: str) -> float:
        """Share of the step time in these phases."""
        return float(self.phase(*names).sum()) / max(self.total_seconds, 1e-9)

    def work(self) -> Floats:
        """Seconds of each step outside data wait."""
        return np.maximum(self.wall_seconds - self.phase("data_wait", "loader_start"), 0.0)

    @property
    def passes(self) -> int:
        """How often the loop was gone through, an epoch each."""
        return len(distinct(self.rows["loop"]))

    @property
    def loop_share(self) -> float:
        """Wall time of the steps after warm-up as a share of the run."""
        return self.total_seconds / max(self.run_seconds, 1e-9)

    @classmethod
    def compute(cls, recording: Recording, meetings: Meetings | None = None) -> Steps:
        table = recording.steps
        if len(table["t0"]):
            # A server's forward passes are requests, often on several threads, not steps of one loop.
            served = table["loader"] == BY_FORWARD
            if served.any() and (served := served & np.isin(table["process"], servers(recording))).any():
                table = {name: column[~served] for name, column in table.items()}  # large, in a long run
        if not len(table["t0"]):
            watched = recording.facts.processes and not recording.facts.failed  # otherwise there may have been steps
            raise (Absent if watched else Missing)(
                "No steps were recorded: no DataLoader loop, optimizer step or repeated forward pass."
            )
        chosen = _main_loop(table)
        if chosen is None:
            raise Absent("No repeated loop was recorded.")
        process, loader, mine = chosen
        beside = rank_rows(recording, loader)
        if len(beside) < 2 or process not in beside:
            beside = {}
        else:
            process = _latest_rank(beside, meetings)
            mine = (table["process"] == process) & (table["loader"] == loader)
        rows = _in_order(table, mine)
        kind = {BY_OPTIMIZER: "optimizer", BY_FORWARD: "forward", BY_USER: "user"}.get(loader, "loader")
        ranks = distinct(table["process"][(table["loader"] == loader) & _useful(table, mine, rows)])
        training = bool(table["trained"].any())
        traced, imported = _traced(recording, process, rows), recording.imported
        return cls(
            process,
            kind,
            loader,
            training,
            rows,
            traced if imported else _warm_up(rows) | traced,
            recording.wall_seconds,
            tuple(int(r) for r in ranks),
            beside,
            float((rows["t1"] - rows["t0"])[traced].sum()) / 1e9,
            bool(recording.gpu) or bool(len(recording.marks)),
            imported,
        )


def distinct(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """``np.unique`` of a long column in which equal values mostly follow each other."""
    return np.unique(column[np.append(True, column[1:] != column[:-1])]) if len(column) else column


def _in_order(table: Table, mine: npt.NDArray[np.bool_]) -> Table:
    """The rows of ``mine`` by time; the table itself if it already is that, because a long run's table is large."""
    if not mine.all():
        table = {name: column[mine] for name, column in table.items()}
    if (table["t0"][1:] >= table["t0"][:-1]).all():
        return table
    order = np.argsort(table["t0"], kind="stable")
    return {name: column[order] for name, column in table.items()}


def _useful(table: Table, mine: npt.NDArray[np.bool_], rows: Table) -> npt.NDArray[np.bool_]:
    trained = bool(rows["trained"].any())
    return (table["trained"] == trained) if trained else np.ones(len(mine), bool)


def _main_loop(table: Table) -> tuple[int, int, npt.NDArray[np.bool_]] | None:
    """(process, loader, row mask) of the loop that the run is about.

    The user's own marks win; then loops that train, by total time; then the loop with the most time. An outer loop has
    more time than the loops nested in it.
    """
    best: tuple[tuple[int, int, float], int, int, npt.NDArray[np.bool_]] | None = None
    loops = distinct(table["process"].astype("i8") << 32 | table["loader"].astype("u4"))
    for process, loader in zip((loops >> 32).tolist(), loops.astype("i4").tolist(), strict=True):
        mask = (table["process"] == process) & (table["loader"] == loader)
        if len(loops) == 1:
            return process, loader, mask
        trains, lasted = table["trained"][mask], (table["t1"][mask] - table["t0"][mask]) / 1e9
        rank = (int(loader == BY_USER), int(trains.sum() * 2 >= len(trains)), float(lasted.sum()))
        if best is None or rank > best[0]:
            best = (rank, process, loader, mask)
    return None if best is None else best[1:]


def rank_rows(recording: Recording, loader: int) -> dict[int, Table]:
    """Process -> its steps of one loop in time order, for the ranks of one training, lowest rank first."""
    table = recording.steps
    ranks = {index: process.rank for index, process in enumerate(recording.facts.processes) if process.rank is not None}
    found = {}
    for process in sorted(ranks, key=lambda index: (ranks[index] or 0, index)):
        mask = (table["process"] == process) & (table["loader"] == loader) & (table["trained"] | recording.imported)
        if mask.any():
            found[process] = _in_order(table, mask)
    return found if len({ranks[process] for process in found}) == len(found) else {}


def meeting(rows: Table) -> Floats:
    """Seconds of each step in the phases where ranks meet: gradient exchange, and the program's own collectives."""
    met: Floats = (rows["backward"].astype(float) + rows["sync"]) / 1e6
    return met


def _latest_rank(rows: dict[int, Table], meetings: Meetings | None) -> int:
    """The rank that the others wait for, as it limits them all; the first rank if there is no such rank."""
    # The last rank to arrive at a meeting waits least there.
    met = {process: float(meeting(found).mean()) for process, found in rows.items()}
    if meetings is not None and set(rows) <= set(meetings.processes):
        waited = dict(zip(meetings.processes, meetings.wait_seconds.sum(axis=1).tolist(), strict=True))
        met = {process: waited[process] / len(found["t0"]) for process, found in rows.items()}
    first, last = next(iter(rows)), min(met, key=met.__getitem__)
    wall = float((rows[first]["t1"] - rows[first]["t0"]).mean()) / 1e9
    return last if met[first] - met[last] > _LATE_SHARE * wall else first


def _warm_up(rows: Table) -> npt.NDArray[np.bool_]:
    """The first steps, and any after them that still take several times the median (lazy imports, compilation)."""
    wall = rows["t1"] - rows["t0"]
    warm = np.zeros(len(wall), bool)
    warm[:WARM_UP_STEPS] = True
    if len(wall) > 10:
        first = wall[: min(len(wall) // 4, 50)].tolist()
        median = float(np.median(wall[WARM_UP_STEPS:], overwrite_input=True))
        for index in range(WARM_UP_STEPS, len(first)):
            if first[index] < 3 * median:
                break
            warm[index] = True
    return warm


def _traced(recording: Recording, process: int, rows: Table) -> npt.NDArray[np.bool_]:
    """Steps that torch.profiler slowed down because a trace was requested; they represent no other steps."""
    traced = np.zeros(len(rows["t0"]), bool)
    for owner, window in recording.facts.of(DeviceWindow):
        if owner == process:
            traced |= (rows["t1"] > window.began) & (rows["t0"] < window.ended)
    return traced
