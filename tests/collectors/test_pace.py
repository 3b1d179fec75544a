"""How often the sampler ticks and looks: its cost stays within its share of a core."""

from __future__ import annotations

from bottleneck_profiler.collectors.support import pace
from bottleneck_profiler.collectors.support.pace import Pace

SECOND = 1_000_000_000


def looked(tick_cost: int, look_cost: int, unchanged: bool = False) -> Pace:
    """After many looks of this cost, a second apart, between which ticks cost so much."""
    made = Pace()
    for _ in range(100):
        made.tick_cost_ns += tick_cost
        made.looked(look_cost)
        made.look_again(SECOND, unchanged)
    return made


def test_dear_ticks_come_less_often_and_never_less_than_the_longest():
    made = looked(0, 0)  # it is old
    for _ in range(80):
        made.ticked(50_000)
    assert made.tick_ns == int(50_000 / pace.COST_SHARE)
    for _ in range(80):
        made.ticked(5_000_000)
    assert made.tick_ns == pace.LONGEST_TICK_NS
    assert (made.ticks, made.tick_cost_ns) == (160, 80 * 5_050_000)


def test_looks_have_what_the_ticks_leave():
    busy = looked(tick_cost=int(pace.COST_SHARE * SECOND), look_cost=300_000)
    waits = looked(tick_cost=0, look_cost=300_000)
    assert abs(busy.look_ns - 300_000 / pace.COST_SHARE) < 1e6
    assert abs(waits.look_ns - 150_000 / pace.COST_SHARE) < 1e6


def test_a_thread_that_stays_where_it_is_is_looked_at_seldom():
    assert looked(0, 1_000).look_ns == pace.LOOK_NS
    assert looked(0, 1_000, unchanged=True).look_ns == pace.LONGEST_LOOK_NS


def test_a_young_process_is_sampled_more_often_at_a_bounded_cost():
    made = Pace()
    made.looked(1_200_000)
    made.look_again(SECOND, unchanged=True)  # the first looks are cheaper than they seem: a moving mean
    assert made.look_ns == int(300_000 / (2 * pace.EARLY_FACTOR * pace.COST_SHARE))
    for _ in range(80):
        made.ticked(150_000)
    assert made.tick_ns == int(150_000 / (pace.EARLY_FACTOR * pace.COST_SHARE))
    more = 2 * (pace.EARLY_FACTOR - 1) * pace.COST_SHARE * pace.EARLY_NS
    assert more <= 20_000_000


def test_a_process_is_sampled_more_often_where_the_user_allows_it():
    usual, often = Pace(), Pace(8)
    for made in (usual, often):
        for _ in range(100):
            made.looked(1_200_000)
            made.look_again(SECOND, unchanged=False)  # they become old
        for _ in range(80):
            made.ticked(80_000)
    assert (usual.tick_ns, often.tick_ns) == (int(80_000 / pace.COST_SHARE), pace.TICK_NS)
    assert usual.look_ns > 7 * often.look_ns
