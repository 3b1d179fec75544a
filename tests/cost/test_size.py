"""How large a machine is enough, and how long the steps then take, against schedules that are known in full."""

from __future__ import annotations

import numpy as np
import pytest
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.run.peaks import CoreUse
from bottleneck_profiler.diagnosis.cost.size import size_of
from bottleneck_profiler.recording.model import Recording
from hypothesis import given
from hypothesis import strategies as st
from memory.recordings import recording
from typed import add

GIB = 1 << 30
SECONDS = 10  # of the steps


def made(busy: float, main: float, memory: float = 3 * GIB, **columns: float) -> Recording:
    """A loop of 10 s on 2 cores and 32 GiB; ``busy``, ``main``: cores used by all threads and by the main one."""
    rising = {
        "cpu_ns_total": busy, "first_thread_cpu_ns_total": busy, "main_first_thread_cpu_ns_total": main, **columns,
    }  # fmt: skip
    host = {name: lambda done, rate=rate: rate * done * SECONDS * 1e9 for name, rate in rising.items()}
    return recording(500, 0.02, host={**host, "rss_bytes": lambda done: memory * min(1.0, 2 * done)})


def test_peaks_with_head_room() -> None:
    size = size_of(Artifacts(made(busy=0.6, main=0.6)))
    assert size.cores_have == 2 and size.cores_peak == pytest.approx(0.6, abs=0.01) and size.cores_enough == 1
    assert size.memory_peak == pytest.approx(3 * GIB, rel=0.01) and size.memory_have == 32 * GIB
    assert size.memory_enough == 4 * GIB  # 3 x 1.2 = 3.6, in whole GiB
    (one,) = size.fewer_cores
    # One thread is as fast on one core; the range is that of two runs.
    assert (one.cores, one.factor) == (1, pytest.approx(1.0)) and one.low < 1 < one.high
    assert one.step_seconds == pytest.approx(0.02) and not size.missing
    assert size.cores_per_accelerator is None and size.device_memory_peak is None


def test_a_peak_that_needs_the_whole_machine() -> None:
    size = size_of(Artifacts(made(busy=1.9, main=1.0)))
    assert size.cores_enough == 3  # than which there are fewer: no advice
    (one,) = size.fewer_cores
    assert one.factor == pytest.approx(1.9, abs=0.06)  # two threads on one core take turns


def test_native_threads_may_only_spin() -> None:
    host_of = {"first_thread_cpu_ns_total": 1.0}
    (one,) = size_of(Artifacts(made(busy=1.9, main=1.0, **host_of))).fewer_cores
    assert one.low < 1.0 and one.high > 1.85


def test_what_was_not_measured_is_said() -> None:
    bare = recording(500, 0.02)
    assert size_of(Artifacts(bare)).missing == ("Neither the cores nor the memory that the program uses were sampled.",)
    without = recording(500, 0.02, host={"cpu_ns_total": lambda done: done * 6e9})
    size = size_of(Artifacts(without))
    assert size.cores_enough == 1 and size.memory_peak is None and size.memory_enough is None
    assert size.missing == ("The memory that the program uses was not sampled.",)
    short = size_of(Artifacts(recording(100, 0.02, host={"cpu_ns_total": lambda done: done * 6e9})))
    assert short.cores_enough is None and "less than five seconds of its steps" in short.missing[0]


def test_a_crowded_machine_gives_no_advice_on_cores() -> None:
    crowded = made(busy=0.6, main=0.6, run_delay_ns_total=0.8)
    crowded.host["other_cores"] = np.full(len(crowded.host["time_ns"]), 1.2)
    size = size_of(Artifacts(crowded))
    assert size.cores_enough is None and size.cores_peak is not None and not size.fewer_cores
    assert "other programs used 1.2 of 2 cores" in size.missing[0]


def test_device_memory() -> None:
    of_device = made(busy=0.6, main=0.6)
    add(of_device.facts, "device_memory", time_ns=1, peak_bytes=9 * GIB, total_bytes=80 * GIB)
    size = size_of(Artifacts(of_device))
    assert (size.device_memory_peak, size.device_memory_have) == (9 * GIB, 80 * GIB)
    assert size.device_memory_enough == 11 * GIB  # 10.8
    of_device.gpu = {
        "time_ns": np.array([1, 2]), "index": np.array([0, 0]),
        "process_memory_bytes": np.array([np.nan, 10.0 * GIB]), "memory_total_bytes": np.full(2, 80.0 * GIB),
    }  # fmt: skip
    assert size_of(Artifacts(of_device)).device_memory_peak == 10 * GIB


@st.composite
def schedules(draw: st.DrawFn) -> tuple[int, int, np.ndarray, np.ndarray]:
    """(cores, fewer cores, whether the main thread runs, how many others run) in many equal parts of time."""
    have = draw(st.integers(2, 12))
    parts = draw(st.integers(5, 60))
    main = draw(st.lists(st.integers(0, 1), min_size=parts, max_size=parts))
    others = draw(st.lists(st.integers(0, have - 1), min_size=parts, max_size=parts))
    return have, draw(st.integers(1, have - 1)), np.array(main), np.array(others)


@given(schedules(), st.integers(1, 6))
def test_the_time_on_fewer_cores_lies_within_the_bounds(
    schedule: tuple[int, int, np.ndarray, np.ndarray], windows: int
) -> None:
    have, fewer, main, others = schedule
    really = np.maximum(1.0, (main + others) / fewer).mean()
    parts = np.array_split(np.arange(len(main)), windows) if len(main) % windows == 0 else [np.arange(len(main))]
    busy = np.array([(main + others)[part].mean() for part in parts])
    beside = np.array([others[part].mean() for part in parts])
    low, expected, high = CoreUse(have, busy, beside, np.zeros(len(busy)), True).slower(fewer)
    assert low - 1e-9 <= really <= high + 1e-9 and low <= expected <= high
    assert CoreUse(have, busy, beside, busy, True).slower(have) == (1.0, 1.0, 1.0)
