"""Searches the knee: the highest rate at which the 99th percentile of the latency meets an objective.

Nothing is assumed about the server's queue. The share of requests above the objective rises with the rate; the knee is
where it passes 1 %. The rate is doubled until the objective is clearly missed, the interval is halved a few times, and
the rest of the time goes into longer tests around the knee. The share is fitted there, as a logistic function of the
rate, over all tests nearby, because one test of a few seconds says little about one request in a hundred. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from .summary import LEAST_FOR_P99

ALLOWED = 0.01  # share of requests above the objective at the knee
_CLEARLY_OVER = 0.1  # from there on, a test need not be finished
_LEAST_TO_STOP, _SECONDS_TO_STOP = 50, 0.8
_GROW_SECONDS, _GROW_REQUESTS = 1.5, 40
_OVER_SHARE = 0.03  # of requests above the objective: the rate is too high for the next doubling
_LATE_SHARE = 0.1  # of the requests of one test
_TRIES = 3  # of a test in which the generator was late: the machine may have stopped for a moment
_TESTS = 12  # in the time that is left after doubling
_SEARCH_SHARE = 0.3  # of that time: shorter tests, each at the estimate
_LEAST_SECONDS = 3.0
_AROUND = (1.0, 0.95, 1.03, 0.98, 1.01)  # of the estimate: rates of the tests later on
_NEAR = 1.3  # ratio to the knee up to which requests speak for it
_SETTLE_SHARE = 0.15  # of a test: the queue comes from another rate
_BLOCK_SECONDS = 1.0  # requests close in time meet the same queue
_WIDTH = 0.12  # of the fit: how far from the estimate, as a logarithm, a test still counts
_UNIT = 0.1  # the slope is per 10 % of rate
_PRIOR_SLOPE, _PRIOR_WEIGHT, _PRIOR_REQUESTS = 1.0, 2.0, 1.0
_FARTHEST = 0.2  # one step of the estimate, as a logarithm
_RESAMPLES = 200
_LOWEST_RATE = 0.1
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Trial:
    """One test at one rate. ``above``: whether each request, by its planned time, took longer than the objective or
    failed; ``late``: requests that the generator sent too late; ``whole``: it was not stopped early."""

    rate: float
    planned_seconds: Floats
    above: npt.NDArray[np.bool_]
    late: int
    whole: bool

    @property
    def share(self) -> float:
        return float(self.above.mean()) if len(self.above) else 0.0

    @property
    def over(self) -> bool:
        """Whether it missed the objective by more than a few requests of chance."""
        expected = _OVER_SHARE * len(self.above)
        return bool(self.above.sum() > expected + 2 * expected**0.5)

    @property
    def generator_behind(self) -> bool:
        """Whether the generator cannot send at this rate; a pause of the machine delays only a few requests."""
        return self.late > _LATE_SHARE * len(self.above) + 5

    def blocks(self) -> tuple[Ints, Ints]:
        """Requests and those above the objective, in each second, once the queue has settled."""
        if not len(self.above):
            return np.zeros(0, "i8"), np.zeros(0, "i8")
        since = self.planned_seconds - self.planned_seconds[0]
        keep = since >= _SETTLE_SHARE * since[-1]
        number = (since[keep] / _BLOCK_SECONDS).astype(int)
        total = np.bincount(number).astype("i8")
        return total, np.bincount(number, self.above[keep], len(total)).astype("i8")


class Bench(Protocol):
    """Where tests are made."""

    def trial(self, rate: float, seconds: float, stop: Callable[[int, int, float], bool]) -> Trial:
        """Send at a rate; ``stop`` is asked with the requests so far, those above the objective, and the seconds."""

    def recover(self) -> None:
        """Wait until the server has worked off what an overload has left."""

    def left(self) -> float:
        """Seconds that the search may still take."""


@dataclass
class Knee:
    """``rate``: requests per second, None if it was not found (``why``). ``low``, ``high``: 90 % interval.

    ``at_least``: the objective was still met at the highest rate that could be sent.
    """

    rate: float | None = None
    low: float | None = None
    high: float | None = None
    why: str = ""
    at_least: bool = False
    trials: list[Trial] = field(default_factory=list)


def search(bench: Bench, first_rate: float, most: float = 1e6, seed: int = 0) -> Knee:
    """The knee, within the time that ``bench`` has left. It never sends at more than ``most``."""
    knee = Knee()
    low, high = _grow(bench, knee, max(first_rate, _LOWEST_RATE), most)
    if high is None:
        return knee
    rate = _refine(bench, knee, float(np.sqrt(low * high)), most)
    near = [trial for trial in knee.trials if 1 / _NEAR <= trial.rate / rate <= _NEAR]
    if knee.why:
        return knee
    if sum(len(trial.above) for trial in near) < LEAST_FOR_P99:
        knee.why = f"too few requests for a 99th percentile in this time (the rate is near {rate:.3g}/s); allow more"
        return knee
    knee.rate = rate
    knee.low, knee.high = _interval(knee.trials, rate, seed)
    return knee


def _try(bench: Bench, knee: Knee, rate: float, seconds: float) -> Trial:
    def stop(count: int, above: int, passed: float) -> bool:
        if count < _LEAST_TO_STOP or passed < _SECONDS_TO_STOP:
            return False
        return above > 3 * _CLEARLY_OVER * count or (passed > 2 and above > max(_CLEARLY_OVER * count, 60))

    for _ in range(_TRIES):
        trial = bench.trial(rate, min(seconds, max(0.5, bench.left())), stop)
        if not trial.generator_behind or bench.left() < seconds:
            break
        bench.recover()
    knee.trials.append(trial)
    if trial.over:
        bench.recover()
    return trial


def _grow(bench: Bench, knee: Knee, rate: float, most: float) -> tuple[float, float | None]:
    """(a rate that meets the objective, one that clearly does not)."""
    low = 0.0
    while bench.left() > 0:
        trial = _try(bench, knee, rate, max(_GROW_SECONDS, _GROW_REQUESTS / rate))
        if trial.generator_behind:
            knee.rate, knee.at_least = (low or None), bool(low)
            knee.why = f"the generator falls behind at {rate:.3g}/s: " + (
                f"the knee is above {low:.3g}/s" if low else "use a machine with free cores"
            )
            return low, None
        if trial.over:
            if low:
                return low, rate
            rate /= 4
            if rate < _LOWEST_RATE:
                knee.why = "no rate meets the objective: even single requests take longer"
                return low, None
            continue
        low = rate
        if any(each.over and each.rate > rate for each in knee.trials):
            return low, min(t.rate for t in knee.trials if t.over and t.rate > rate)
        if rate >= most:
            knee.rate, knee.at_least, knee.why = rate, True, f"the objective is met at the highest rate, {rate:.4g}/s"
            return low, None
        rate = min(rate * 2, most)
    knee.why = "the time was over before the objective was missed; allow more time"
    knee.rate, knee.at_least = (low or None), bool(low)
    return low, None


def _refine(bench: Bench, knee: Knee, rate: float, most: float) -> float:
    """Tests around the estimate, which each of them corrects."""
    begin = bench.left()
    for turn in range(1000):
        left = bench.left()
        if left < _LEAST_SECONDS:
            break
        short = begin - left < _SEARCH_SHARE * begin
        seconds = max(_LEAST_SECONDS, begin / _TESTS / (2 if short else 1))
        next_rate = min(most, rate * (1.0 if short else _AROUND[turn % len(_AROUND)]))
        if _try(bench, knee, next_rate, seconds).generator_behind:
            knee.why = f"the generator falls behind at {next_rate:.3g}/s: use a machine with free cores"
            break
        rate = _estimate(_Points.of(knee.trials), rate)
    return rate


@dataclass(frozen=True)
class _Points:
    """Of each second of the tests: rate, requests, and those above the objective."""

    rates: Floats
    totals: Ints
    aboves: Ints

    @classmethod
    def of(cls, trials: list[Trial]) -> _Points:
        parts = [(trial.rate, *trial.blocks()) for trial in trials]
        rates = np.concatenate([np.full(len(total), rate) for rate, total, _ in parts])
        return cls(rates, *(np.concatenate([part[i] for part in parts]) for i in (1, 2)))

    def drawn(self, at: Ints) -> _Points:
        return _Points(self.rates[at], self.totals[at], self.aboves[at])


def _estimate(points: _Points, rate: float) -> float:
    """Where the share is 1 %, from the tests near there: those near ``rate`` give a better rate, and so on."""
    for _ in range(12):
        before, rate = rate, _fitted(points, rate)
        if abs(rate / before - 1) < 0.002:
            break
    return rate


def _fitted(points: _Points, rate: float) -> float:
    """Where a logistic function of the logarithm of the rate, fitted around ``rate``, is 1 %."""
    distance = np.log(points.rates / rate)
    near = np.exp(-0.5 * (distance / _WIDTH) ** 2)
    x = np.append(distance / _UNIT, 0.0)
    totals = np.append(points.totals * near, _PRIOR_REQUESTS)
    aboves = np.append(points.aboves * near, _PRIOR_REQUESTS * ALLOWED)
    target = float(np.log(ALLOWED / (1 - ALLOWED)))
    a, b = target, _PRIOR_SLOPE
    for _ in range(60):  # Newton's method; a weak prior on the slope keeps it where the tests are few
        p = 1 / (1 + np.exp(-np.clip(a + b * x, -30, 30)))
        weight, rest = totals * p * (1 - p), aboves - totals * p
        gradient = np.array([rest.sum(), (rest * x).sum() - _PRIOR_WEIGHT * (b - _PRIOR_SLOPE)])
        curvature = (weight * x).sum()
        hessian = [[weight.sum() + 1e-9, curvature], [curvature, (weight * x * x).sum() + _PRIOR_WEIGHT]]
        step = np.clip(np.linalg.solve(np.array(hessian), gradient), -1, 1)
        a, b = a + step[0], max(_PRIOR_SLOPE / 5, b + step[1])
        if np.abs(step).max() < 1e-6:
            break
    return rate * float(np.exp(np.clip((target - a) / b * _UNIT, -_FARTHEST, _FARTHEST)))


def _interval(trials: list[Trial], rate: float, seed: int) -> tuple[float, float]:
    """90 % of the estimates from seconds drawn at random, with replacement."""
    points, random = _Points.of(trials), np.random.default_rng(seed)
    count = len(points.rates)
    found = [_estimate(points.drawn(random.integers(0, count, count)), rate) for _ in range(_RESAMPLES)]
    return float(np.percentile(found, 5)), float(np.percentile(found, 95))
