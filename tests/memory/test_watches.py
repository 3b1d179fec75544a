"""Torch's allocator on CUDA and Python's garbage collector: what the child notes, and what is said of it."""

from __future__ import annotations

import gc
import sys
from types import SimpleNamespace

import pytest
import torch
from bottleneck_profiler.collectors.support.growth import Growth
from bottleneck_profiler.collectors.support.watches import CollectorWatch, DeviceWatch
from bottleneck_profiler.detectors.memory.allocator_churn import AllocatorChurn
from bottleneck_profiler.detectors.memory.memory_creep import MemoryCreep
from bottleneck_profiler.detectors.memory.memory_near_limit import MemoryNearLimit
from bottleneck_profiler.detectors.memory.memory_thrash import MemoryThrash
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotMeasured
from bottleneck_profiler.diagnosis.ranking import rank, severity
from typed import add

from memory import recordings

judge, recording, with_container, MiB = (
    recordings.judge,
    recordings.recording,
    recordings.with_container,
    recordings.MiB,
)
GiB = 1 << 30


class Recorder:
    def __init__(self):
        self.notes, self.failed = [], []

    def note(self, kind, **fields):
        self.notes.append((kind, fields))

    def fail(self, name, where, error):
        self.failed.append(name)

    def user_frame(self, frame):
        return None


def cuda(held, initialized=True):
    stats = {
        "allocated_bytes": {"all": {"current": held, "peak": held + 5}},
        "reserved_bytes": {"all": {"current": 2 * held}},
        "segment": {"all": {"allocated": 12, "freed": 3}},
        "num_alloc_retries": 1,
    }
    return SimpleNamespace(
        is_initialized=lambda: initialized,
        memory_stats_as_nested_dict=lambda: stats,
        current_device=lambda: 0,
        get_device_properties=lambda device: SimpleNamespace(total_memory=16 * GiB),
    )


def test_the_allocator_is_asked_rarely_and_only_where_cuda_is_in_use(monkeypatch):
    recorder = Recorder()
    watch = DeviceWatch(recorder)
    watch.mask = 0
    watch()  # this torch has no CUDA, and is not made to look for one
    assert not torch.cuda.is_initialized() and recorder.notes == []
    for name in ("is_initialized", "memory_stats_as_nested_dict", "current_device", "get_device_properties"):
        assert callable(getattr(torch.cuda, name))
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda(GiB)))
    watch()
    assert not watch.grown
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda(2 * GiB)))
    watch()
    assert watch.grown
    (kind, first), (_, second) = recorder.notes
    assert kind == "device_memory" and second["allocated_bytes"] == 2 * GiB
    assert (first["peak_bytes"], first["retries"], first["device_allocations"], first["device_frees"]) == (
        GiB + 5,
        1,
        12,
        3,
    )


def test_a_watch_that_fails_is_reported_and_the_others_go_on():
    recorder = Recorder()
    growth = Growth(recorder)

    def broken():
        raise KeyError("allocated_bytes")

    growth._watches["device-memory"] = broken
    collector = growth.watch_collections()
    try:
        for _ in range(3):
            growth.look(None)
    finally:
        collector.detach()
    assert recorder.failed == ["device-memory"]
    assert [kind for kind, _ in recorder.notes] == ["collections"]  # the sum is noted once, and then when it grows


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="generations mean something else")
def test_only_full_collections_that_python_begins_itself_count():
    before = list(gc.callbacks)
    watch = CollectorWatch(Recorder())
    watch.attach()
    watch.attach()
    assert len(gc.callbacks) == len(before) + 1
    old = gc.get_threshold()
    try:
        gc.freeze()  # with a large heap Python waits until it has grown by a quarter
        gc.collect()
        assert watch.count == 0
        gc.set_threshold(5, 1, 1)
        kept = [[number] for number in range(20_000)]
        assert watch.count > 0 and watch.total > 0 and kept
    finally:
        gc.set_threshold(*old)
        gc.unfreeze()
        watch.detach()
    assert gc.callbacks == before


def with_device(made, looks=12, held=lambda share: 4 * GiB, **last):
    """Looks at an allocator that holds so much, and whose counters rise in proportion up to ``last``."""
    t0, t1 = int(made.steps["t0"][0]), int(made.steps["t1"][-1])
    for look in range(looks):
        share = look / (looks - 1)
        fields = {"retries": 0, "device_allocations": 0, "device_frees": 0, **last}
        fields = {name: int(value * share) for name, value in fields.items()}
        fields["time_ns"] = t0 + int((t1 - t0) * (0.1 + 0.9 * share))
        fields["allocated_bytes"], fields["peak_bytes"] = int(held(share)), int(held(share) * 1.1)
        fields["reserved_bytes"], fields["total_bytes"] = int(15.5 * GiB), 16 * GiB
        add(made.facts, "device_memory", **fields)
    made.run["gpu_simulated"] = True
    return made


