"""Python of the main thread between the phases of the steps, and the place of the user's that holds most of it. Pure.

Not everything between the phases is Python on the side: what torch's own functions do there (clipping, schedulers,
functional losses) and what the loss is made of is the training itself, and is never the place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .. import signals
from . import Missing
from .stacks import in_training_code
from .steps import Steps
from .stretches import Checkpoints
from .tables import Frame, Recording, Records

_BULK = 0.8  # of the heaviest place: a deeper one that still holds this much says more
_COMMON = 0.95  # of the samples: what nearly all of them stand in is the loop, not a part of it

Function = tuple[str, str]  # (file, function)
Sample = tuple[tuple[Frame, ...], float, bool]  # user frames outermost first, seconds, on the CPU


@dataclass(frozen=True)
class Place:
    """Where residual time lies. ``function`` is None for a line of the loop itself, else ``frame`` is its hottest line.

    ``share``: of the residual, everything called from there included; ``cpu_share``: of that, on the CPU.
    """

    frame: Frame
    function: str | None
    share: float
    cpu_share: float


@dataclass(frozen=True)
class Residual:
    """``other`` of every step. ``share``: of the steps' wall time; ``place``: the deepest place that holds the bulk."""

    share: float
    seconds: float
    place: Place | None
    sampled_seconds: float

    @classmethod
    def compute(cls, recording: Recording, steps: Steps, checkpoints: Checkpoints | None) -> Residual:
        if "stacks" not in recording.facts.attached:
            raise Missing("Call stacks were not sampled.")
        if not steps.count:
            raise Missing("No steps after warm-up.")
        stacks = recording.stacks[recording.stacks["process"] == steps.process]
        at = np.searchsorted(steps.start_ns, stacks["t1"], side="left") - 1
        stacks = stacks[(at >= 0) & (stacks["t1"] <= steps.end_ns[np.maximum(at, 0)])]
        between = stacks[stacks["flags"] == 0]
        loop = _loop_site(recording, steps) or _loop_function(_samples(recording, steps.process, stacks))
        saving = checkpoints.functions if checkpoints is not None else frozenset()
        loss = _loss_lines(recording, steps.process, stacks)
        inside = [
            (frames, seconds, running)
            for frames, seconds, running in _samples(recording, steps.process, between)
            if frames
            and (frames[-1].file, frames[-1].function) not in saving
            and not any((frame.file, frame.line) in loss for frame in frames)
        ]
        total = float((between["t1"] - between["t0"]).sum()) / 1e9
        return cls(steps.share("other"), float(steps.phase("other").sum()), _place(inside, loop, total), total)


def _samples(recording: Recording, process: int, stacks: Records) -> Iterable[Sample]:
    for kind, stack, nanoseconds in zip(
        stacks["kind"].tolist(), stacks["arg"].tolist(), (stacks["t1"] - stacks["t0"]).tolist(), strict=True
    ):
        frames = recording.facts.stacks.get((process, stack), ())
        users = () if in_training_code(frames) else frames
        yield tuple(f for f in reversed(users) if f.user), nanoseconds / 1e9, kind == signals.STACK_CPU


def _loss_lines(recording: Recording, process: int, stacks: Records) -> set[tuple[str, int]]:
    """(file, line) of what turns the model's output into the loss: what the loss is made of, from the forward on."""
    made_of = {(f["file"], line) for _, f in recording.facts.of("loss_lines") for line in f["lines"]}
    first: dict[str, int] = {}
    for stack in np.unique(stacks["arg"][stacks["flags"] == signals.FORWARD]).tolist():
        for frame in recording.facts.stacks.get((process, stack), ()):
            if (frame.file, frame.line) in made_of:
                first[frame.file] = min(first.get(frame.file, frame.line), frame.line)
    return {(file, line) for file, line in made_of if file in first and line >= first[file]}


def _loop_site(recording: Recording, steps: Steps) -> Function | None:
    number = recording.facts.loaders.get((steps.process, steps.loader), {}).get("iter_site", 0)
    site = recording.facts.sites.get((steps.process, number))
    return None if site is None else (site.file, site.function)


def _loop_function(samples: Iterable[Sample]) -> Function | None:
    """The innermost function that nearly all samples of the steps stand in."""
    rows = [(frames, seconds) for frames, seconds, _ in samples if frames]
    total, found = sum(seconds for _, seconds in rows), None
    for depth in range(64):
        weights: Counter[Function] = Counter()
        for frames, seconds in rows:
            if len(frames) > depth:
                weights[frames[depth].file, frames[depth].function] += seconds  # type: ignore[assignment]
        best = max(weights, key=weights.__getitem__, default=None)
        if best is None or weights[best] < _COMMON * total:
            return found
        found = best
    return found


def _below(frames: tuple[Frame, ...], loop: Function | None) -> tuple[Frame, ...]:
    """The loop's own frame and what it called; all frames where the loop is not among them."""
    for depth in range(len(frames) - 1, -1, -1):
        if (frames[depth].file, frames[depth].function) == loop:
            return frames[depth:]
    return frames


def _place(samples: list[Sample], loop: Function | None, total: float) -> Place | None:
    """Lines of the loop and functions below it compete by the time spent in them and in what they call."""
    seconds: Counter[tuple[str, str, int]] = Counter()  # line 0: the whole function
    depths: Counter[tuple[str, str, int]] = Counter()
    for frames, weight, _ in samples:
        for key, depth in _keys(_below(frames, loop), loop).items():
            seconds[key] += weight  # type: ignore[assignment]
            depths[key] += depth * weight  # type: ignore[assignment]
    if not seconds:
        return None
    most = max(seconds.values())
    heavy = [key for key in seconds if seconds[key] >= _BULK * most]
    chosen = max(heavy, key=lambda key: (depths[key] / max(seconds[key], 1e-12), seconds[key]))
    lines: Counter[Frame] = Counter()
    cpu = 0.0
    for frames, weight, running in samples:
        below = _below(frames, loop)
        if chosen not in _keys(below, loop):
            continue
        cpu += weight if running else 0.0
        frame = next(f for f in reversed(below) if (f.file, f.function) == chosen[:2] and chosen[2] in (0, f.line))
        lines[frame] += weight  # type: ignore[assignment]
    hottest = max(lines, key=lines.__getitem__)
    function = chosen[1] if chosen[2] == 0 else None
    return Place(hottest, function, seconds[chosen] / max(total, 1e-9), cpu / max(seconds[chosen], 1e-9))


def _keys(below: tuple[Frame, ...], loop: Function | None) -> dict[tuple[str, str, int], int]:
    """Places that a sample counts for, with their depth: the loop's line and every function below, each once."""
    found: dict[tuple[str, str, int], int] = {}
    for depth, frame in enumerate(below):
        own = (frame.file, frame.function) == loop
        found[frame.file, frame.function, frame.line if own else 0] = depth
    return found
