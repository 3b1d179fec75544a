"""Where the wall time of the main process went: every second once, from exec to exit, each with a name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .. import signals
from . import Missing
from .requests import Requests
from .steps import Steps
from .tables import STEP_PHASES, Frame, Recording, Records

Mask = npt.NDArray[np.bool_]
_OUTER = 0xFF
_SPLIT_SHARE = 0.10  # set-up above this share of the run is split by function
_MIN_FUNCTION_SHARE = 0.01


@dataclass(frozen=True)
class Breakdown:
    """``seconds`` per phase name, largest first; they add up to the wall time. ``unnamed_seconds``: "other"."""

    process: int
    wall_seconds: float
    seconds: dict[str, float]

    @property
    def named_share(self) -> float:
        """Share of the wall time that carries a name ("other" is none)."""
        return 1.0 - self.seconds.get("other", 0.0) / max(self.wall_seconds, 1e-9)

    def share(self, *names: str) -> float:
        return sum(self.seconds.get(name, 0.0) for name in names) / max(self.wall_seconds, 1e-9)

    @classmethod
    def compute(cls, recording: Recording, steps: Steps | None, requests: Requests | None) -> Breakdown:
        if not recording.facts.processes:
            raise Missing("No process recorded.")
        process = main_process(recording, steps)
        start, end = recording.started_ns, recording.ended_ns
        hello = recording.facts.processes[process].ready_ns or recording.facts.processes[process].hello_ns or start
        seconds: dict[str, float] = {"startup": max(0, min(hello, end) - start) / 1e9}
        covered: list[tuple[int, int]] = [(start, max(start, hello))]
        if steps is not None:
            _add_steps(seconds, recording, steps)
            covered += list(zip(steps.rows["t0"].tolist(), steps.rows["t1"].tolist(), strict=True))
        if requests is not None:
            for name, value, spans in requests.occupancy(process):
                seconds[name] = seconds.get(name, 0.0) + value
                covered += spans
        covered += _add_events(seconds, recording, process, covered)
        bye = recording.facts.processes[process].bye_ns
        if bye and bye < end:
            free = _gaps(covered, bye, end)
            seconds["shutdown"] = sum(b - a for a, b in free) / 1e9
            covered += free
        _add_gaps(seconds, recording, process, _gaps(covered, start, end), steps)
        ordered = dict(sorted(((k, v) for k, v in seconds.items() if v > 0), key=lambda item: -item[1]))
        return cls(process, recording.wall_seconds, ordered)


def main_process(recording: Recording, steps: Steps | None) -> int:
    """Index of the process the run is about: the one with steps, requests, or else most records; a launcher is not."""
    if steps is not None:
        return steps.process
    for records in (recording.requests, recording.events, recording.stacks):
        if len(records):
            values, counts = np.unique(records["process"], return_counts=True)
            return int(values[np.argmax(counts)])
    return 0


def _add_steps(seconds: dict[str, float], recording: Recording, steps: Steps) -> None:
    rows, warm = steps.rows, steps.warm
    wall = (rows["t1"] - rows["t0"]) / 1e9
    seconds["warm-up"] = float(wall[warm].sum())
    for name in STEP_PHASES[1:]:
        label = "forward" if name == "eval" and not steps.training else name
        seconds[label] = seconds.get(label, 0.0) + float(rows[name][~warm].sum()) / 1e6
    other = float(rows["other"][~warm].sum()) / 1e6
    stacks = recording.stacks[(recording.stacks["process"] == steps.process) & (recording.stacks["flags"] == 0)]
    inside = _within(stacks["t1"], steps.start_ns, steps.end_ns)
    weights = function_weights(recording, stacks[inside])
    total = sum(weights.values())
    named = 0.0
    if total > 0:
        for name, weight in weights.items():
            share = other * weight / total
            if share >= _MIN_FUNCTION_SHARE * recording.wall_seconds and name != "other":
                seconds[name] = seconds.get(name, 0.0) + share
                named += share
        # Too little in any one function to be worth a row of its own: still Python between the phases.
        rest = {n: w for n, w in weights.items() if n != "other"}
        small = other * sum(rest.values()) / total - named
        seconds["python"] = seconds.get("python", 0.0) + max(0.0, small)
        named += max(0.0, small)
    seconds["other"] = seconds.get("other", 0.0) + max(0.0, other - named)


def _add_events(
    seconds: dict[str, float], recording: Recording, process: int, covered: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Phases outside the steps, exclusive; returns the intervals they cover."""
    events = recording.events
    events = events[(events["process"] == process) & (events["kind"] > 0) & (events["kind"] < len(signals.PHASES))]
    events = events[events["thread"] == _main_thread(events)]
    starts, ends = _arrays(covered)
    events = events[~_within(events["t1"], starts, ends)]
    duration = (events["t1"] - events["t0"]) / 1e9
    for kind in np.unique(events["kind"]):
        own = float(duration[events["kind"] == kind].sum())
        children = float(duration[(events["flags"] & _OUTER) == kind].sum())
        name = signals.PHASES[int(kind)]
        seconds[name] = seconds.get(name, 0.0) + max(0.0, own - children)
    top = events[(events["flags"] & _OUTER) == 0]
    return list(zip(top["t0"].tolist(), top["t1"].tolist(), strict=True))


