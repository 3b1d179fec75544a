"""What the device did in the steps of a default run, from the marks at the borders of their phases. Pure.

A mark says when the device had done all that was queued before it. Where it had, and the host queues nothing, it is
idle: that is the least it idles. Between marks at which it was not, it was busy: that is the least it was busy.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ... import signals
from ...recording.device_waits import launching, spans_of
from ...recording.facts import DataParallel, DeviceInUse, DeviceLines, DevicesHeld, FlowLines, Optimizer
from ...recording.marks import Bools, Ints, Marks, marks_of, within
from ...recording.model import Frame, Recording, Records, Site
from .. import Missing
from ..training.loop_samples import forwards, stacks_in_steps
from ..training.steps import Steps

MIN_STEPS = 10
_USED_SHARE = 0.01  # of the steps: a device that is busy for less, in a loop that only infers, may not be what infers
_PHASE = 0xFF


@dataclass(frozen=True)
class Timed:
    """One device in the timed steps; all in seconds per step, and at least, except for ``step_seconds``.

    ``idle_seconds_by_cause``: while the loop waited for data ("input"), and while the host did other work after it had
    waited for the device ("sync"). ``busy_seconds``: the queue was not empty. ``waited_seconds``: the host waited for
    results, and ``place`` is the line with most of that. ``copying_seconds``: copies to the device in front of the
    model, which nothing covers, from ``copy``; in ``blocking_seconds`` of it the host waited. ``kept_up_seconds``: the
    host launched, and the device had nothing left to do before and after that. ``others``: devices that the process
    uses beside this one, which nothing timed. ``copy_queued``: the copies at that line are told not to block;
    ``copies_model``: they are of the model.
    """

    steps: int
    step_seconds: float
    idle_seconds_by_cause: dict[str, float]
    busy_seconds: float
    waited_seconds: float
    copying_seconds: float
    blocking_seconds: float
    kept_up_seconds: float
    place: Site | None = None
    copy: Site | None = None
    process: int = 0
    name: str = ""
    simulated: bool = False
    copy_queued: bool | None = None
    copies_model: bool = False
    index: int = 0
    others: tuple[int, ...] = ()

    @property
    def idle_seconds(self) -> float:
        return sum(self.idle_seconds_by_cause.values())

    @property
    def idle_share(self) -> float:
        """Of the steps, at least."""
        return self.idle_seconds / self.step_seconds

    @classmethod
    def compute(cls, recording: Recording, steps: Steps) -> Timed:
        marks = marks_of(recording, steps.process)
        if not marks.count:
            raise Missing("No accelerator was timed.")
        facts = recording.facts
        held = next(reversed(facts.of_process(DevicesHeld, steps.process)), DevicesHeld(0))
        copied = {index for fact in facts.of_process(DataParallel, steps.process) for index in fact.indexes}
        name = next((fact.name for fact in recording.facts.of_process(DeviceInUse, steps.process)), "")
        trained_on = {fact.device for fact in recording.facts.of_process(Optimizer, steps.process)} - {""}
        if trained_on and name not in trained_on:
            raise Missing("The model is not trained on the accelerator.")
        found = _Intervals.of(recording, steps, marks)
        if found.steps < MIN_STEPS:
            raise Missing("Too few steps were timed on the accelerator.")
        rows = stacks_in_steps(recording, steps)
        lines = _user_lines(recording, steps.process, rows)
        known = {(fact.file, line) for _, fact in recording.facts.of(DeviceLines) for line in fact.copies}
        copies = np.array([line is not None and (line.file, line.line) in known for line in lines], bool)
        queued = {(fact.file, line) for _, fact in facts.of(DeviceLines) for line in fact.queued}
        models = {(fact.file, line) for _, fact in facts.of(DeviceLines) for line in fact.models}
        waits = ((rows["flags"] & _PHASE) == signals.SYNC) & ~copies
        alone = _in_front(recording, steps, known)
        copy = _most(rows, lines, copies) or alone
        sums = found.summed(found.share_in_front(rows, copies) if copy is not None else 0.0, alone is not None)
        used = bool(trained_on) or sums.busy_seconds >= _USED_SHARE * sums.step_seconds
        return replace(
            sums,
            kept_up_seconds=sums.kept_up_seconds if used else 0.0,  # the model may be on the host
            place=_most(rows, lines, waits),
            copy=copy,
            copy_queued=None if copy is None else (copy.file, copy.line) in queued,
            copies_model=copy is not None and (copy.file, copy.line) in models,
            process=steps.process,
            name=name,
            simulated=bool(recording.run.get("gpu_simulated", False)),
            index=held.index,
            others=tuple(sorted({*held.others, *copied} - {held.index})),
        )


@dataclass(frozen=True)
class _Intervals:
    """The intervals between joined marks inside the timed steps; arrays have one value each, times in ns.

    ``done``: when the device had done what was queued at the begin, at most the end; ``reached``: what was queued at
    the end. ``waited``: how long the host waited. ``before``, ``after``: the queue was empty at the begin, at the end.
    ``loading``: the loop waits for data; ``launching``: inside the model; ``in_front``: from the batch to the model.
    """

    steps: int
    begin: Ints
    end: Ints
    done: Ints
    reached: Ints
    waited: Ints
    before: Bools
    after: Bools
    loading: Bools
    launching: Bools
    in_front: Bools

    @classmethod
    def of(cls, recording: Recording, steps: Steps, marks: Marks) -> _Intervals:
        spans = spans_of(recording, steps.process, marks)
        waits = dict(zip(spans.t0[~spans.loading].tolist(), spans.t1[~spans.loading].tolist(), strict=True))
        at = np.flatnonzero(marks.joined)
        row = np.searchsorted(steps.start_ns, marks.host[at], side="right") - 1
        inside = (row >= 0) & (marks.host[at + 1] <= steps.end_ns[np.maximum(row, 0)]) if steps.count else at < 0
        at, row = at[inside], row[inside]
        begin, end = marks.host[at], marks.host[at + 1]
        data = marks.phase == signals.DATA_WAIT
        model = ~marks.ends & np.isin(marks.phase, (signals.FORWARD, signals.EVAL))
        return cls(
            steps=len(np.unique(row)),
            begin=begin,
            end=end,
            done=np.clip(marks.device[at], begin, end),
            reached=marks.device[at + 1],
            waited=np.array([waits.get(t0, t0) - t0 for t0 in begin.tolist()], "i8"),
            before=marks.empty[at],
            after=marks.empty[at + 1],
            loading=(data & ~marks.ends)[at],
            launching=launching(marks)[at],
            in_front=(data & marks.ends)[at] & model[at + 1],
        )

    def summed(self, blocking_share: float, copies: bool) -> Timed:
        """Without the places. ``blocking_share``: of the host's time in front of the model, that of copies."""
        whole = self.end - self.begin
        pending = np.where(self.before, 0, self.done - self.begin)
        rest = whole - np.maximum(pending, self.waited)
        # In front of the model, a copy either holds the host, or the device gets to the model late.
        blocking = (whole - pending) * (self.in_front & self.after) * blocking_share
        queued = (self.reached - self.begin - pending) * (self.in_front & ~self.after) * copies
        idle = {
            "input": rest * self.loading,
            "sync": rest * (~self.loading & ~self.launching & ~self.in_front & (self.waited > 0) & self.after),
        }
        return Timed(
            steps=self.steps,
            step_seconds=self._each(whole),
            idle_seconds_by_cause={cause: self._each(values) for cause, values in idle.items()},
            busy_seconds=self._each(pending),
            waited_seconds=self._each(self.waited * ~(self.loading | self.in_front)),
            copying_seconds=self._each(blocking + queued),
            blocking_seconds=self._each(blocking),
            kept_up_seconds=self._each(whole * (self.launching & self.before & self.after)),
        )

    def share_in_front(self, rows: Records, chosen: Bools) -> float:
        """The share of the samples that, in front of the model, are of the ``chosen`` ones."""
        there = within(rows["t1"], self.done[self.in_front], self.end[self.in_front])
        return float(chosen[there].mean()) if there.any() else float(chosen.any())

    def _each(self, values: npt.NDArray[Any]) -> float:
        return float(values.sum()) / 1e9 / self.steps


