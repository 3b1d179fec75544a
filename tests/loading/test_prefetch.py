"""Batches that take unequally long: the replay of a loop, and what a longer queue of batches is said to save."""

from __future__ import annotations

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts.loading.prefetch import replay
from bottleneck_profiler.detectors.loading.input_wait import InputWait
from bottleneck_profiler.detectors.loading.shallow_prefetch import ShallowPrefetch
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotApplicable, NotMeasured
from bottleneck_profiler.diagnosis.ranking import rank
from bottleneck_profiler.recording.model import RECORD_DTYPE
from hypothesis import given, settings
from hypothesis import strategies as st

from loading import loops

SECOND = loops.SECOND
WORK = 0.020
UNEVEN = np.where(np.arange(400) % 20 == 7, 0.150, 0.005)  # on average 12 ms a batch, of which one takes 150


def looped(load, work=WORK, workers=1, factor=2, waits=None, cpu=0.0, idle=1.0, **facts):
    """A recording of a loop that waits as the replay says, or as ``waits`` says."""
    count = len(load)
    work = np.full(count, work)
    waits = replay(load, work, workers, factor) if waits is None else waits
    made = loops.loop(
        WORK,
        0.001,
        workers=workers,
        steps=count,
        idle=idle,
        busy=1.0,
        load_cpu=cpu,
        facts={"prefetch_factor": factor, **facts},
    )
    waits = np.append(waits, 0.0)
    ends = 2 * SECOND + (np.cumsum(work + waits) * SECOND).astype("i8")
    made.steps["t0"], made.steps["t1"] = np.append(2 * SECOND, ends[:-1]), ends
    made.steps["data_wait"] = (waits * 1e6).astype("i4")
    made.steps["forward"] = (work * 1e6).astype("i4")
    made.events = np.array([(0, 1, signals.LOADER_START, 0, SECOND // 2, SECOND // 2, 1)], RECORD_DTYPE)
    times = np.arange(SECOND // 2, int(ends[-1]) + SECOND, SECOND // 10)
    made.host = {
        "time_ns": times,
        "busy_cores": np.full(len(times), 1.0),
        "idle_cores": np.full(len(times), float(idle)),
        "cpu_ns_total": 1.0 * (times - times[0]),
        "run_delay_ns_total": np.zeros(len(times)),
        "read_bytes_total": np.zeros(len(times)),
    }
    rows, free = [], [SECOND] * max(workers, 1)
    for number, seconds in enumerate(load.tolist()):
        worker = number % max(workers, 1)
        end = free[worker] + int(seconds * SECOND)
        rows.append((min(workers, 1 + worker), 1, signals.BATCH, 8, free[worker], end, int(cpu * SECOND)))
        free[worker] = end + 1
    made.samples = np.array(rows, RECORD_DTYPE)
    made.ended_ns = made.started_ns + int(ends[-1]) + SECOND
    return made


def judge(made):
    return loops.judge(ShallowPrefetch(), made)


def test_uneven_batches_want_a_longer_queue():
    made = looped(UNEVEN)  # the slow ones take 7.5 steps
    found = judge(made)
    assert isinstance(found, Finding), found
    waited = replay(UNEVEN, np.full(400, WORK), 1, 2).sum()
    assert found.gain.seconds == pytest.approx(waited, rel=0.1)
    assert found.gain.low <= found.gain.share <= found.gain.high
    assert "prefetch_factor=8" in found.fix.snippet
    compile(found.fix.snippet, "snippet", "exec")


def test_of_a_long_run_a_part_is_replayed_and_all_of_it_priced():
    made = looped(np.tile(UNEVEN, 30))
    found = judge(made)
    waited = 30 * replay(UNEVEN, np.full(400, WORK), 1, 2).sum()
    assert found.gain.seconds == pytest.approx(waited, rel=0.05)


@pytest.mark.parametrize(
    "made",
    [
        looped(np.full(400, 0.012), waits=np.full(399, 0.005)),
        looped(UNEVEN, factor=32),
        looped(UNEVEN * 2.5),
        looped(UNEVEN, waits=np.full(399, 0.030)),
        looped(np.where(np.arange(400) == 200, 2.0, 0.005)),
        looped(UNEVEN, cpu=0.011, idle=0.0),
    ],
    ids=["even", "long queue", "too slow", "other waits", "one long stall", "no core"],
)
def test_silent(made):
    assert isinstance(judge(made), Fine)


def test_without_workers_there_is_no_queue():
    made = looped(np.full(400, 0.012), workers=0, waits=np.full(399, 0.012))
    assert isinstance(judge(made), NotApplicable)


def test_batches_of_which_only_some_were_timed_are_not_measured():
    made = looped(UNEVEN)
    made.samples = made.samples[::2]
    assert isinstance(judge(made), NotMeasured)
    assert isinstance(judge(looped(UNEVEN, iterable=True)), NotMeasured)


def test_it_explains_the_wait():
    made = looped(UNEVEN)
    both = [loops.judge(InputWait(), made), judge(made)]
    ranked, aside, _ = rank(both, {"shallow-prefetch": ShallowPrefetch.explains}, made.wall_seconds)
    assert [each.finding.detector for each in ranked + aside] == ["shallow-prefetch"]


def test_replay_of_equal_batches_is_the_pipeline_law():
    waits = replay(np.full(200, 0.030), np.full(200, 0.010), 2, 2)
    assert waits.mean() == pytest.approx(0.015 - 0.010, rel=0.05)
    assert replay(np.full(200, 0.018), np.full(200, 0.010), 2, 2).sum() == pytest.approx(0, abs=0.02)


def test_replay_of_one_slow_batch_waits_for_what_the_queue_does_not_hide():
    load = np.full(40, 0.001)
    load[20] = 0.100
    # When batch 18 is handed over, batch 20 is asked for: two steps of work pass until it is needed.
    assert replay(load, np.full(40, 0.010), 1, 2).sum() == pytest.approx(0.100 - 0.020)
    assert replay(load, np.full(40, 0.010), 1, 8).sum() == pytest.approx(0.100 - 0.080)


SECONDS = st.lists(st.floats(0, 0.2), min_size=1, max_size=60)


@settings(max_examples=150, deadline=None)
@given(SECONDS, st.integers(1, 4), st.integers(1, 4), st.floats(0, 0.1))
def test_a_longer_queue_never_waits_longer_and_the_work_bounds_all(load, workers, factor, work):
    load = np.array(load)
    works = np.full(len(load), work)
    now, longer = (replay(load, works, workers, each) for each in (factor, factor * 2))
    assert (now >= 0).all()
    assert longer.sum() <= now.sum() + 1e-9
    # The last batch is not there before its worker, and each other, has made all of its own one after another.
    busiest = max(load[worker::workers].sum() for worker in range(workers))
    assert load[0] + now.sum() + works[:-1].sum() >= busiest - 1e-9
