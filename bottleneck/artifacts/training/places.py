"""The line or function that holds most of a set of samples, and where it is called from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ...recording.model import Frame
from .loop_samples import Function, Line, Sample

_BULK = 0.8  # of the heaviest place: a deeper place that still holds this much is more specific


@dataclass(frozen=True)
class Place:
    """Where time is spent. ``function`` is None for a line of the loop itself; otherwise ``frame`` is its hottest line.

    ``share``: of all samples considered, including everything called from there; ``cpu_share``: running share of that.
    ``call``: the outermost line it is part of, or itself; ``call_share``: share of that whole call.
    """

    frame: Frame
    function: str | None
    share: float
    cpu_share: float
    call: Frame
    call_share: float


def place_of(
    samples: Iterable[Sample], loop: Function | None, total: float, training: frozenset[Line] = frozenset()
) -> Place | None:
    """The deepest of the places that hold the bulk: a line of the loop, or a function below it, with all it calls.

    ``total``: the seconds that shares refer to. A function in ``training`` is judged by its other lines, as the loop
    is: as a whole, it is the training.
    """
    samples = [sample for sample in samples if sample.users]
    seconds: Counter[Line] = Counter()  # line 0: the function as a whole
    depths: Counter[Line] = Counter()
    by_line = {(file, function) for file, function, _ in training} | {loop}
    keys = [_keys(sample, by_line, training) for sample in samples]
    for sample, places in zip(samples, keys, strict=True):
        for key, depth in places.items():
            seconds[key] += sample.seconds  # type: ignore[assignment]
            depths[key] += depth * sample.seconds  # type: ignore[assignment]
    if not seconds:
        return None
    most = max(seconds.values())
    heavy = [key for key in seconds if seconds[key] >= _BULK * most]
    chosen = max(heavy, key=lambda key: (depths[key] / max(seconds[key], 1e-12), seconds[key]))
    there = [(sample, places) for sample, places in zip(samples, keys, strict=True) if chosen in places]
    around = [key for key in seconds if all(key in places for _, places in there)]
    call = min(around, key=lambda key: (-seconds[key], depths[key] / max(seconds[key], 1e-12)))
    cpu = sum(sample.seconds for sample, _ in there if sample.running)
    total = max(total, 1e-9)
    return Place(
        _hottest(there, chosen),
        chosen[1] if chosen[2] == 0 else None,
        seconds[chosen] / total,
        cpu / max(seconds[chosen], 1e-9),
        _hottest(there, call),
        seconds[call] / total,
    )


def _hottest(there: list[tuple[Sample, dict[Line, int]]], place: Line) -> Frame:
    """The innermost line of a place in which the samples spent most time."""
    lines: Counter[Frame] = Counter()
    for sample, _ in there:
        inside = [f for f in sample.users if (f.file, f.function) == place[:2] and place[2] in (0, f.line)]
        lines[inside[-1]] += sample.seconds  # type: ignore[assignment]
    return max(lines, key=lines.__getitem__)


def _keys(sample: Sample, by_line: set[Function | None], never: frozenset[Line]) -> dict[Line, int]:
    """The places a sample counts for, with their depths, each once: by line in some functions, as a whole in all
    others."""
    found: dict[Line, int] = {}
    for depth, frame in enumerate(sample.users):
        own = (frame.file, frame.function) in by_line
        if (frame.file, frame.function, frame.line) not in never:
            found[frame.file, frame.function, frame.line if own else 0] = depth
    return found
