"""One load test from start to end: what is sent, and what is reported about it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from ..addresses import public
from ..diagnosis.findings import Finding
from ..diagnosis.load_tests import After, Behind, LoadTested, LoadUse
from ..recording.model import Recording
from .after import Served, after, by_rate
from .behind import behind
from .bench import LiveBench, Show
from .cost import ServedCost
from .fleet import Fleet
from .knee import Knee, search
from .requests import Requests
from .samples import OK, Samples, empty
from .schedule import Stage, arrivals
from .summary import MAX_LAG_SECONDS, Summary, storm, summary
from .target import Target
from .versus import Versus, interleaved, versus
from .windows import at_the_limit
from .worker import Settings

_PER_PROCESS = 1500  # requests per second that one process sends with time to spare
_AT_ONCE = 20_000  # requests in flight


@dataclass(frozen=True)
class Plan:
    """``stages`` for an open loop, ``clients`` for a closed one. ``budget_seconds``: of the search for the knee."""

    targets: tuple[Target, ...]
    requests: Requests
    stages: Sequence[Stage] = ()
    clients: int = 0
    seconds: float = 10.0
    slo_seconds: float | None = None
    find_knee: bool = False
    budget_seconds: float = 110.0
    most_requests: int = 1_000_000
    seed: int = 0
    poisson: bool = True
    processes: int = 0  # 0: as many as the rate and the machine's cores suggest
    timeout_seconds: float = 30.0
    verify: bool = True

    @property
    def senders(self) -> int:
        if self.processes:
            return self.processes
        spare = max(1, (os.cpu_count() or 2) - 1)
        rate = max((stage.rate for stage in self.stages), default=0.0)
        wanted = 2 if self.find_knee else 1 + int(rate / _PER_PROCESS)
        return min(spare, wanted, max(1, self.clients) if self.clients else wanted)


@dataclass
class Result:
    """What a load test found. ``parts``: the figures by planned rate, if there were several."""

    samples: Samples = field(default_factory=empty)
    total: Summary | None = None
    parts: list[tuple[float, Summary]] = field(default_factory=list)
    knee: Knee | None = None
    versus: Versus | None = None
    cpu_seconds: float = 0.0
    processes: int = 1
    interrupted: bool = False
    stopped: str = ""
    began_ns: int = 0
    ended_ns: int = 0
    capped: bool = False  # --max-requests ended the schedule early
    staged: bool = False  # the requests were planned at one rate or at several, not for a search
    behind: Behind | None = None
    after: After | None = None
    unjoined: str = ""  # why the server's recording says nothing
    cost: ServedCost | None = None  # None: no price was given

    @property
    def per_cpu_second(self) -> float:
        """Requests that the generator handled per second of its own CPU time."""
        return float((self.samples["outcome"] == OK).sum()) / max(self.cpu_seconds, 1e-9)

    def join(self, recording: Recording, findings: Sequence[Finding]) -> None:
        """Find out from the server's recording what sets its capacity, and what it takes once that is fixed."""
        self.behind = behind(recording, *at_the_limit(self.samples, None if self.knee is None else self.knee.rate))
        loads = by_rate(self.samples) if self.staged else []
        self.after = after(self.behind, findings, loads, Served.of(recording))

    def tested(self, plan: Plan) -> LoadTested | None:
        """What there is to say of the server; None where nothing was measured."""
        total, knee = self.total, self.knee
        if total is None:
            return None
        found = None if knee is None or knee.at_least else knee.rate
        why, met = "", total.within
        if knee is not None:
            why, met = (knee.why, None) if found is None else ("", True)
        elif total.refused and (plan.slo_seconds is not None or total.lag_p99 > MAX_LAG_SECONDS):
            why = total.refused
        asked = found if found else plan.stages[0].rate if len(plan.stages) == 1 else None
        parts: list[tuple[float | None, Summary]] = [*self.parts]
        if not parts:
            parts.append((asked, total))
        return LoadTested(
            url=public(plan.targets[0].url),
            method=plan.requests.method,
            levels=tuple(_level(plan, rate, part, found is not None) for rate, part in parts),
            slo_seconds=plan.slo_seconds,
            met=met,
            why=why,
            searched=knee is not None,
            knee=found,
            knee_low=None if found is None or knee is None else knee.low,
            knee_high=None if found is None or knee is None else knee.high,
            behind=self.behind,
            after=self.after,
        )

    def as_json(self, plan: Plan) -> dict[str, Any]:
        """JSON-ready, times in seconds."""
        knee = None
        if self.knee is not None:
            trials = [{"rate": t.rate, "requests": len(t.above), "above_share": t.share, "whole": t.whole}
                      for t in self.knee.trials]  # fmt: skip
            knee = {**{k: v for k, v in vars(self.knee).items() if k != "trials"}, "trials": trials}
        return {
            "urls": [target.url for target in plan.targets],
            "method": plan.requests.method,
            "stages": [asdict(stage) for stage in plan.stages],
            "clients": plan.clients,
            "arrivals": "closed loop" if plan.clients else "poisson" if plan.poisson else "uniform",
            "seed": plan.seed,
            "slo_p99_seconds": plan.slo_seconds,
            "interrupted": self.interrupted,
            "stopped": self.stopped,
            "capped": self.capped,
            "began_ns": self.began_ns,
            "ended_ns": self.ended_ns,
            "summary": None if self.total is None else asdict(self.total),
            "parts": [{"rate": rate, **asdict(part)} for rate, part in self.parts],
            "knee": knee,
            "behind": None if self.behind is None else asdict(self.behind),
            "after": None if self.after is None else asdict(self.after),
            "cost": None if self.cost is None else asdict(self.cost),
            "versus": None if self.versus is None else asdict(self.versus),
            "generator": {
                "processes": self.processes,
                "cpu_seconds": self.cpu_seconds,
                "requests_per_cpu_second": self.per_cpu_second,
            },
        }


