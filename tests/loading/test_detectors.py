"""What the loading detectors advise, and when they are silent."""

from __future__ import annotations

import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.loading.loading import Loading
from bottleneck_profiler.artifacts.training.steps import Steps
from bottleneck_profiler.detectors.loading.cpu_bound_decode import CpuBoundDecode
from bottleneck_profiler.detectors.loading.input_wait import InputWait
from bottleneck_profiler.detectors.loading.serial_collate import SerialCollate
from bottleneck_profiler.detectors.loading.slow_storage import SlowStorage
from bottleneck_profiler.detectors.loading.too_few_workers import TooFewWorkers
from bottleneck_profiler.detectors.loading.workers_zero import WorkersZero
from bottleneck_profiler.diagnosis.findings import Finding, Fine
from bottleneck_profiler.recording.model import Frame

from loading import loops

BLOCKED, CPU = signals.STACK_BLOCKED, signals.STACK_CPU
INDEXING = (1.0, CPU, loops.INDEX, loops.FETCH, loops.user("main", 10))
DECODING = (1.0, CPU, loops.user("decode"), loops.FETCH)
SLEEPING = (1.0, BLOCKED, loops.user("fetch"), loops.FETCH)
READING = (1.0, BLOCKED, Frame("read_bytes", "/usr/lib/python3.11/pathlib.py", 1051, False), *SLEEPING[2:])


def test_no_workers_for_tensors_in_memory_on_a_busy_machine():
    # A real run: workers predicted to save 19 % made it 42 % slower.
    made = loops.loop(0.00104, 0.00193, load_cpu=0.0011, busy=0.6, idle=0.0, delay=0.74, steps=4000, stacks=[INDEXING])
    assert isinstance(loops.judge(WorkersZero(), made), Fine)


def test_no_workers_for_computing_where_no_core_is_idle():
    made = loops.loop(0.010, 0.010, load_cpu=0.006, busy=0.6, idle=0.0, delay=2 / 3, stacks=[DECODING])
    assert isinstance(loops.judge(WorkersZero(), made), Fine)


def test_the_queue_costs_cores_too():
    """Work of 1 ms on several threads and batches of 2 ms leave too little of two cores for 1.6 ms more."""
    made = loops.loop(0.001, 0.002, load_cpu=0.002, busy=1.3, idle=0.35, steps=2000, stacks=[DECODING])
    assert isinstance(loops.judge(WorkersZero(), made), Fine)


def test_tensors_in_memory_get_workers_only_for_a_large_gain_on_an_idle_core():
    made = loops.loop(0.030, 0.008, load_cpu=0.008, busy=1.0, idle=1.0, stacks=[INDEXING])
    assert isinstance(loops.judge(WorkersZero(), made), Fine)
    made = loops.loop(0.030, 0.030, load_cpu=0.030, busy=1.0, idle=1.0, stacks=[INDEXING])
    assert isinstance(loops.judge(WorkersZero(), made), Finding)
    made = loops.loop(0.030, 0.008, load_cpu=0.008, busy=1.0, idle=1.0, stacks=[DECODING])
    assert isinstance(loops.judge(WorkersZero(), made), Finding)


@pytest.mark.parametrize("name", ["lookup", "fetch", "load", "read_one"])
def test_a_latency_that_each_worker_waits_for_by_itself_wants_more_workers(name):
    stack = (1.0, BLOCKED, loops.user(name), loops.FETCH)
    made = loops.loop(0.004, 0.011, workers=2, load=0.03, stacks=[stack])
    assert isinstance(loops.judge(SlowStorage(), made), Fine)
    found = loops.judge(TooFewWorkers(), made)
    assert isinstance(found, Finding)
    assert "copytree" not in found.fix.snippet


