"""Evaluations inside and between the steps of the training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ... import signals
from ...recording.model import Frame, Recording, Records, Site
from .. import Absent
from ..run.stacks import Stacks
from .checkpoints import Checkpoints, Function
from .environments import is_of_a_policy
from .steps import Steps

_FINAL_TEST = 1.5  # times the longest other evaluation: a longer one after the last step is a different thing


@dataclass(frozen=True)
class Evaluations:
    """Evaluations inside or between training steps.

    ``spans``: one (t0, t1) each, in monotonic ns and time order; ``seconds``: their lengths; ``inside_seconds``: the
    part within steps of the main loop; ``site``: the line that calls the evaluation, else the line of its own loop;
    ``functions``: user functions that do nothing but evaluate.
    """

    spans: tuple[tuple[int, int], ...]
    seconds: tuple[float, ...]
    inside_seconds: float
    site: Site | None
    run_seconds: float
    functions: frozenset[Function] = frozenset()

    @property
    def count(self) -> int:
        return len(self.seconds)

    @property
    def total_seconds(self) -> float:
        return sum(self.seconds)

    @property
    def share(self) -> float:
        return self.total_seconds / max(self.run_seconds, 1e-9)

    @classmethod
    def compute(cls, recording: Recording, steps: Steps, stacks: Stacks | None) -> Evaluations:
        if not steps.training:
            raise Absent("The run does not train, so evaluation is its work.")
        caller, acts, functions = _callers(recording, steps)
        inside = _inside(recording, steps, acts)
        found = sorted(inside + _outside(recording, steps))
        if found and found[-1][0] >= steps.rows["t1"][-1]:
            if found[-1][2] > _FINAL_TEST * max((spent for _, _, spent in found[:-1]), default=0.0):
                found.pop()
        if found and stacks is not None:  # imports in the first one are not part of evaluating
            start, end, spent = found[0]
            found[0] = start, end, spent * (1.0 - stacks.import_share(start, end))
        spans = tuple((start, end) for start, end, _ in found)
        seconds = tuple(nanoseconds / 1e9 for _, _, nanoseconds in found)
        site = caller or _evaluation_loop(recording, steps)
        within = sum(nanoseconds for _, _, nanoseconds in inside) / 1e9
        return cls(spans, seconds, within, site, recording.wall_seconds, functions if found else frozenset())


def _passes(recording: Recording, steps: Steps) -> Records:
    """Complete passes over other loaders in which nothing was trained."""
    events = recording.events
    mine = (events["process"] == steps.process) & (events["kind"] == signals.LOOP) & ((events["flags"] & 1) == 0)
    epochs: Records = events[mine & (events["arg"] != steps.loader)]
    return epochs


def _inside(recording: Recording, steps: Steps, acts: bool) -> list[tuple[int, int, float]]:
    """(t0, t1, nanoseconds) of evaluations within steps: at most one per step, placed at its end."""
    rows = steps.rows
    nanoseconds = rows["eval"] * 1000.0
    evaluates = nanoseconds > 0
    if acts or evaluates.mean() > 0.5:
        # Teachers, target networks and policies also run without gradients; only a separate loader tells them apart.
        evaluates[:], nanoseconds = False, np.zeros(len(nanoseconds))
        epochs = _passes(recording, steps)
        at = np.searchsorted(rows["t0"], epochs["t1"], side="left") - 1
        held = (at >= 0) & (epochs["t0"] >= rows["t0"][at]) & (epochs["t1"] <= rows["t1"][at])
        evaluates[at[held]] = True
        np.add.at(nanoseconds, at[held], epochs["t1"][held] - epochs["t0"][held])
    ends = rows["t1"][evaluates]
    spent = nanoseconds[evaluates]
    return list(zip((ends - spent).astype("i8").tolist(), ends.tolist(), spent.tolist(), strict=True))


def _outside(recording: Recording, steps: Steps) -> list[tuple[int, int, float]]:
    """(t0, t1, nanoseconds) of evaluations between steps of the main loop: one for each gap that contains any.

    Passes, steps of loops left by a break, and single forwards may overlap.
    """
    table, events, rows = recording.steps, recording.events, steps.rows
    others = (table["process"] == steps.process) & (table["loader"] != steps.loader) & ~table["trained"]
    others &= table["eval"] + table["forward"] > 0
    alone = events[(events["process"] == steps.process) & (events["kind"] == signals.EVAL)]
    parts = (_passes(recording, steps), alone, {name: table[name][others] for name in ("t0", "t1")})
    spans = np.concatenate([np.column_stack([part["t0"], part["t1"]]) for part in parts]).astype("i8")
    spans = spans[np.argsort(spans[:, 0], kind="stable")]
    before = np.searchsorted(rows["t0"], spans[:, 0], side="right") - 1
    spans = spans[(before < 0) | (spans[:, 0] >= rows["t1"][before])]
    gaps: dict[int, list[int]] = {}  # number of steps begun before -> begin, end, nanoseconds
    for start, end in spans.tolist():
        cell = gaps.setdefault(int(np.searchsorted(rows["t0"], start, side="right")), [start, start, 0])
        cell[2] += max(0, end - max(start, cell[1]))
        cell[1] = max(cell[1], end)
    gaps.pop(0, None)  # before the first step, so not part of a cadence
    return [(start, end, float(spent)) for start, end, spent in gaps.values()]


def _callers(recording: Recording, steps: Steps) -> tuple[Site | None, bool, frozenset[Function]]:
    """(line that most evaluation is called from, whether it is really a policy acting, functions that only evaluate).

    At that line, the stacks of forwards without gradients diverge from those of training, in their innermost common
    function.
    """
    forward = _stacks(recording, steps, signals.FORWARD)
    training = _stacks(recording, steps, signals.BACKWARD, signals.OPTIMIZER) or forward
    lines = {(frame.file, frame.line) for frames in training for frame in frames}
    functions = _functions(training)
    sites: Counter[Site] = Counter()
    only: set[Function] = set()
    total = acting = 0.0
    for frames, seconds in _stacks(recording, steps, signals.EVAL).items():
        total += seconds
        acting += seconds * is_of_a_policy(frames)
        users = [frame for frame in frames if frame.user]
        shared = _shared_frames(users, functions, lines)
        if shared:
            caller = users[shared - 1]
            sites[Site(caller.file, caller.line, caller.function)] += seconds
        only |= _functions([users[shared:]])
    only -= functions | _functions(forward)
    return max(sites, key=sites.__getitem__, default=None), acting > 0.5 * max(total, 1e-9), frozenset(only)


def _functions(stacks: Iterable[Iterable[Frame]]) -> set[Function]:
    return {(frame.file, frame.function) for frames in stacks for frame in frames}


def _shared_frames(users: list[Frame], functions: set[Function], lines: set[tuple[str, int]]) -> int:
    """How many frames, from the outermost, also lead to the training, up to the line where the two diverge."""
    for depth, frame in enumerate(users):
        if (frame.file, frame.function) not in functions:
            return depth
        if (frame.file, frame.line) not in lines:
            return depth + 1
    return len(users)


def _stacks(recording: Recording, steps: Steps, *phases: int) -> Counter[tuple[Frame, ...]]:
    """Sampled seconds in these phases by stack, outermost frame first."""
    rows = recording.stacks[recording.stacks["process"] == steps.process]
    rows = rows[np.isin(rows["flags"] & 0xFF, phases)]
    found: Counter[tuple[Frame, ...]] = Counter()
    for stack, nanoseconds in zip(rows["arg"].tolist(), (rows["t1"] - rows["t0"]).tolist(), strict=True):
        found[recording.facts.stacks.get((steps.process, stack), ())[::-1]] += nanoseconds / 1e9
    return found


def _evaluation_loop(recording: Recording, steps: Steps) -> Site | None:
    """The line of the loop over the loader with most evaluation time."""
    epochs = _passes(recording, steps)
    if not len(epochs):
        return None
    loaders, inverse = np.unique(epochs["arg"], return_inverse=True)
    loader = int(loaders[np.argmax(np.bincount(inverse, weights=(epochs["t1"] - epochs["t0"]).astype(float)))])
    return recording.facts.loop_site(steps.process, loader)


def done_elsewhere(users: tuple[Frame, ...], checkpoints: Checkpoints | None, evaluations: Evaluations | None) -> bool:
    """Whether a sample with these user frames, innermost last, is part of a save or an evaluation."""
    if not users:
        return False
    if checkpoints is not None and (users[-1].file, users[-1].function) in checkpoints.functions:
        return True
    return evaluations is not None and any((f.file, f.function) in evaluations.functions for f in users)
