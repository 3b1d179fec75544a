"""Where the main process's wall time went: each second counted once, from exec to exit, and named where possible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ... import signals
from ...recording.facts import RowWise
from ...recording.facts.servers import LoadLevel
from ...recording.intervals import Spans, gaps, seconds_of, spans_of, union, within
from ...recording.model import STEP_PHASES, Recording, Records
from .. import Missing
from ..device.timed import Timed
from ..serving.requests import Requests
from ..spark.application import Spark
from ..training.steps import Steps
from .gaps import LOSS, OTHER, REACH_NS, Span, label, name_gaps
from .main_process import main_process

_OUTER = 0xFF
_SPLIT_SHARE = 0.10  # set-up above this share of the run is split by function
_MIN_FUNCTION_SHARE = 0.01
_MIN_SECONDS = 0.001  # anything shorter is rounding of the microsecond clock, not a phase


@dataclass(frozen=True)
class Breakdown:
    """``seconds`` per phase name, largest first. They add up to the wall time, except for phases under a millisecond.

    ``outside``: time outside steps, requests and recorded phases, in order, with the same names.
    """

    process: int
    wall_seconds: float
    seconds: dict[str, float]
    outside: tuple[Span, ...] = ()

    @property
    def named_share(self) -> float:
        """Share of the wall time that has a name; "other" does not count."""
        return 1.0 - self.seconds.get(OTHER, 0.0) / max(self.wall_seconds, 1e-9)

    def share(self, *names: str) -> float:
        return sum(self.seconds.get(name, 0.0) for name in names) / max(self.wall_seconds, 1e-9)

    @classmethod
    def compute(
        cls,
        recording: Recording,
        steps: Steps | None,
        requests: Requests | None,
        timed: Timed | None,
        spark: Spark | None,
    ) -> Breakdown:
        if spark is not None:
            return cls(0, recording.wall_seconds, spark.named_seconds, spark.named_spans)
        if not recording.facts.processes:
            raise Missing("No process was recorded.")
        if recording.servers or recording.facts.of(LoadLevel):
            raise Missing("A server was watched or tested from outside; no process was recorded.")
        process = main_process(recording, steps)
        facts = recording.facts.processes[process]
        start, end = recording.started_ns, recording.ended_ns
        hello = min(max(facts.ready_ns or facts.hello_ns, start), end)
        parts: list[Spans] = []
        seconds: dict[str, float] = {}
        if steps is not None:
            _add_steps(seconds, recording, steps, 0.0 if timed is None else timed.blocking_seconds)
            parts.append(steps.spans)
        serving = requests is not None and process in requests.processes
        if requests is not None:
            for name, value, busy in requests.occupancy(process):
                seconds[name] = seconds.get(name, 0.0) + value
                parts.append(np.array(busy, dtype="i8").reshape(-1, 2))
        # The workers before this one served requests before it started.
        before = gaps(union(parts), start, hello)
        outside = [Span("startup", a, b) for a, b in before.tolist()]
        covered = union([*parts, before])
        covered = union([covered, _add_events(seconds, recording, process, covered)])
        if facts.bye_ns and facts.bye_ns < end:
            free = gaps(covered, facts.bye_ns, end)
            outside += [Span("shutdown", a, b) for a, b in free.tolist()]
            covered = union([covered, free])
        free = gaps(covered, start, end)
        del covered  # it is as large as a table, if there is a gap behind each step
        spans, short = name_gaps(recording, process, free, serving)
        names = _group_names(spans, short, recording.wall_seconds, "setup" if steps is not None else "python")
        outside += [Span(names.get(span.name, span.name), span.start_ns, span.end_ns) for span in spans]
        for name, value in [*((span.name, span.seconds) for span in outside), *short.items()]:
            name = names.get(name, name)
            seconds[name] = seconds.get(name, 0.0) + value
        ordered = dict(sorted(((k, v) for k, v in seconds.items() if v >= _MIN_SECONDS), key=lambda item: -item[1]))
        return cls(process, recording.wall_seconds, ordered, _merged(outside))


def _add_steps(seconds: dict[str, float], recording: Recording, steps: Steps, copying: float) -> None:
    """``copying``: seconds of a step in which the host waits for copies to a device."""
    rows, warm = steps.rows, steps.warm
    seconds["warm-up"] = float(((rows["t1"][warm] - rows["t0"][warm]) / 1e9).sum()) - steps.traced_seconds
    seconds["device window"] = steps.traced_seconds
    for name in STEP_PHASES[1:]:
        label = "forward" if name == "eval" and not steps.training else name
        seconds[label] = seconds.get(label, 0.0) + float(rows[name][steps.kept].sum()) / 1e6
    between = _between_phases(recording, steps)
    copies = min(1.0, copying * steps.count / max(sum(between.values()), 1e-9))
    for name, value in between.items():
        seconds[name] = seconds.get(name, 0.0) + value * (1.0 - copies)
    seconds["h2d"] = seconds.get("h2d", 0.0) + copies * sum(between.values())


def _between_phases(recording: Recording, steps: Steps) -> dict[str, float]:
    """Step time between the phases, by the user functions that were sampled there."""
    other = steps.phase("other")
    found = {OTHER: float(other.sum())}
    stacks = recording.stacks[recording.stacks["process"] == steps.process]
    if not len(stacks) or not len(other):
        return found
    # A step with no sample near it, in any phase, was not observed.
    ends = np.append(np.sort(stacks["t1"]), np.iinfo("i8").max)
    next_end = ends[np.searchsorted(ends, steps.start_ns - REACH_NS)]
    seen = next_end <= steps.end_ns + REACH_NS
    stacks = stacks[(stacks["flags"] & _OUTER == signals.NONE) & within(stacks["t1"], steps.start_ns, steps.end_ns)]
    # Samples stand for pauses shorter than the sampling interval, in this step and in similar ones. A long pause that
    # the sampler missed stays unknown.
    sampled = np.zeros(len(other))
    of_step = np.searchsorted(steps.start_ns, stacks["t1"], side="left") - 1
    np.add.at(sampled, of_step, (stacks["t1"] - stacks["t0"]) / 1e9)
    known = float((seen * np.minimum(other, sampled + REACH_NS / 1e9)).sum())
    weights = function_weights(recording, stacks)
    total = sum(weights.values())
    for name, weight in weights.items():
        share = known * weight / total
        if name == LOSS or (name != OTHER and share >= _MIN_FUNCTION_SHARE * recording.wall_seconds):
            found[name] = share
        elif name != OTHER:
            # Too little in any one function for a row of its own, but still Python between the phases.
            found["python"] = found.get("python", 0.0) + share
    if not weights:
        found["python"] = known  # pauses too short for any sample: the loop's own lines
    found[OTHER] -= sum(value for name, value in found.items() if name != OTHER)
    return found


def _add_events(seconds: dict[str, float], recording: Recording, process: int, covered: Spans) -> Spans:
    """Phases outside the steps, in exclusive time; returns the intervals they cover."""
    events = recording.events
    events = events[(events["process"] == process) & (events["kind"] > 0) & (events["kind"] < len(signals.PHASES))]
    events = events[events["thread"] == _main_thread(events)]
    events = events[~within(events["t1"], covered[:, 0], covered[:, 1])]
    duration = (events["t1"] - events["t0"]) / 1e9
    for kind in np.unique(events["kind"]):
        own = float(duration[events["kind"] == kind].sum())
        children = float(duration[(events["flags"] & _OUTER) == kind].sum())
        name = signals.PHASES[int(kind)]
        seconds[name] = seconds.get(name, 0.0) + max(0.0, own - children)
    top = events[(events["flags"] & _OUTER) == 0]
    found = spans_of(top["t0"], top["t1"])
    for owner, loop in recording.facts.of(RowWise):  # a loop over rows records no phase
        if owner == process:
            free = gaps(union([covered, found]), loop.t0, loop.t1)
            seconds["etl.transform"] = seconds.get("etl.transform", 0.0) + seconds_of(free)
            found = union([found, free])
    return found


def _main_thread(events: Records) -> int:
    if not len(events):
        return 1
    values, counts = np.unique(events["thread"], return_counts=True)
    return int(values[np.argmax(counts)])


def _group_names(spans: list[Span], short: dict[str, float], wall_seconds: float, rest: str) -> dict[str, str]:
    """Functions that matter by name, all others together as ``rest``; names in set-up say so."""
    seconds = dict(short)
    for span in spans:
        seconds[span.name] = seconds.get(span.name, 0.0) + span.seconds
    functions = {name: value for name, value in seconds.items() if name.startswith("python:")}
    split = sum(functions.values()) >= _SPLIT_SHARE * wall_seconds
    return {
        name: name.replace("python:", f"{rest}:", 1) if split and value >= _MIN_FUNCTION_SHARE * wall_seconds else rest
        for name, value in functions.items()
    }


def _merged(spans: list[Span]) -> tuple[Span, ...]:
    """Spans in order, with neighbours of the same name merged."""
    merged: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start_ns):
        if merged and merged[-1].name == span.name and merged[-1].end_ns == span.start_ns:
            merged[-1] = Span(span.name, merged[-1].start_ns, span.end_ns)
        elif span.end_ns > span.start_ns:
            merged.append(span)
    return tuple(merged)


def function_weights(recording: Recording, stacks: Records) -> dict[str, float]:
    """Seconds of sampled time by "python:<innermost user function>", "loss" and "other" (no user frame)."""
    labels: dict[str, float] = {}
    keys = stacks["process"].astype("i8") * 100_000 + stacks["arg"].astype("i8")
    unique, inverse = np.unique(keys, return_inverse=True)
    sums = np.bincount(inverse, weights=(stacks["t1"] - stacks["t0"]).astype(float), minlength=len(unique)) / 1e9
    for key, weight in zip(unique.tolist(), sums.tolist(), strict=True):
        name = label(recording.facts.stacks.get((key // 100_000, key % 100_000), ()))
        labels[name] = labels.get(name, 0.0) + weight
    return labels
