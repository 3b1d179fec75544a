"""Spans of the loop: selects the steps to show one by one, and summarizes the others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ...artifacts.training.steps import Steps
from ...diagnosis.model import Diagnosis
from ...recording.model import STEP_PHASES, Table
from . import names
from .tree import Attributes, Builder, Span

FIRST_STEPS = 10
WORST_STEPS = 20
STEPS_A_FINDING = 3
WINDOW = 3  # neighbouring steps to show, so that the normal pattern is visible
MAX_EPOCHS = 100
# A row spans from one next() to the following one, so the wait for the next batch is at its end.
ORDER = (*(name for name in STEP_PHASES[1:] if name not in ("loader_start", "data_wait")), "loader_start", "data_wait")


@dataclass(frozen=True)
class Loop:
    """The rows of one process in time order, and which of them are shown as spans."""

    process: int
    training: bool
    rows: Table
    warm: npt.NDArray[np.bool_]
    shown: dict[int, str]  # row -> why
    groups: tuple[tuple[int, int, int], ...]  # epochs: first row, end row, how many passes

    @cached_property
    def used(self) -> list[str]:
        return used_phases(self.rows)


def used_phases(rows: Table) -> list[str]:
    """Phases with any time in these rows, in the order in which a step runs them."""
    return [name for name in ORDER if name in rows and rows[name].any()]


def plan(rows: Table, warm: npt.NDArray[np.bool_], process: int, steps: Steps, found: Diagnosis, budget: int) -> Loop:
    """Choose the steps of one process to show within ``budget`` spans, including epochs and summaries."""
    groups = _groups(rows, min(MAX_EPOCHS, max(1, budget // 4)))
    left = budget - 2 * len(groups)
    each = 1 + len(used_phases(rows))
    shown = _choose(rows, found, max(0, left // each))
    return Loop(process, steps.training, rows, warm, shown, tuple(groups))


def _groups(rows: Table, most: int) -> list[tuple[int, int, int]]:
    """Runs of rows in the same pass; joins passes if there are too many to show each."""
    count = len(rows["t0"])
    if not count:
        return []
    cuts = [0, *(np.flatnonzero(np.diff(rows["loop"])) + 1).tolist(), count]
    passes = len(cuts) - 1
    size = -(-passes // most)
    return [(cuts[i], cuts[min(i + size, passes)], min(size, passes - i)) for i in range(0, passes, size)]


def _choose(rows: Table, found: Diagnosis, limit: int) -> dict[int, str]:
    count = len(rows["t0"])
    if count <= limit:
        return dict.fromkeys(range(count), "all")
    chosen: dict[int, str] = {}

    def take(indices: Any, why: str) -> None:
        for index in indices:
            if len(chosen) < limit:
                chosen.setdefault(int(index), why)

    take(range(min(FIRST_STEPS, count)), "first")
    for ranked in found.findings:
        phases = [name for name in ranked.finding.removes if name in rows]
        if phases:
            time = sum(rows[name].astype("i8") for name in phases)
            take(_longest(np.asarray(time), STEPS_A_FINDING), ranked.finding.detector)
    take(_longest(rows["t1"] - rows["t0"], WORST_STEPS), "worst")
    windows = (limit - len(chosen)) // WINDOW
    if windows > 0:
        starts = np.unique(np.linspace(0, max(0, count - WINDOW), windows).astype(int))
        take((starts[:, None] + np.arange(WINDOW)).ravel(), "window")
    return chosen


def _longest(lengths: npt.NDArray[np.int64], most: int) -> npt.NDArray[np.int64]:
    """The places of the largest values, largest first and equal ones in order, without sorting a whole run."""
    most = min(most, len(lengths))
    least = np.partition(lengths, -most)[-most]
    places = np.flatnonzero(lengths >= least)
    return places[np.argsort(-lengths[places], kind="stable")[:most]]


def add(builder: Builder, parent: Span, loop: Loop) -> list[Span]:
    """Add the epochs of one process under ``parent``, with their steps and summaries. Returns the epochs."""
    return [_epoch(builder, parent, loop, *group) for group in loop.groups]


def _epoch(builder: Builder, parent: Span, loop: Loop, first: int, end: int, passes: int) -> Span:
    rows = loop.rows
    attributes: Attributes = {names.EPOCH_NUMBER: _pass_number(loop, first)}
    if passes > 1:
        attributes[names.EPOCH_COUNT] = passes
    one, many = (names.EPOCH, names.EPOCHS) if loop.training else (names.PASS, names.PASSES)
    start, finish = int(rows["t0"][first:end].min()), int(rows["t1"][first:end].max())
    epoch = builder.child(parent, one if passes == 1 else many, start, finish, attributes, loop.process)
    shown = sorted(row for row in loop.shown if first <= row < end)
    for row in shown:
        _step(builder, epoch, loop, row)
    hidden = np.delete(np.arange(first, end), np.array(shown, dtype=int) - first)
    if len(hidden):
        _summary(builder, epoch, loop, hidden)
    return epoch


def _pass_number(loop: Loop, first: int) -> int:
    """The number of passes before this row."""
    return int(np.count_nonzero(np.diff(loop.rows["loop"][: first + 1])))


def _step(builder: Builder, epoch: Span, loop: Loop, row: int) -> None:
    start = int(loop.rows["t0"][row])
    attributes: Attributes = {
        names.STEP_NUMBER: row,
        names.STEP_REASON: loop.shown[row],
        names.WARM_UP: bool(loop.warm[row]),
        names.LAID_OUT: True,
    }
    name = names.STEP if loop.training else names.INFERENCE_STEP
    step = builder.child(epoch, name, start, int(loop.rows["t1"][row]), attributes)
    at = start
    for phase in loop.used:
        nanoseconds = int(loop.rows[phase][row]) * 1000
        if nanoseconds > 0:
            builder.child(step, phase, at, at + nanoseconds, {})
            at += nanoseconds


def _summary(builder: Builder, epoch: Span, loop: Loop, hidden: npt.NDArray[np.int64]) -> None:
    rows = loop.rows
    attributes: Attributes = {names.STEP_COUNT: len(hidden)}
    for phase in ("step", *loop.used, "other"):  # one at a time: each array is as long as the run
        seconds = (rows["t1"][hidden] - rows["t0"][hidden]) / 1e9 if phase == "step" else rows[phase][hidden] / 1e6
        values = [float(seconds.sum()), *np.percentile(seconds, (50, 95, 99), overwrite_input=True).tolist()]
        for part, value in zip(names.SUMMARY_PARTS, values, strict=True):
            attributes[f"{names.SUMMARY}{phase}.{part}"] = value
    name = names.STEPS if loop.training else names.INFERENCE_STEPS
    builder.child(epoch, name, int(rows["t0"][hidden].min()), int(rows["t1"][hidden].max()), attributes)
