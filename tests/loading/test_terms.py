"""What the loading artifact says of a run: CPU and waiting, cores, who reads, who waits for whom."""

from __future__ import annotations

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.recording.model import Frame

from loading import loops

BLOCKED, CPU = signals.STACK_BLOCKED, signals.STACK_CPU


def serial(workers, load, steps=392, alone=2):
    """Batches behind one lock: each takes as long as there are workers; the last of a pass is made alone."""
    batches = [(i % workers, (i // workers) * load, (i // workers) * load + load, 8) for i in range(steps)]
    after = (steps // workers) * load
    return batches + [(0, after + i * load, after + i * load + load / workers, 8) for i in range(alone)]


def parallel(workers, load, steps=392, alone=2):
    batches = serial(workers, load, steps, 0)
    after = (steps // workers) * load
    return batches + [(0, after + i * load, after + i * load + load, 8) for i in range(alone)]


def test_waiting_for_a_core_is_no_waiting_that_workers_overlap():
    # 60 % of a core for a thread that always wants one: the clock shows 40 % waiting, nobody else could use it.
    made = loops.loop(0.004, 0.006, load_cpu=0.0036, busy=0.6, idle=0.0, delay=2 / 3)
    loading, _ = loops.terms(made)
    assert loading.load_cpu_seconds == pytest.approx(0.006, rel=0.02)
    assert loading.load_cpu_seconds + loading.work_cpu_seconds == pytest.approx(0.010, rel=0.02)
    assert loading.cores == pytest.approx(1.0, rel=0.02)


def test_who_sleeps_is_delayed_when_it_wakes_up_and_its_computing_is_not_stretched_by_that():
    sleeping = (1.0, BLOCKED, loops.user("fetch"), loops.FETCH)
    made = loops.loop(0.010, 0.030, load_cpu=0.0004, busy=0.25, idle=0.0, delay=2.0, stacks=[sleeping])
    loading, _ = loops.terms(made)
    assert loading.work_cpu_seconds + loading.load_cpu_seconds <= 0.0105


def test_idle_cores_are_those_idle_while_the_loop_waits():
    def idle(times, table):
        waiting = [(t0 + 0.5e9 <= t <= t1) for t in times for t0, t1 in [_step(t, table)]]
        return np.where(waiting, 1.0, 0.0)

    def _step(time, table):
        at = min(int(np.searchsorted(table["t1"], time)), len(table["t1"]) - 1)
        return int(table["t0"][at]), int(table["t1"][at])

    loading, _ = loops.terms(loops.loop(0.5, 0.5, steps=40, load_cpu=0.5, idle=idle))
    assert loading.idle_cores > 0.9


def test_ranks_of_one_machine_share_its_cores():
    alone, _ = loops.terms(loops.loop(0.01, 0.01, busy=1.0, idle=1.0))
    shared, _ = loops.terms(loops.loop(0.01, 0.01, busy=1.0, idle=1.0, ranks=2))
    assert (alone.all_cores, shared.all_cores) == (2.0, 1.0)
    assert shared.cores == pytest.approx(alone.cores / 2)


@pytest.mark.parametrize("name", ["fetch", "read", "load_image", "spread_work", "lookup"])
def test_the_name_of_a_function_says_nothing(name):
    sleeping = (1.0, BLOCKED, loops.user(name), loops.FETCH)
    loading, _ = loops.terms(loops.loop(0.004, 0.012, workers=2, load=0.03, stacks=[sleeping]))
    assert loading.reading_share == 0.0
    assert loading.blocked_share > 0.9


@pytest.mark.parametrize(
    "reader",
    [
        Frame("Path.read_bytes", "/usr/lib/python3.11/pathlib.py", 1051, False),
        Frame("SocketIO.readinto", "/usr/lib/python3.11/socket.py", 718, False),
        Frame("read_array", "/lib/numpy/lib/_format_impl.py", 822, False),
        Frame("HTTPResponse.read", "/lib/urllib3/response.py", 930, False),
        Frame("_load", "/lib/torch/serialization.py", 1400, False),
    ],
    ids=lambda frame: frame.function,
)
def test_a_stack_that_ends_in_a_reader_reads(reader):
    reading = (1.0, BLOCKED, reader, loops.user("get"), loops.FETCH)
    loading, _ = loops.terms(loops.loop(0.004, 0.012, workers=2, load=0.03, stacks=[reading]))
    assert loading.reading_share > 0.9


def test_a_lock_before_bytes_is_reading_and_a_lock_before_none_is_not():
    held = (1.0, BLOCKED, loops.user("get"), loops.FETCH)
    made = {"workers": 2, "load": 0.03, "stacks": [held], "batches": serial(2, 0.03)}
    loading, _ = loops.terms(loops.loop(0.004, 0.011, **made, read_bytes=400_000))
    assert loading.saturated
    assert loading.reading_share > 0.9
    loading, _ = loops.terms(loops.loop(0.004, 0.011, **made, read_bytes=3_000))
    assert loading.saturated
    assert loading.reading_share == 0.0


def test_contention_is_the_growth_of_a_batch_with_the_number_made_at_once():
    for workers in (2, 4):
        made, _ = loops.terms(loops.loop(0.004, 0.011, workers=workers, load=0.03, batches=serial(workers, 0.03)))
        assert made.contention > 0.9
        made, _ = loops.terms(loops.loop(0.004, 0.011, workers=workers, load=0.03, batches=parallel(workers, 0.03)))
        assert made.contention < 0.1


def test_a_small_last_batch_is_no_sign_of_contention():
    batches = parallel(2, 0.03, alone=0)
    after = batches[-1][2]
    small = [(0, after + i * 0.03, after + i * 0.03 + 0.0075, 2) for i in range(2)]
    loading, _ = loops.terms(loops.loop(0.004, 0.012, workers=2, load=0.03, batches=batches + small))
    assert loading.contention < 0.1


def test_workers_that_are_always_at_it_say_nothing_of_contention():
    loading, _ = loops.terms(loops.loop(0.004, 0.011, workers=2, load=0.03))
    assert loading.contention is None


def test_tensors_in_memory_are_told_from_a_dataset_of_the_users():
    indexing = (1.0, CPU, loops.INDEX, loops.FETCH, loops.user("main", 10))
    loading, _ = loops.terms(loops.loop(0.004, 0.006, load_cpu=0.006, stacks=[indexing]))
    assert loading.in_memory
    assert loading.hot == ()
    own = (1.0, CPU, loops.user("__getitem__"), loops.FETCH, loops.user("main", 10))
    loading, _ = loops.terms(loops.loop(0.004, 0.006, load_cpu=0.006, stacks=[own]))
    assert not loading.in_memory
    assert loading.hot[0].frame.function == "__getitem__"
    library = (1.0, CPU, Frame("Image.resize", "/lib/PIL/Image.py", 9, False), loops.FETCH, loops.user("main", 10))
    loading, _ = loops.terms(loops.loop(0.004, 0.006, load_cpu=0.006, stacks=[library]))
    assert not loading.in_memory
