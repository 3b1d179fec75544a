"""Samples of the main thread between the phases of its steps, split by what they do for the loop. Pure.

Some feed the model (a generator that the loop runs over, preparing the input before the forward), some are the training
itself (torch's own functions, computing the loss), and the rest is Python on the side. The work of an environment in
which a policy acts also counts as training: it cannot start before the policy asks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ... import signals
from ...recording.facts import FlowLines, Forward
from ...recording.model import Frame, Recording, Records, Site
from .. import Missing
from ..run.stacks import in_training_code
from .environments import answers, is_of_a_policy
from .steps import Steps

_COMMON = 0.95  # of the samples: a frame in nearly all of them is the loop, not a part of it
_ENOUGH_SECONDS = 1.0  # sampled within the steps, to tell whether the main thread runs them
_COMPUTES = 0.2  # of the steps, in the model: the same
_PROTOCOL = ("__next__", "__iter__", "__getitem__")

Function = tuple[str, str]  # (file, function)
Line = tuple[str, str, int]  # (file, function, line)
_BEFORE_TRAINING = (signals.NONE, signals.READ, signals.TRANSFORM, signals.DATA_WAIT)
_TRAINING = (signals.FORWARD, signals.BACKWARD, signals.OPTIMIZER)


@dataclass(frozen=True)
class Sample:
    """``frames``: outermost first, starting with the loop's own frame. ``phase``: 0 between the phases."""

    frames: tuple[Frame, ...]
    seconds: float
    running: bool
    phase: int

    @property
    def users(self) -> tuple[Frame, ...]:
        return tuple(frame for frame in self.frames if frame.user)

    @property
    def library(self) -> tuple[Frame, ...]:
        """The frames below the innermost user frame."""
        last = max((depth for depth, frame in enumerate(self.frames) if frame.user), default=-1)
        return self.frames[last + 1 :]


@dataclass(frozen=True)
class LoopSamples:
    """``feeding``, ``aside``: samples of the loop by what they do. ``seconds``: sampled time per phase, 0 being between
    phases.

    ``training``: user lines from which forward, backward and optimizer are called. ``acts``: some samples belong to a
    policy acting in an environment.
    """

    loop: Function | None
    feeding: tuple[Sample, ...]
    aside: tuple[Sample, ...]
    seconds: dict[int, float]
    training: frozenset[Line] = frozenset()
    acts: bool = False

    @classmethod
    def compute(cls, recording: Recording, steps: Steps) -> LoopSamples:
        if "stacks" not in recording.facts.attached:
            raise Missing("Call stacks were not sampled.")
        if not steps.count:
            raise Missing("No steps after warm-up.")
        samples = list(samples_of(recording, steps.process, stacks_in_steps(recording, steps)))
        first = _first_forward(recording, steps.process)
        site = _loop_site(recording, steps)
        loop = (site.file, site.function) if site is not None else _loop_function(samples, first)
        samples = [from_loop(sample, loop) for sample in samples]
        lines = _Lines.of(recording, steps, first, site)
        acting = _acting(recording, steps.process)
        own = [sample for sample in samples if not _acts(sample, acting)]
        feeding = tuple(sample for sample in own if sample.phase in _BEFORE_TRAINING and lines.feed(sample))
        aside = tuple(sample for sample in own if sample.phase == signals.NONE and lines.stand_aside(sample))
        seconds: Counter[int] = Counter()
        for sample in samples:
            seconds[sample.phase] += sample.seconds  # type: ignore[assignment]
        if _beside(steps, seconds):
            raise Missing("The steps ran on another thread than the main one, whose stacks tell nothing about them.")
        return cls(loop, feeding, aside, dict(seconds), _training_lines(samples), len(own) < len(samples))


def _beside(steps: Steps, seconds: Mapping[int, float]) -> bool:
    """Whether the model computed while the main thread was always elsewhere: its samples know no such phase."""
    computed = float(steps.phase("forward", "backward", "eval").sum())
    sampled = sum(seconds.values())
    seen = sum(seconds.get(phase, 0.0) for phase in (*_TRAINING, signals.EVAL))
    return sampled > _ENOUGH_SECONDS and computed > _COMPUTES * steps.total_seconds and seen < computed / 20


@dataclass(frozen=True)
class _Lines:
    """User lines by their part in a step; ``first``: see ``_first_forward``."""

    flow: frozenset[tuple[str, int]]
    zeroing: frozenset[tuple[str, int]]
    first: dict[Function, int]

    @classmethod
    def of(cls, recording: Recording, steps: Steps, first: dict[Function, int], site: Site | None) -> _Lines:
        notes = [fact for _, fact in recording.facts.of(FlowLines)]
        flow = {(fact.file, line) for fact in notes for line in fact.lines}
        if site is not None and steps.training and first.get((site.file, site.function)) == site.line:
            # If a library runs the loop, as in ``trainer.fit()``, this line says nothing about the parts of a step.
            flow.discard((site.file, site.line))
        zeroing = frozenset((fact.file, line) for fact in notes for line in fact.zeroing)
        return cls(frozenset(flow), zeroing, first)

    def feed(self, sample: Sample) -> bool:
        """Whether this sample prepares the model's input."""
        if sample.phase == signals.DATA_WAIT:
            return True
        if len(sample.frames) > 1:
            loop, below = sample.frames[:2]
            yields = below.generator and not below.function.endswith("<genexpr>")
            if yields or below.function.rpartition(".")[2] in _PROTOCOL:
                return loop.line <= self.first.get((loop.file, loop.function), loop.line)
        return self._before_forward(sample) is True

    def stand_aside(self, sample: Sample) -> bool:
        """Whether this sample neither feeds the model nor trains it."""
        users = sample.users
        if users and (users[-1].file, users[-1].line) in self.zeroing:
            return False
        trains = in_training_code(sample.frames[::-1]) or self._before_forward(sample) is False
        return not (trains or self.feed(sample))

    def _before_forward(self, sample: Sample) -> bool | None:
        """Whether the innermost line that feeds model or loss precedes the forward; None if there is no such line."""
        for frame in reversed(sample.users):
            start = self.first.get((frame.file, frame.function))
            if start is not None and (frame.file, frame.line) in self.flow:
                return frame.line < start
        return None


