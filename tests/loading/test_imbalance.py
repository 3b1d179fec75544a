"""Workers of which one is slower than the others: when that is said, what is advised, and what it is said to save."""

from __future__ import annotations

import numpy as np
import pytest
from bottleneck_profiler.artifacts.loading.prefetch import replay, replay_unordered
from bottleneck_profiler.detectors.loading.input_wait import InputWait
from bottleneck_profiler.detectors.loading.worker_imbalance import WorkerImbalance
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotApplicable, NotMeasured
from bottleneck_profiler.diagnosis.ranking import rank
from hypothesis import given, settings
from hypothesis import strategies as st

from loading import test_prefetch as prefetch

looped, WORK, loops = prefetch.looped, prefetch.WORK, prefetch.loops
FIRST = np.where(np.arange(400) % 4 == 0, 0.160, 0.002)  # worker 0 of four: 40 ms a step, all together 10


def judge(made):
    return loops.judge(WorkerImbalance(), made)


def test_the_large_batches_of_one_worker_want_to_be_spread():
    found = judge(looped(FIRST, workers=4, sampler="SequentialSampler", in_order=True, batch_size=8))
    assert isinstance(found, Finding), found
    # Four steps wait for each slow batch: 160 ms against 4 x 20; spread evenly, a step has nothing to wait for.
    assert found.gain.seconds == pytest.approx(99 * 0.080, rel=0.1)
    assert found.gain.low <= found.gain.share <= found.gain.high
    assert found.fix.edit.values == {"shuffle": "True"}
    compile(found.fix.snippet, "snippet", "exec")


def test_a_worker_that_is_slow_whatever_it_gets_leaves_its_part_to_the_others():
    made = looped(FIRST, workers=4, sampler="RandomSampler", in_order=True, batch_size=8)
    found = judge(made)
    assert found.fix.edit.values == {"in_order": "False"}
    assert found.gain.seconds == pytest.approx(99 * 0.080, rel=0.1)
    # An order of the user's own, and a torch that cannot hand over batches as they are ready.
    old = judge(looped(FIRST, workers=4, batch_size=8))
    assert old.fix.edit is None and "shuffle" in old.fix.snippet


def shared_spell(number):
    return 0.150 if number // 40 % 3 == 0 else 0.004


@pytest.mark.parametrize(
    "made",
    [
        looped(np.full(400, 0.090), workers=4),
        looped(np.array([shared_spell(number) for number in range(400)]), workers=4),
        looped(np.where(np.isin(np.arange(160), (0, 28, 33, 60, 110, 128)), 0.600, 0.002), workers=4),
        looped(np.where(np.arange(400) % 4 == 0, 0.060, 0.002), workers=4),
        looped(np.where(np.arange(400) == 200, 4.0, 0.002), workers=4),
        looped(FIRST, workers=4, waits=np.full(399, 0.015)),
        looped(FIRST, workers=4, cpu=0.030, idle=0.0),
    ],
    ids=["too few", "slow for all", "by chance", "hidden", "one stall", "other waits", "no core"],
)
def test_silent(made):
    assert isinstance(judge(made), Fine)


def test_one_worker_has_nobody_to_wait_for():
    made = looped(np.where(np.arange(400) % 20 == 7, 0.150, 0.005), workers=1)
    assert isinstance(judge(made), NotApplicable)


def test_batches_whose_worker_is_not_known_are_not_measured():
    assert isinstance(judge(looped(FIRST, workers=4, in_order=False)), NotMeasured)
    assert isinstance(judge(looped(FIRST, workers=4, iterable=True)), NotMeasured)


def test_it_explains_the_wait():
    made = looped(FIRST, workers=4, batch_size=8)
    both = [loops.judge(InputWait(), made), judge(made)]
    ranked, aside, _ = rank(both, {"worker-imbalance": WorkerImbalance.explains}, made.wall_seconds)
    assert [each.finding.detector for each in ranked + aside] == ["worker-imbalance"]


SECONDS = st.lists(st.floats(0.001, 0.2), min_size=4, max_size=60)


@settings(max_examples=100, deadline=None)
@given(SECONDS, st.integers(1, 4), st.integers(1, 4), st.floats(0, 0.1))
def test_without_an_order_no_more_is_made_than_the_workers_can_make(load, workers, factor, work):
    load = np.array(load)
    works = np.full(len(load), work)
    waits = replay_unordered(load, works, workers, factor)
    assert len(waits) == len(load) - 1 and (waits >= 0).all()
    fastest = min(load[worker::workers].min() for worker in range(workers))
    assert waits.sum() + fastest * factor * workers + load.max() + works.sum() >= len(load) * fastest / workers - 1e-9


@settings(max_examples=60, deadline=None)
@given(st.floats(0.001, 0.2), st.integers(1, 4), st.integers(1, 4), st.floats(0.001, 0.1))
def test_of_equal_batches_the_order_says_nothing(load, workers, factor, work):
    load, works = np.full(40, load), np.full(40, work)
    assert replay_unordered(load, works, workers, factor) == pytest.approx(replay(load, works, workers, factor))