def _main_thread(events: Records) -> int:
    if not len(events):
        return 1
    values, counts = np.unique(events["thread"], return_counts=True)
    return int(values[np.argmax(counts)])


def _add_gaps(
    seconds: dict[str, float],
    recording: Recording,
    process: int,
    gaps: list[tuple[int, int]],
    steps: Steps | None,
) -> None:
    """What is left outside steps and phases: imports and set-up, told apart by the sampled stacks."""
    total = sum(b - a for a, b in gaps) / 1e9
    if total <= 0:
        return
    starts, ends = _arrays(gaps)
    stacks = recording.stacks[recording.stacks["process"] == process]
    weights = function_weights(recording, stacks[_within(stacks["t1"], starts, ends)], imports=True)
    weight = sum(weights.values())
    if weight <= 0:
        seconds["setup"] = seconds.get("setup", 0.0) + total
        return
    imports = total * weights.pop("import", 0.0) / weight
    seconds["import"] = seconds.get("import", 0.0) + imports
    rest = total - imports
    label = "setup" if steps is not None else "python"
    if rest < _SPLIT_SHARE * recording.wall_seconds:
        seconds[label] = seconds.get(label, 0.0) + rest
        return
    for name, value in weights.items():
        share = total * value / weight
        if share >= _MIN_FUNCTION_SHARE * recording.wall_seconds and name != "other":
            key = name.replace("python:", f"{label}:", 1)
            seconds[key] = seconds.get(key, 0.0) + share
            rest -= share
    seconds[label] = seconds.get(label, 0.0) + max(0.0, rest)


def function_weights(recording: Recording, stacks: Records, imports: bool = False) -> dict[str, float]:
    """Seconds of sampled time by "python:<innermost user function>", "import" and "other" (no user frame)."""
    labels: dict[str, float] = {}
    if not len(stacks):
        return labels
    keys = stacks["process"].astype("i8") * 100_000 + stacks["arg"].astype("i8")
    unique, inverse = np.unique(keys, return_inverse=True)
    sums = np.bincount(inverse, weights=(stacks["t1"] - stacks["t0"]).astype(float)) / 1e9
    for key, weight in zip(unique.tolist(), sums.tolist(), strict=True):
        frames = recording.facts.stacks.get((key // 100_000, key % 100_000), ())
        name = _label(frames, imports)
        labels[name] = labels.get(name, 0.0) + weight
    return labels


def _label(frames: tuple[Frame, ...], imports: bool) -> str:
    for frame in frames:
        if imports and frame.file.startswith("<frozen importlib"):
            return "import"
        if frame.user:
            return f"python:{frame.function}"
    return "other"


def _arrays(spans: list[tuple[int, int]]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    ordered = np.array(sorted(spans), dtype="i8").reshape(-1, 2)
    return ordered[:, 0], np.maximum.accumulate(ordered[:, 1]) if len(ordered) else ordered[:, 1]


def _within(times: npt.NDArray[np.int64], starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]) -> Mask:
    """Which times lie in (start, end] of sorted intervals."""
    if not len(starts):
        return np.zeros(len(times), bool)
    at = np.searchsorted(starts, times, side="left") - 1
    inside: Mask = (at >= 0) & (times <= ends[np.maximum(at, 0)])
    return inside


def _gaps(covered: list[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """The parts of [start, end] that no interval covers."""
    gaps, at = [], start
    for begin, finish in sorted(covered):
        if begin > at:
            gaps.append((at, min(begin, end)))
        at = max(at, finish)
        if at >= end:
            break
    if at < end:
        gaps.append((at, end))
    return [(a, b) for a, b in gaps if b > a]
