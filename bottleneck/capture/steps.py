"""Aggregates phase records into step rows while the program runs, so that the recording of a long run stays small.

A row spans from one return of a DataLoader's next() to the following one. Loops without a loader get rows between
optimizer steps or forward passes, or as the user marked them. Each row has an exclusive microsecond column per phase.
A row may stand for a stretch of steps that were not recorded in full.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import signals
from ..recording.model import BY_FORWARD, BY_OPTIMIZER, BY_USER, RECORD_DTYPE, STEP_PHASES, Records, Table
from ..recording.stretches import ESTIMATED, empty_rows
from .stretches import ends_stretch, estimate, like_neighbours, split, steps_of

_PHASES = len(STEP_PHASES)
_OUTER = 0xFF
#: Kinds kept as events even when a step row covers them: they carry a place or a moment.
_KEPT = (
    signals.LOADER_START,
    signals.CHECKPOINT,
    signals.READ,
    signals.TRANSFORM,
    signals.WRITE,
    signals.LOOP,
    signals.STAGE,
    signals.MARK,
)
_MAX_PENDING = 400_000  # beyond this, a loop left by break is closed by force

Ints = npt.NDArray[np.int64]


@dataclass
class StepBuilder:
    """Builds the step rows of one thread. ``add`` records in the order written; ``flush`` returns rows and events."""

    process: int
    pending: list[Records] = field(default_factory=list)
    _loops: dict[int, int] = field(default_factory=dict)
    _open: dict[int, int] = field(default_factory=dict)  # loader -> end of its last next() in an open pass
    _last_optimizer: int = 0
    _last_forward: int = 0
    _last_user: int = 0
    _folded: dict[int, int] = field(default_factory=dict)  # loader -> end of the last next() already in a row
    _one: dict[int, int] = field(default_factory=dict)  # loader -> whether its open pass has yielded exactly one batch

    def add(self, records: Records) -> None:
        """Add a batch of this thread's phase, LOOP, STEP, STAGE and MARK records."""
        self.pending.append(records)

    @property
    def size(self) -> int:
        """Number of pending records."""
        return sum(len(batch) for batch in self.pending)

    def flush(self, final: bool = False) -> tuple[Table, Records]:
        """Returns (complete step rows, records that no row covers or that are always kept)."""
        if not self.pending:
            return empty_rows(), np.empty(0, RECORD_DTYPE)
        records = np.concatenate(self.pending)
        force = final or len(records) > _MAX_PENDING
        rows = [self._loader_rows(records, int(loader), force) for loader in self._loaders(records)]
        rows += [self._loopless_rows(records, signals.OPTIMIZER, BY_OPTIMIZER, rows)]
        rows += [self._loopless_rows(records, signals.EVAL, BY_FORWARD, rows)]
        rows += [self._user_rows(records)]
        keep_from = self._keep_from(records, force)
        done = records["t1"] <= keep_from
        self.pending = [records[~done]] if not done.all() else []
        table = {name: np.concatenate([r[name] for r in rows]) for name in rows[0]}
        settled = records[done]
        covered = _covered(settled, table)
        keep = (~covered & (settled["kind"] != signals.SKIPPED)) | np.isin(settled["kind"], _KEPT)
        return table, settled[keep]

    def _loaders(self, records: Records) -> Ints:
        waits = records[records["kind"] == signals.DATA_WAIT]
        waits = waits[waits["arg"] > 0]  # 0: the user's own iterable in steps()
        return np.unique(np.concatenate([waits["arg"].astype("i8"), np.array(list(self._open), dtype="i8")]))

    def _keep_from(self, records: Records, force: bool) -> int:
        if force:
            self._open.clear()
            return int(records["t1"].max())
        anchors = list(self._open.values())
        if not self._open:
            anchors += [t for t in (self._last_optimizer, self._last_forward) if t]
        if self._last_user:
            anchors.append(self._last_user)
        return min(anchors) if anchors else int(records["t1"].max())

    def _loader_rows(self, records: Records, loader: int, force: bool) -> Table:
        """Rows of one DataLoader, each from a next() that returned a batch to the following next()."""
        is_wait = (records["kind"] == signals.DATA_WAIT) & (records["arg"] == loader)
        waits = records[is_wait | ends_stretch(records, loader)]
        waits = waits[waits["t1"] > self._folded.get(loader, 0)]  # the earlier ones were kept for another open loop
        one = bool(waits["flags"][-1] & signals.FIRST) if len(waits) else bool(self._one.get(loader))
        ends, first, over = self._ends(waits, loader)
        if not len(ends):
            return empty_rows()
        steps = steps_of(waits)[len(waits) - len(ends) + 1 :]  # that end with each but the first of ``ends``
        loops = self._loops.get(loader, 0) + np.cumsum(first)
        t0, t1, begins = ends[:-1], ends[1:].copy(), ~over[:-1]
        for index in np.flatnonzero(first[1:] & begins):
            t1[index] = _left_by_break(records, loader, int(t0[index]), int(t1[index]), int(waits["t0"][index]))
        loop = loops[:-1]
        self._folded[loader] = int(ends[-1])
        if force and not over[-1] and not one:  # a loader that yielded only one batch has no loop
            after = records["t1"][records["t1"] > ends[-1]]
            if len(after):
                t0, t1 = np.append(t0, ends[-1]), np.append(t1, after.max())
                begins, loop = np.append(begins, True), np.append(loop, loops[-1])
                steps = np.append(steps, 0)
        self._loops[loader] = int(loops[-1])
        self._one[loader] = int(one)
        if over[-1] or force:
            self._open.pop(loader, None)
        else:
            self._open[loader] = int(ends[-1])
        use = begins & (t1 > t0)
        return self._rows(records, loader, loop[use], t0[use], t1[use], steps[use])

    def _ends(self, waits: Records, loader: int) -> tuple[Ints, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Per next(): (end, whether it was its iterator's first, whether it ended the loop). An open row is first."""
        ends = waits["t1"].astype("i8")
        first = (waits["flags"] & signals.FIRST) != 0
        over = (waits["flags"] & signals.END) != 0
        start = self._open.get(loader)
        if start is None or (len(ends) and ends[0] <= start):
            return ends, first, over
        return np.append(start, ends), np.append(False, first), np.append(False, over)

    def _loopless_rows(self, records: Records, kind: int, label: int, others: list[Table]) -> Table:
        """Rows between the ends of top-level records of ``kind``, outside every pass over a loader."""
        is_top = (records["kind"] == kind) & ((records["flags"] & _OUTER) == 0)
        if kind == signals.OPTIMIZER:
            is_top |= ends_stretch(records, 0)
        top = records[is_top]
        for rows in others:
            top = top[~_inside(top["t1"], rows["t0"], rows["t1"])]
        if self._open:
            top = top[top["t1"] <= min(self._open.values())]
        last = self._last_optimizer if kind == signals.OPTIMIZER else self._last_forward
        top = top[top["t1"] > last]
        ends, steps = top["t1"].astype("i8"), steps_of(top)
        if last:
            ends = np.concatenate([[last], ends])
        else:
            steps = steps[1:]
        if not len(ends):
            return empty_rows()
        if kind == signals.OPTIMIZER:
            self._last_optimizer = int(ends[-1])
        else:
            self._last_forward = int(ends[-1])
        t0, t1 = ends[:-1], ends[1:]
        use = np.ones(len(t0), bool)
        for rows in others:  # not across a pass over a loader
            if len(rows["t0"]):
                use &= np.searchsorted(np.sort(rows["t0"]), t0) == np.searchsorted(np.sort(rows["t0"]), t1)
        return self._rows(records, label, 0, t0[use], t1[use], steps[use])

    def _user_rows(self, records: Records) -> Table:
        """Rows of the user's steps. Of nested steps only the inner ones count, so rows of one thread never overlap."""
        marked = records[(records["kind"] == signals.STEP) & (records["t1"] > self._last_user)]
        if not len(marked):
            return empty_rows()
        before = np.concatenate([[self._last_user], marked["t1"][:-1]])
        self._last_user = int(marked["t1"][-1])
        marked = marked[marked["t0"] >= before]
        full = np.zeros(len(marked), "i8")
        return self._rows(records, BY_USER, marked["arg"].astype("i4"), marked["t0"], marked["t1"], full)

    def _rows(self, records: Records, loader: int, loop: Any, t0: Ints, t1: Ints, estimated: Ints) -> Table:
        """Rows with exclusive microseconds per phase for the windows (t0, t1]; ``estimated`` as ``steps_of``."""
        table = empty_rows()
        if not len(t0):
            return table
        loops, starts = np.broadcast_to(loop, len(t0)), t0
        t0, t1, estimated = split(records, t0, t1, estimated)
        loop = loops[np.searchsorted(starts, t0, side="right") - 1]
        count = len(t0)
        phases = records[(records["kind"] > 0) & (records["kind"] < _PHASES)]
        row = np.searchsorted(t0, phases["t1"], side="left") - 1
        inside = (row >= 0) & (phases["t1"] <= t1[np.maximum(row, 0)])
        eval_ns = np.zeros(count)
        for nested in records[(records["kind"] == signals.LOOP) & ((records["flags"] & 1) == 0)]:
            at = int(np.searchsorted(t0, nested["t1"], side="left")) - 1
            if at < 0 or int(nested["arg"]) == loader or nested["t0"] < t0[at] or nested["t1"] > t1[at]:
                continue
            eval_ns[at] += nested["t1"] - nested["t0"]
            inside &= ~((phases["t0"] >= nested["t0"]) & (phases["t1"] <= nested["t1"]))
        phases, row = phases[inside], row[inside]
        nanoseconds = (phases["t1"] - np.maximum(phases["t0"], t0[row])).astype(float)
        outer = phases["flags"] & _OUTER
        sums = _sum(row, phases["kind"], nanoseconds, count)
        sums -= _sum(row[outer > 0], outer[outer > 0], nanoseconds[outer > 0], count)
        sums[:, signals.EVAL] += eval_ns
        top = np.bincount(row[outer == 0], weights=nanoseconds[outer == 0], minlength=count) + eval_ns
        sums[:, signals.NONE] = (t1 - t0) - top
        estimate(sums, estimated)
        microseconds = np.maximum(sums, 0.0) / 1000.0
        for index, name in enumerate(STEP_PHASES):
            table[name] = np.minimum(microseconds[:, index], 2**31 - 1).astype("i4")
        backward = np.isin(phases["kind"], (signals.BACKWARD, signals.OPTIMIZER))
        table["trained"] = like_neighbours(np.bincount(row[backward], minlength=count) > 0, estimated)
        stepped = phases["kind"] == signals.OPTIMIZER
        table["optimized"] = like_neighbours(np.bincount(row[stepped], minlength=count) > 0, estimated)
        table["process"] = np.full(count, self.process, "i2")
        table["loader"] = np.full(count, loader, "i4")
        table["loop"] = np.broadcast_to(loop, count).astype("i4")
        table[ESTIMATED] = estimated.astype("i4")
        table["t0"], table["t1"] = np.asarray(t0, "i8"), np.asarray(t1, "i8")
        return table


def _sum(row: Ints, phase: Ints, weights: npt.NDArray[Any], count: int) -> npt.NDArray[Any]:
    index = row * _PHASES + np.minimum(phase, _PHASES - 1)
    return np.bincount(index, weights=weights, minlength=count * _PHASES).astype(float).reshape(count, _PHASES)


def _left_by_break(records: Records, loader: int, t0: int, t1: int, wait: int) -> int:
    """The end of a row whose loop was left by break: the last record before the loader was started again."""
    starts = records[(records["kind"] == signals.LOADER_START) & (records["arg"] == loader)]
    before = starts["t0"][starts["t1"] <= t1]
    limit = int(before[-1]) if len(before) else wait
    inside = records["t1"][(records["t1"] > t0) & (records["t1"] <= limit)]
    return int(inside.max()) if len(inside) else t0


def _inside(times: Ints, t0: Ints, t1: Ints) -> npt.NDArray[np.bool_]:
    """Mask of the times inside any of the windows (t0, t1]; windows of one loader do not overlap."""
    if not len(t0):
        return np.zeros(len(times), bool)
    order = np.argsort(t0, kind="stable")
    starts, ends = t0[order], t1[order]
    at = np.searchsorted(starts, times, side="left") - 1
    return (at >= 0) & (times <= ends[np.maximum(at, 0)])


def _covered(records: Records, steps: Table) -> npt.NDArray[np.bool_]:
    covered = np.zeros(len(records), bool)
    for loader in np.unique(steps["loader"]):
        mine = steps["loader"] == loader
        covered |= _inside(records["t1"], steps["t0"][mine], steps["t1"][mine])
    return covered