def loop(**more):
    host = {
        "main_minor_faults_total": lambda share: 100 * share,
        "main_system_ns_total": lambda share: 1e7 * share,
        "main_cpu_ns_total": lambda share: 8e9 * share,
        "main_rss_bytes": lambda share: GiB,
        "rss_bytes": lambda share: GiB,
        "memory_available_bytes": lambda share: 20 * GiB,
    }
    return recording(host={**host, **more})


def test_retries_and_blocks_given_back_in_the_loop_are_noticed_aside():
    for last in ({"retries": 2}, {"device_frees": 800, "device_allocations": 800}):
        outcome = judge(AllocatorChurn(), with_device(loop(), **last))
        assert isinstance(outcome, Finding) and outcome.gain is None
        assert "simulated" in [evidence.value for evidence in outcome.evidence]
        assert [len(part) for part in rank([outcome], {}, 9.0)[:2]] == [0, 1]


def test_an_allocator_that_grows_or_keeps_a_large_reserve_is_fine():
    assert isinstance(judge(AllocatorChurn(), with_device(loop(), device_allocations=40)), Fine)
    # 15.5 of 16 GiB are reserved, and tensors hold 4.4 of them.
    assert isinstance(judge(MemoryNearLimit(), with_device(loop())), Fine)


def test_tensors_that_fill_the_device_are_near_its_limit():
    outcome = judge(MemoryNearLimit(), with_device(loop(), held=lambda share: 14 * GiB))
    assert isinstance(outcome, Finding) and severity(outcome) == "warning"
    assert "accelerator" in outcome.evidence[1].label and "autocast" in outcome.fix.snippet


def test_tensors_kept_on_the_device_are_found_at_their_containers_line():
    made = with_device(loop(), held=lambda share: (2 + 3 * share) * GiB)
    outcome = judge(MemoryCreep(), with_container(made))
    assert isinstance(outcome, Finding) and outcome.location.line == 42
    # 11 GiB are free, and 3 come in 7.2 s.
    assert outcome.exhaustion_seconds == pytest.approx(11 / 3 * 7.2, rel=0.05)


@pytest.mark.parametrize(
    "held",
    [lambda s: 4 * GiB, lambda s: (2 + 3 * min(1, 2 * s)) * GiB, lambda s: (2 + 3 * (4 * s % 1)) * GiB],
    ids=["flat", "a plateau", "a sawtooth"],
)
def test_other_shapes_on_the_device_are_fine(held):
    assert isinstance(judge(MemoryCreep(), with_container(with_device(loop(), held=held))), Fine)


def test_without_a_device_no_word_of_one():
    for detector in (AllocatorChurn(), MemoryNearLimit(), MemoryCreep()):
        outcome = judge(detector, loop())
        assert isinstance(outcome, Fine) and "accelerator" not in outcome.reason
    assert isinstance(judge(AllocatorChurn(), recording(host={"idle_cores": lambda share: 1.0})), NotMeasured)


def collecting(seconds):
    made = loop()
    t0, t1 = int(made.steps["t0"][0]), int(made.steps["t1"][-1])
    for time_ns, total in ((t0, 0), (t1, seconds)):
        note = {"time_ns": time_ns, "total_ns": int(total * 1e9), "count": int(total * 10)}
        add(made.facts, "collections", **note)
    return made


def test_the_garbage_collectors_share_of_the_steps_is_priced():
    outcome = judge(MemoryThrash(), collecting(2.0))
    assert isinstance(outcome, Finding) and not outcome.hint and outcome.location is None
    assert outcome.gain.seconds == pytest.approx(2.0, rel=0.05)
    assert "gc.freeze()" in outcome.fix.snippet
    assert sum(outcome.removes.values()) == pytest.approx(outcome.gain.seconds)
    assert isinstance(judge(MemoryThrash(), collecting(0.2)), Fine)


def test_where_swap_is_all_of_it_swapping_speaks_in_its_place():
    from bottleneck_profiler.detectors.memory.swapping import Swapping

    from memory.test_limits import swapping

    made, _ = swapping()
    for name in ("main_minor_faults_total", "main_system_ns_total", "main_cpu_ns_total"):
        made.host[name] = made.host["major_faults_total"] / 10
    found = [judge(detector, made) for detector in (MemoryThrash(), Swapping())]
    assert all(isinstance(outcome, Finding) for outcome in found)
    explains = {detector.id: detector.explains for detector in (MemoryThrash, Swapping)}
    worth, aside, _ = rank(found, explains, 30.0)
    assert [r.finding.detector for r in worth] == ["swapping"] and worth[0].explains == ("memory-thrash",) and not aside