def _in_front(recording: Recording, steps: Steps, known: set[tuple[str, int]]) -> Site | None:
    """The last of these lines in front of the line that calls the model, if its input is complete after that.

    Otherwise what the device does in front of the model may be to prepare the input, and not to copy it.
    """
    frames = next((frames for process, frames in forwards(recording) if process == steps.process and frames), None)
    if frames is None:
        return None
    function, file, called = frames[0]
    copy = max((line for place, line in known if place == file and line < called), default=0)
    flow = {line for _, fact in recording.facts.of(FlowLines) if fact.file == file for line in fact.lines}
    return None if not copy or any(copy < line < called for line in flow) else Site(file, copy, function)


def _user_lines(recording: Recording, process: int, rows: Records) -> list[Frame | None]:
    """The innermost line of the user's in each sample."""
    found = {
        stack: next((frame for frame in recording.facts.stacks.get((process, stack), ()) if frame.user), None)
        for stack in np.unique(rows["arg"]).tolist()
    }
    return [found[stack] for stack in rows["arg"].tolist()]


def _most(rows: Records, lines: list[Frame | None], chosen: Bools) -> Site | None:
    """The line with most of the time of the chosen samples."""
    seconds: Counter[Frame] = Counter()
    for line, use, t0, t1 in zip(lines, chosen.tolist(), rows["t0"].tolist(), rows["t1"].tolist(), strict=True):
        if use and line is not None:
            seconds[line] += t1 - t0
    if not seconds:
        return None
    frame = max(seconds, key=seconds.__getitem__)
    return Site(frame.file, frame.line, frame.function)