def behind_one_lock(workers=2, load=0.03, steps=392):
    pairs = [(i % workers, (i // workers) * load, (i // workers) * load + load, 8) for i in range(steps)]
    after = pairs[-1][2]
    return pairs + [(0, after + i * load, after + i * load + load / workers, 8) for i in range(2)]


def test_readers_that_wait_for_each_other_are_slow_storage():
    held = {"workers": 2, "load": 0.03, "stacks": [SLEEPING], "batches": behind_one_lock(), "read_bytes": 400_000}
    made = loops.loop(0.004, 0.011, **held)
    assert isinstance(loops.judge(TooFewWorkers(), made), Fine)
    found = loops.judge(SlowStorage(), made)
    assert isinstance(found, Finding)
    assert any("slowdown" in evidence.label for evidence in found.evidence)


def test_reads_that_more_readers_speed_up_want_more_workers():
    pairs = behind_one_lock()
    alone = [(0, t0, t0 + 0.03, n) for _, t0, _, n in pairs[-2:]]
    made = loops.loop(0.004, 0.011, workers=2, load=0.03, stacks=[READING], batches=pairs[:-2] + alone)
    assert isinstance(loops.judge(SlowStorage(), made), Fine)
    assert isinstance(loops.judge(TooFewWorkers(), made), Finding)


def test_reads_of_which_nothing_more_is_known_are_slow_storage():
    made = loops.loop(0.004, 0.011, workers=2, load=0.03, stacks=[READING])
    assert isinstance(loops.judge(SlowStorage(), made), Finding)
    assert isinstance(loops.judge(TooFewWorkers(), made), Fine)


def test_workers_that_keep_up_on_a_machine_with_no_idle_core_are_no_finding():
    busy = loops.loop(0.010, 0.003, workers=2, load=0.018, load_cpu=0.01, busy=1.9, idle=0.1, stacks=[DECODING])
    found = loops.judge(InputWait(), busy)
    assert isinstance(found, Fine)
    assert "idle cores" in found.reason
    idle = loops.loop(0.010, 0.003, workers=2, load=0.018, load_cpu=0.01, busy=1.0, idle=1.0, stacks=[DECODING])
    assert isinstance(loops.judge(InputWait(), idle), Fine)  # three milliseconds: a batch is handed over
    slow = loops.loop(0.010, 0.009, workers=2, load=0.018, load_cpu=0.01, busy=1.0, idle=1.0, stacks=[DECODING])
    assert isinstance(loops.judge(InputWait(), slow), Finding)


def test_the_advice_is_valid_for_the_loader():
    none = loops.judge(InputWait(), loops.loop(0.01, 0.01, load_cpu=0.01, stacks=[DECODING]))
    assert "prefetch_factor" not in none.fix.snippet
    some = loops.loop(0.01, 0.01, workers=2, load=0.04, stacks=[DECODING], facts={"prefetch_factor": 8})
    assert "num_workers=2, prefetch_factor=16" in loops.judge(InputWait(), some).fix.snippet


def test_indexing_in_memory_is_a_hint_with_advice_of_its_own():
    found = loops.judge(InputWait(), loops.loop(0.004, 0.006, load_cpu=0.006, stacks=[INDEXING]))
    assert found.hint
    assert "num_workers" not in found.fix.snippet


def test_collate_advice_covers_samples_that_differ_in_length():
    made = loops.loop(0.002, 0.01, load_cpu=0.01, facts={"collate_site": 3}, stacks=[DECODING])
    collates = made.samples.copy()
    collates["kind"] = signals.COLLATE
    collates["t0"] += (0.1 * (collates["t1"] - collates["t0"])).astype("i8")
    made.samples = loops.np.concatenate([made.samples, collates])
    found = loops.judge(SerialCollate(), made)
    lines = found.fix.snippet.splitlines()
    assert any("torch.stack" in line for line in lines)
    assert any("pad_sequence" in line for line in lines)


def test_evidence_holds_means_only():
    made = loops.loop(0.004, 0.006, load_cpu=0.006, stacks=[DECODING])
    made.steps["t1"][10] += 8_000_000_000  # one step of eight seconds is no part of the median
    made.steps["t0"][11:] += 8_000_000_000
    made.steps["t1"][11:] += 8_000_000_000
    found = loops.judge(WorkersZero(), made)
    numbers = {evidence.label: evidence.value for evidence in found.evidence}
    assert numbers["mean step time"] == pytest.approx(0.010 + 8 / 397, rel=0.01)
    assert "typical step" not in numbers


def test_a_range_holds_the_law_s_error_and_is_not_cut_to_a_width():
    def width(found):
        return found.gain.high - found.gain.low

    waits = loops.judge(TooFewWorkers(), loops.loop(0.004, 0.026, workers=1, load=0.03, busy=0.2, stacks=[SLEEPING]))
    decodes = loops.judge(WorkersZero(), loops.loop(0.02, 0.02, load_cpu=0.02, busy=1.0, idle=1.0, stacks=[DECODING]))
    assert width(waits) < 0.10 < width(decodes)


def test_every_loading_finding_says_what_it_changes():
    lock = {"workers": 2, "load": 0.03, "stacks": [READING], "batches": behind_one_lock()}
    crowded = loops.loop(0.002, 0.013, workers=2, load=0.03, load_cpu=0.029, busy=2.0, idle=0.0, stacks=[DECODING])
    for detector, made in (
        (WorkersZero(), loops.loop(0.02, 0.02, load_cpu=0.02, stacks=[DECODING])),
        (TooFewWorkers(), loops.loop(0.004, 0.026, workers=1, load=0.03, stacks=[SLEEPING])),
        (SlowStorage(), loops.loop(0.004, 0.011, **lock)),
        (CpuBoundDecode(), crowded),
    ):
        found = loops.judge(detector, made)
        assert isinstance(found, Finding), (detector.id, found)
        assert found.changes is not None
        assert found.changes.of.steps == 397


def test_a_single_pass_that_trains_nothing_is_about_the_samples():
    """Photos that are measured once each: nothing could be stored for a later pass, and no core is idle."""
    made = loops.loop(0.002, 0.013, workers=2, load=0.03, load_cpu=0.029, busy=2.0, idle=0.0, stacks=[DECODING])
    made.steps["trained"][:] = False
    for detector in (CpuBoundDecode(), InputWait()):
        found = loops.judge(detector, made)
        assert isinstance(found, Fine) and "passes" in found.reason, (detector.id, found)
    made.steps["loop"][200:] = 1
    assert isinstance(loops.judge(CpuBoundDecode(), made), Finding)


def test_a_loop_that_makes_its_own_batches_has_no_samples_to_store():
    made = loops.loop(0.002, 0.018, load_cpu=0.018, busy=1.0, idle=0.0, stacks=[DECODING])
    assert "np.save" in loops.judge(CpuBoundDecode(), made).fix.snippet
    artifacts = Artifacts(made)
    by_hand = CpuBoundDecode().detect(artifacts.get(Steps), None, artifacts.get(Loading), None, None)
    assert isinstance(by_hand, Finding) and "np.save" not in by_hand.fix.snippet
    assert "line 20" in by_hand.fix.snippet and "loop" in by_hand.title
