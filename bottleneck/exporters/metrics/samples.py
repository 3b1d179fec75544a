"""The values of a run's metrics: from its diagnosis, or from the totals of a run in progress. Pure.

What was not measured has no series. A run has less than ``MAX_SERIES``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ...artifacts import Artifacts, Missing
from ...artifacts.training.steps import Steps
from ...diagnosis.cost.model import Cost
from ...diagnosis.model import Diagnosis
from ...prices import Rate
from ...recording.model import Recording, empty_steps
from ...recording.tally import OTHER_ROUTES, Durations, Tally
from ..support.words import checked
from . import families as f

MAX_SERIES = 199
_MAX_PHASES = 20
_MAX_FINDINGS = 8
_MAX_ROUTES = 10
_MAX_COMMAND = 200  # characters


class Sample(NamedTuple):
    """``labels``: the values of the family's labels."""

    family: f.Family
    labels: tuple[str, ...]
    value: float | Durations

    @property
    def series(self) -> int:
        """How many series it takes: a histogram has one per bucket, the sum and the count."""
        return len(self.value.counts) + 2 if isinstance(self.value, Durations) else 1


@dataclass(frozen=True)
class RunNow:
    """A run in progress. ``run``: its run.json so far; ``phases``: seconds of its busiest process."""

    run: Mapping[str, Any]
    run_id: str
    wall_seconds: float
    phases: Mapping[str, float]
    tally: Tally
    gpus: Sequence[Mapping[str, Any]] = ()
    price: Rate | None = None


def tally_of(recording: Recording, artifacts: Artifacts | None = None) -> Tally:
    """The totals of a whole recording, with the steps that the diagnosis is about, if ``artifacts`` has them."""
    tally, strings = Tally(), recording.facts.strings
    if len(recording.host.get("time_ns", ())):
        tally.add_host(_in_order(recording.host))
    if len(recording.gpu.get("time_ns", ())):
        tally.add_gpus(_in_order(recording.gpu))
    rows = recording.steps
    if artifacts is not None:
        try:
            rows = artifacts.get(Steps).rows
        except Missing:
            rows = empty_steps()
    if len(rows["t0"]):
        tally.add_steps(rows)
    if len(recording.requests):
        tally.add_requests(recording.requests, lambda process, text: strings.get((process, text), ""))
    return tally


def _in_order(table: Mapping[str, Any]) -> dict[str, Any]:
    order = table["time_ns"].argsort(kind="stable")
    return {name: column[order] for name, column in table.items()}


def of_now(now: RunNow) -> list[Sample]:
    """The samples of a run in progress."""
    found = _Samples()
    found.run(now.run, now.run_id, now.wall_seconds)
    if now.price is not None:
        found.add(f.PRICE, now.price.per_hour, now.price.currency)
    found.phases(now.phases)
    found.tally(now.tally)
    found.gpus(now.gpus)
    return found.limited()


def of_run(recording: Recording, diagnosis: Diagnosis, tally: Tally, run_id: str) -> list[Sample]:
    """The samples of a run that has ended, or whose recording has; ``tally``: of all of it."""
    found, started = _Samples(), _started(recording.run)
    found.run(recording.run, run_id, diagnosis.run.wall_seconds)
    found.add(f.ENDED, started + diagnosis.run.wall_seconds if started and diagnosis.run.finished else None)
    found.add(f.EXIT_CODE, diagnosis.run.exit_code)
    found.phases({share.phase: share.seconds for share in diagnosis.breakdown})
    found.tally(tally)
    found.gpus(recording.run.get("gpus", ()))
    found.diagnosis(diagnosis)
    return found.limited()


def _started(run: Mapping[str, Any]) -> float | None:
    """Seconds since 1970; None: not known."""
    return run.get("started_wall_ns", 0) / 1e9 or None