def _acting(recording: Recording, process: int) -> frozenset[Function]:
    """Functions in which a policy acts: they call a model without training it, and are named accordingly."""
    return frozenset(
        (file, function)
        for owner, fact in recording.facts.of(Forward)
        if owner == process and not fact.grad
        for function, file, line in fact.frames
        if is_of_a_policy((Frame(function, file, line, True),))
    )


def _acts(sample: Sample, acting: frozenset[Function]) -> bool:
    """Whether this sample is a policy acting, below the loop's own frame."""
    below = sample.frames[1:]
    return any((frame.file, frame.function) in acting or answers(frame) for frame in below)


def _training_lines(samples: list[Sample]) -> frozenset[Line]:
    trained = (sample.users for sample in samples if sample.phase in _TRAINING)
    return frozenset((frame.file, frame.function, frame.line) for users in trained for frame in users)


def stacks_in_steps(recording: Recording, steps: Steps) -> Records:
    """The main thread's samples that end within a step after warm-up."""
    stacks: Records = recording.stacks[recording.stacks["process"] == steps.process]
    if not steps.count:
        return stacks[:0]
    at = np.searchsorted(steps.start_ns, stacks["t1"], side="left") - 1
    inside: Records = stacks[(at >= 0) & (stacks["t1"] <= steps.end_ns[np.maximum(at, 0)])]
    return inside


def alike(rows: Records, stacks: Mapping[int, tuple[Frame, ...]]) -> list[tuple[Sample, int]]:
    """One process's records merged into one Sample per stack, phase and state, with the number of records in each."""
    kinds = (rows["arg"].astype("i8") * 256 + (rows["flags"] & 0xFF)) * 2 + (rows["kind"] == signals.STACK_CPU)
    keys, which, counts = np.unique(kinds, return_inverse=True, return_counts=True)
    seconds = np.bincount(which, weights=(rows["t1"] - rows["t0"]) / 1e9, minlength=len(keys))
    return [
        (Sample(stacks.get(key // 512, ())[::-1], spent, bool(key & 1), key // 2 % 256), count)
        for key, spent, count in zip(keys.tolist(), seconds.tolist(), counts.tolist(), strict=True)
    ]


def samples_of(recording: Recording, process: int, stacks: Records) -> Iterator[Sample]:
    """The samples of one process as ``Sample`` objects, one per record."""
    for kind, phase, stack, nanoseconds in zip(
        stacks["kind"].tolist(),
        (stacks["flags"] & 0xFF).tolist(),
        stacks["arg"].tolist(),
        (stacks["t1"] - stacks["t0"]).tolist(),
        strict=True,
    ):
        frames = recording.facts.stacks.get((process, stack), ())
        yield Sample(frames[::-1], nanoseconds / 1e9, kind == signals.STACK_CPU, phase)


def _loop_site(recording: Recording, steps: Steps) -> Site | None:
    return recording.facts.loop_site(steps.process, steps.loader)


def _loop_function(samples: list[Sample], first: dict[Function, int]) -> Function | None:
    """The innermost function that nearly all step samples run in, and a forward too, if one was seen."""
    rows = [(sample.users, sample.seconds) for sample in samples if sample.users]
    total, found = sum(seconds for _, seconds in rows), None
    for depth in range(64):
        weights: Counter[Function] = Counter()
        for frames, seconds in rows:
            if len(frames) > depth and not frames[depth].generator:
                weights[frames[depth].file, frames[depth].function] += seconds  # type: ignore[assignment]
        best = max(weights, key=weights.__getitem__, default=None)
        if best is None or weights[best] < _COMMON * total or (first and best not in first):
            return found
        found = best
    return found


def from_loop(sample: Sample, loop: Function | None) -> Sample:
    """The sample without the frames outside the loop; unchanged if the loop is not in the stack."""
    for depth in range(len(sample.frames) - 1, -1, -1):
        if (sample.frames[depth].file, sample.frames[depth].function) == loop:
            return Sample(sample.frames[depth:], sample.seconds, sample.running, sample.phase)
    return sample


def _first_forward(recording: Recording, process: int) -> dict[Function, int]:
    """The first line in each user function that calls into a forward pass."""
    first: dict[Function, int] = {}
    for owner, frames in forwards(recording):
        for function, file, line in frames if owner == process else ():
            first[file, function] = min(first.get((file, function), line), line)
    return first


def forwards(recording: Recording) -> list[tuple[int, list[tuple[str, str, int]]]]:
    """(process, the user's (function, file, line)s) on the way to each forward pass; only those that train, if any do.

    A policy or a teacher runs without gradients, and code after it may still feed the model.
    """
    seen = [(owner, fact.frames, fact.grad) for owner, fact in recording.facts.of(Forward)]
    training = [(owner, frames) for owner, frames, grad in seen if grad]
    return training or [(owner, frames) for owner, frames, _ in seen]
