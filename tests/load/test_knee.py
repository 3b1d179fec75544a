"""The search for the knee on simulated servers, whose clock is ours."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable

import numpy as np
import pytest
from bottleneck_profiler.load.knee import Knee, Trial, search


class Simulated:
    """k servers with exponential service times and one queue; nothing begins for ``pause`` in every 2 s."""

    def __init__(self, slo: float, seed: int, each: float, servers: int = 1, pause: float = 0.0, lag_from: float = 1e9):
        self.slo, self.each, self.pause, self.lag_from = slo, each, pause, lag_from
        self.random = np.random.default_rng(seed)
        self.now, self.free = 0.0, [0.0] * servers

    def left(self) -> float:
        return 110.0 - self.now

    def recover(self) -> None:
        self.now = max(self.now, *self.free, self.now) + 0.2

    def trial(self, rate: float, seconds: float, stop: Callable[[int, int, float], bool]) -> Trial:
        begin, at, check = self.now, self.now, self.now + 0.2
        planned, above, whole = [], [], True
        while (at := at + self.random.exponential(1 / rate)) < begin + seconds:
            planned.append(at)
            above.append(self.finish(at) - at > self.slo)
            if at > check:
                check = at + 0.2
                if stop(len(above), sum(above), at - begin):
                    whole = False
                    break
        self.now = at if not whole else begin + seconds
        late = len(above) // 2 if rate > self.lag_from else len(above) // 100
        return Trial(rate, np.array(planned), np.array(above, bool), late, whole)

    def finish(self, at: float) -> float:
        start = max(at, heapq.heappop(self.free))
        if self.pause and start % 2.0 < self.pause:
            start += self.pause - start % 2.0
        end = start + (1 / self.each if self.pause else self.random.exponential(1 / self.each))
        heapq.heappush(self.free, end)
        return end


def knees(count: int, slo: float, each: float, servers: int = 1, pause: float = 0.0) -> list[Knee]:
    return [search(Simulated(slo, seed, each, servers, pause), each / 4, seed=seed) for seed in range(count)]


def within(found: list[Knee], truth: float) -> int:
    return sum(knee.rate is not None and abs(knee.rate / truth - 1) <= 0.1 for knee in found)


def test_one_server_with_exponential_times() -> None:
    truth = 200 + math.log(0.01) / 0.1  # of M/M/1: P(longer than t) = exp(-(mu - lambda) t)
    found = knees(10, 0.1, 200.0)
    assert within(found, truth) >= 9
    inside = [knee.low <= truth <= knee.high for knee in found if knee.low and knee.high]
    assert len(inside) == 10 and sum(inside) >= 6


def test_four_servers() -> None:
    assert within(knees(10, 0.2, 50.0, servers=4), 172.0) >= 9  # by a sweep of 200,000 requests a rate


def test_a_server_that_pauses() -> None:
    assert within(knees(10, 0.25, 200.0, pause=0.2), 164.9) >= 9  # by a sweep of 200,000 requests a rate


def test_an_objective_that_no_rate_meets() -> None:
    found = search(Simulated(0.001, 1, 10.0), 2.5)
    assert found.rate is None and "no rate meets" in found.why


def test_a_generator_that_falls_behind() -> None:
    found = search(Simulated(0.1, 1, 5000.0, lag_from=300), 50)
    assert found.at_least and found.rate == 200 and "above 200" in found.why


def test_the_highest_rate_may_meet_it() -> None:
    found = search(Simulated(0.1, 1, 5000.0), 50, most=400)
    assert found.at_least and found.rate == 400


def test_too_few_requests_for_a_p99() -> None:
    found = search(Simulated(1.0, 1, 7.0), 2.0)
    assert found.rate is None and "too few requests" in found.why


@pytest.mark.parametrize("rows", [0, 1])
def test_a_trial_with_hardly_a_request(rows: int) -> None:
    total, above = Trial(1.0, np.arange(float(rows)), np.zeros(rows, bool), 0, True).blocks()
    assert int(total.sum()) == rows and not above.sum()