class _Samples:
    def __init__(self) -> None:
        self._found: list[Sample] = []

    def add(self, family: f.Family, value: float | Durations | None, *labels: str) -> None:
        """Add a sample, if there is a value."""
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            return
        self._found.append(Sample(family, labels, value))

    def limited(self) -> list[Sample]:
        """All, by importance, as far as the limit allows."""
        rank = {family.name: at for at, family in enumerate(f.FAMILIES)}
        kept, used, left_out = list[Sample](), 1, 0
        for sample in sorted(self._found, key=lambda each: rank[each.family.name]):
            if used + sample.series <= MAX_SERIES:
                kept.append(sample)
                used += sample.series
            else:
                left_out += sample.series
        return [*kept, Sample(f.LEFT_OUT, (), left_out)]

    def phases(self, seconds: Mapping[str, float]) -> None:
        most = sorted(seconds.items(), key=lambda each: (each[0] == "other", -each[1]))
        named = [each for each in most if each[0] != "other"]
        rest = seconds.get("other", 0.0) + sum(value for _, value in named[_MAX_PHASES:])
        for phase, value in named[:_MAX_PHASES]:
            self.add(f.PHASE, float(value), phase)
        if rest or "other" in seconds:
            self.add(f.PHASE, float(rest), "other")

    def run(self, run: Mapping[str, Any], run_id: str, wall_seconds: float) -> None:
        machine, versions = run.get("machine", {}), run.get("versions", {})
        command = str(run.get("command", ""))[:_MAX_COMMAND]
        host, python, ours = machine.get("hostname", ""), versions.get("python", ""), versions.get("bottleneck", "")
        self.add(f.RUN_INFO, 1, run_id, command, str(host), str(python), str(ours))
        self.add(f.STARTED, _started(run))
        self.add(f.WALL, wall_seconds)
        self.add(f.CORES, machine.get("cores"))

    def tally(self, tally: Tally) -> None:
        totals = tally.totals
        self.add(f.STEP, tally.main_steps)
        cpu, system = (totals.get(f"{name}_ns_total") for name in ("cpu", "system"))
        if cpu is not None and system is not None:
            self.add(f.CPU, max(0.0, cpu - system) / 1e9, "user")
            self.add(f.CPU, system / 1e9, "system")
        self.add(f.MEMORY, tally.now.get("rss_bytes"))
        self.add(f.MEMORY_PEAK, tally.peak_rss_bytes)
        self.add(f.IDLE_CORES, tally.idle_core_seconds)
        self.add(f.MEMORY_AVAILABLE, tally.now.get("memory_available_bytes"))
        self.add(f.THREADS, tally.now.get("threads"))
        self.add(f.PROCESSES, tally.now.get("processes"))
        for family, columns in (
            (f.DISK, {"read": "disk_read_bytes_total", "write": "disk_write_bytes_total"}),
            (f.SWITCHES, {"voluntary": "voluntary_switches_total", "involuntary": "involuntary_switches_total"}),
            (f.FAULTS, {"major": "major_faults_total", "minor": "minor_faults_total"}),
        ):
            for label, column in columns.items():
                self.add(family, totals.get(column), label)
        for index, gpu in sorted(tally.gpus.items()):
            self.add(f.GPU_BUSY, gpu.busy_seconds, str(index))
            self.add(f.GPU_USE, gpu.now.get("utilization"), str(index))
            self.add(f.GPU_MEMORY, gpu.now.get("memory_used_bytes"), str(index))
            self.add(f.GPU_MEMORY_PEAK, gpu.memory_peak_bytes, str(index))
            self.add(f.GPU_MEMORY_LIMIT, gpu.now.get("memory_total_bytes"), str(index))
            self.add(f.GPU_ENERGY, gpu.joules, str(index))
            self.add(f.GPU_POWER, gpu.now.get("power_watts"), str(index))
            self.add(f.GPU_TEMPERATURE, gpu.now.get("temperature_celsius"), str(index))
        self.requests(tally.requests)

    def requests(self, routes: Mapping[str, Durations]) -> None:
        if not routes:
            return
        self.add(f.REQUEST, total(routes.values()))
        for name, durations in top_routes(routes).items():
            labels = route_parts(name)
            self.add(f.ROUTE_REQUESTS, durations.count, *labels)
            self.add(f.ROUTE_SECONDS, durations.seconds, *labels)

    def gpus(self, gpus: Iterable[Mapping[str, Any]]) -> None:
        for gpu in gpus:
            self.add(f.GPU_INFO, 1, *(str(gpu.get(key, "")) for key in ("index", "name", "uuid", "driver")))

    def diagnosis(self, diagnosis: Diagnosis) -> None:
        self.add(f.VERDICT, 1, diagnosis.verdict)
        for severity in ("critical", "warning", "info"):
            self.add(f.FINDINGS, sum(each.severity == severity for each in diagnosis.findings), severity)
        for outcome in ("fine", "not-applicable", "not-measured"):
            self.add(f.CHECKS, sum(each.outcome == outcome for each in checked(diagnosis)), outcome)
        self.add(f.OVERHEAD, diagnosis.overhead.seconds)
        if diagnosis.cost is not None:
            self.cost(diagnosis.cost)
        seen = set[tuple[str, str]]()
        for ranked in diagnosis.findings:
            finding, gain = ranked.finding, ranked.finding.gain
            key = finding.detector, str(finding.location or "")
            if gain is None or key in seen or len(seen) >= _MAX_FINDINGS:
                continue
            seen.add(key)
            if gain.basis in ("run", "step"):
                self.add(f.GAIN_SECONDS, float(gain.seconds), *key)
            for family, share in ((f.GAIN_RATIO, gain.share), (f.GAIN_LOW, gain.low), (f.GAIN_HIGH, gain.high)):
                self.add(family, float(share), *key, gain.basis)
        idle: dict[tuple[str, str], float] = {}
        for device in diagnosis.devices:
            for cause, seconds in (device.idle_seconds_by_cause or {}).items():
                at = str(device.index), cause
                idle[at] = idle.get(at, 0.0) + seconds
        for labels, seconds in idle.items():
            self.add(f.GPU_IDLE, float(seconds), *labels)

    def cost(self, cost: Cost) -> None:
        self.add(f.PRICE, cost.per_hour, cost.currency)
        self.add(f.RUN_COST, cost.run, cost.currency)
        lost: dict[str, float] = {}
        for finding in cost.findings:
            lost[finding.detector] = lost.get(finding.detector, 0.0) + finding.amount
        for detector, amount in list(lost.items())[:_MAX_FINDINGS]:
            self.add(f.FINDING_COST, amount, detector, cost.currency)


def total(parts: Iterable[Durations]) -> Durations | None:
    """The sum; None of nothing."""
    found: Durations | None = None
    for part in parts:
        found = part if found is None else found + part
    return found


def top_routes(routes: Mapping[str, Durations]) -> dict[str, Durations]:
    """The routes with most time, and the others together."""
    most = sorted(routes.items(), key=lambda each: -each[1].seconds)
    shown = dict(most[:_MAX_ROUTES])
    rest = total([each for name, each in most[_MAX_ROUTES:]] + [shown.pop(n) for n in [OTHER_ROUTES] if n in shown])
    return shown if rest is None else {**shown, OTHER_ROUTES: rest}


def route_parts(name: str) -> tuple[str, str, str]:
    """(method, route, status) of "METHOD route status"; "" for what it does not say."""
    if name == OTHER_ROUTES:
        return "", name, ""
    method, _, rest = name.partition(" ")
    route, _, status = rest.rpartition(" ")
    return (method, route, status) if route else (method, rest, "")
