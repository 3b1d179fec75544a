"""What a server takes once a finding is fixed: the queues by known formulas, and the prediction on planted ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bottleneck_profiler.diagnosis.findings import Finding, Fix, Gain, QueueChange
from bottleneck_profiler.load.after import Load, Served, after
from bottleneck_profiler.load.behind import Behind, Resource
from bottleneck_profiler.load.queues import in_batches, in_turn, side_by_side
from hypothesis import given
from hypothesis import strategies as st

COUNT = 20_000


def poisson(rate: float, count: int = COUNT) -> np.ndarray:
    return np.cumsum(np.random.default_rng(3).exponential(1 / rate, count))


def test_the_queues_take_as_long_as_the_formulas_say() -> None:
    work, busy = np.full(COUNT, 0.6), 0.6
    assert in_turn(poisson(1.0), work, 1).mean() == pytest.approx(0.6 * (1 + busy / 2 / (1 - busy)), rel=0.05)
    assert side_by_side(poisson(1.0), work, 1).mean() == pytest.approx(0.6 / (1 - busy), rel=0.05)
    exponential = np.random.default_rng(4).exponential(0.6, COUNT)
    assert in_turn(poisson(1.0), exponential, 1).mean() == pytest.approx(0.6 / (1 - busy), rel=0.1)


@given(st.lists(st.floats(0.001, 10), min_size=1, max_size=40), st.integers(1, 5))
def test_without_company_nobody_waits_and_in_batches_of_one_they_stand_in_a_line(
    gaps: list[float], places: int
) -> None:
    arrivals = np.cumsum(gaps)
    work = np.full(len(gaps), 0.5 * min(gaps))
    for took in (in_turn(arrivals, work, places), side_by_side(arrivals, work, places)):
        assert took == pytest.approx(work)
    work = np.full(len(gaps), 2.0)
    assert in_batches(arrivals, 2.0, 1.0, 1) == pytest.approx(in_turn(arrivals, work, 1))
    # Whatever the order, the last work is done at the same time.
    ends = (arrivals + in_turn(arrivals, work, 1)).max(), (arrivals + side_by_side(arrivals, work, 1)).max()
    assert ends[0] == pytest.approx(ends[1])


def resource(capacity: float, places: float = 1.0, shared: bool = False, share: float = 0.95) -> Resource:
    return Resource("the event loop", places, share * places, capacity, "app.py", 7, "root", 50, shared)


def finding(change: QueueChange | None, share: float = 0.5) -> Finding:
    gain = Gain(share, share - 0.1, share + 0.1, 0.0, "a law", "capacity")
    return Finding("some-cause", "Some cause", "serving", (), Fix("Mend it", "", 1), gain=gain, queue=change)


def load(rate: float, work: float, besides: float = 0.01) -> Load:
    planned = poisson(rate, 3000)
    return Load(rate, planned, in_turn(planned, np.full(3000, work), 1) + besides)


NOW = Behind(95.0, resource(100.0), resource(400.0), None, 0.0, "")  # one place, 10 ms for each request


def test_a_blocking_call_that_moves_to_threads_ends_at_the_next_limit() -> None:
    found = after(NOW, [finding(QueueChange("threads", 40))], [load(65, 0.01)], Served(3000, 300.0))
    assert found is not None and found.capacity.value == 300 and found.capacity_now == 100
    then = found.p99[0].then
    assert then is not None and then.value == pytest.approx(0.02, rel=0.05) and then.low <= 0.02 <= then.high
    found = after(NOW, [finding(QueueChange("places", 2))], [], Served(3000))
    assert found is not None and found.capacity.value == 200 and found.p99 == ()
    found = after(NOW, [finding(QueueChange("places", 9))], [], Served(3000))
    assert found is not None and found.capacity.value == 400  # of the next limit


def test_less_work_and_skipped_work_give_the_same_capacity_and_other_percentiles() -> None:
    shorter, skipped = (
        after(NOW, [finding(QueueChange(kind))], [load(65, 0.01)], Served(3000))  # type: ignore[arg-type]
        for kind in ("shorter", "skipped")
    )
    assert shorter is not None and skipped is not None
    assert shorter.capacity == skipped.capacity and shorter.capacity.value == pytest.approx(200)
    assert shorter.capacity.low == pytest.approx(100 / 0.6) and shorter.capacity.high == pytest.approx(250)
    one, other = shorter.p99[0].then, skipped.p99[0].then
    assert one is not None and other is not None and one.value < other.value < shorter.p99[0].now


def test_a_gain_of_the_run_is_one_of_the_work_at_the_limit() -> None:
    gain = Gain(0.1, 0.05, 0.15, 15.0, "a law")  # of 150 s, in which 3,000 requests kept the place for 10 ms each
    mended = replace(finding(QueueChange("shorter")), gain=gain)
    found = after(NOW, [mended], [], Served(3000))
    assert found is not None and found.capacity.value == pytest.approx(200)
    assert found.capacity.low == pytest.approx(100 / 0.75) and found.capacity.high == pytest.approx(400)


def test_batches_of_a_fixed_cost_alone_are_as_slow_as_one_request_when_nobody_else_is_there() -> None:
    found = after(NOW, [finding(QueueChange("batched", 16), share=0.85)], [load(65, 0.01)], Served(3000))
    assert found is not None and found.capacity.value == pytest.approx(100 / 0.15)
    then = found.p99[0].then
    assert then is not None and 0.02 < then.value < found.p99[0].now


def test_a_percentile_that_another_queue_made_is_not_predicted() -> None:
    other = Load(65, poisson(65, 3000), np.random.default_rng(1).exponential(0.2, 3000))
    found = after(NOW, [finding(QueueChange("shorter"))], [other, load(99, 0.01)], Served(3000))
    assert found is not None and [each.then for each in found.p99] == [None, None]


def test_nothing_is_said_without_a_limit_or_a_finding_that_changes_it() -> None:
    assert after(NOW, [], [], Served(3000)) is None and after(NOW, [finding(None)], [], Served(3000)) is None
    nothing = Behind(95.0, None, None, None, 0.0, "no limit")
    assert after(nothing, [finding(QueueChange("shorter"))], [], Served(3000)) is None