def _level(plan: Plan, rate: float | None, part: Summary, knee: bool) -> LoadUse:
    tokens = part.tokens
    return LoadUse(
        tool="bottleneck load",
        route="",
        clients=plan.clients or None,
        asked_per_second=rate,
        requests=part.planned,
        failures=part.failed,
        per_second=part.throughput,
        tokens_per_second=None if tokens is None else tokens.total_per_second,
        latency=part.latency.known,
        first_token={} if tokens is None else tokens.first_seconds.known,
        knee=knee,
    )


def run(plan: Plan, show: Show) -> Result:
    """Raises LoadError if the server cannot be reached, or where nothing can be measured."""
    settings = Settings(
        plan.targets, plan.requests, plan.timeout_seconds, max(1, _AT_ONCE // plan.senders), plan.verify
    )
    result = Result(processes=plan.senders, staged=bool(plan.stages))
    with Fleet(settings, plan.senders) as fleet:
        fleet.probe()
        result.began_ns = time.monotonic_ns()
        if plan.find_knee:
            _knee(plan, fleet, result, show)
        elif len(plan.targets) == 2:
            _two(plan, fleet, result, show)
        else:
            _one(plan, fleet, result, show)
        result.ended_ns = time.monotonic_ns()
    return result


def _one(plan: Plan, fleet: Fleet, result: Result, show: Show) -> None:
    watch = _watch(plan, result, show)
    if plan.clients:
        found = fleet.closed(plan.clients, plan.seconds, plan.most_requests, watch)
    else:
        planned, rates = arrivals(plan.stages, plan.seed, plan.poisson, plan.most_requests)
        result.capped = len(planned) == plan.most_requests
        found = fleet.open(planned, rates, watch)
    _take(plan, fleet, result, found)
    rates = np.unique(found["rate"]).tolist()
    if len(rates) > 1:
        result.parts = [(rate, summary(found[found["rate"] == rate], plan.slo_seconds)) for rate in rates]


def _two(plan: Plan, fleet: Fleet, result: Result, show: Show) -> None:
    planned, rates = arrivals(plan.stages, plan.seed, plan.poisson, plan.most_requests)
    versions = interleaved(planned, plan.seed)
    found = fleet.open(planned, rates, _watch(plan, result, show), versions)
    _take(plan, fleet, result, found)
    result.versus = versus(found, plan.seed)


def _knee(plan: Plan, fleet: Fleet, result: Result, show: Show) -> None:
    assert plan.slo_seconds is not None
    bench = LiveBench(fleet, plan.slo_seconds, plan.budget_seconds, plan.seed, plan.poisson, show)
    alone = bench.alone()
    if alone > plan.slo_seconds:
        result.knee = Knee(why=f"no rate meets the objective: one request alone takes {alone * 1e3:.1f} ms")
    else:
        result.knee = search(bench, 0.25 / max(alone, 0.002), seed=plan.seed)
    if len(bench.samples):
        result.samples, result.cpu_seconds = bench.samples, bench.cpu_seconds
        result.interrupted = bench.interrupted
        near = _at_knee(bench.judged, result.knee)
        result.total = summary(near, plan.slo_seconds)
        if result.knee.rate is not None and result.total.lag_p99 > MAX_LAG_SECONDS:
            result.knee = replace(result.knee, rate=None, low=None, high=None, why=result.total.refused)


def _at_knee(samples: Samples, knee: Knee) -> Samples:
    """The requests sent near the knee; all of them without one."""
    if knee.rate is None:
        return samples
    near: Samples = samples[np.abs(samples["rate"] / knee.rate - 1) <= 0.06]
    return near if len(near) else samples


def _take(plan: Plan, fleet: Fleet, result: Result, found: Samples) -> None:
    result.samples, result.cpu_seconds, result.interrupted = found, fleet.cpu_seconds, fleet.interrupted
    result.total = summary(found, plan.slo_seconds, closed=bool(plan.clients))


def _watch(plan: Plan, result: Result, show: Show) -> Callable[[Samples, int], bool]:
    seconds = sum(stage.seconds for stage in plan.stages) or plan.seconds
    began, parts, checked = time.monotonic(), [empty()], [False]
    done = [0]

    def watch(samples: Samples, flying: int) -> bool:
        done[0] += len(samples)
        passed = time.monotonic() - began
        show(f"{done[0]:,} done, {flying:,} in flight", min(1.0, passed / seconds))
        if not checked[0]:
            parts.append(samples)
            first = np.concatenate(parts)
            result.stopped = storm(first)
            checked[0] = len(first) >= 100
        return bool(result.stopped)

    return watch
