"""memory-creep and memory-thrash on recordings made in memory: when they speak and when they do not."""

from __future__ import annotations

import numpy as np
import pytest
from bottleneck_profiler.detectors.memory.memory_creep import MemoryCreep
from bottleneck_profiler.detectors.memory.memory_thrash import MemoryThrash
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotMeasured

from memory import recordings

judge, recording, with_container, MiB = (
    recordings.judge,
    recordings.recording,
    recordings.with_container,
    recordings.MiB,
)


def creep(rss, free=4096 * MiB, **more):
    return recording(host={"main_rss_bytes": rss, "memory_available_bytes": lambda share: free}, **more)


def test_steady_growth_with_its_container_is_found_at_its_line():
    outcome = judge(MemoryCreep(), with_container(creep(lambda share: (500 + 400 * share) * MiB)))
    assert isinstance(outcome, Finding)
    assert (outcome.location.file, outcome.location.line) == ("/user/train.py", 42)
    assert outcome.gain is None  # a leak makes nothing slower
    # 400 MiB in 8 s: 4 GiB last about 82 s.
    assert outcome.exhaustion_seconds == pytest.approx(82, rel=0.05)
    assert "backward graph" in outcome.fix.summary
    slope = next(e.value for e in outcome.evidence if e.label == "memory growth per step")
    assert slope == pytest.approx(400 * MiB / 400, rel=0.02)


def test_growth_without_a_container_names_no_line():
    outcome = judge(MemoryCreep(), creep(lambda share: (500 + 400 * share) * MiB))
    assert isinstance(outcome, Finding) and outcome.location is None and outcome.detected_by < 1


def test_a_log_of_floats_is_not_blamed_for_megabytes():
    made = with_container(creep(lambda share: (500 + 400 * share) * MiB), item="float", item_bytes=24)
    outcome = judge(MemoryCreep(), made)
    assert isinstance(outcome, Finding) and outcome.location is None
    made = with_container(creep(lambda share: (500 + 400 * share) * MiB), "feats", item="array", item_bytes=MiB)
    with_container(made, item="float", item_bytes=24)
    evidence = judge(MemoryCreep(), made).evidence
    assert any("feats" in str(item.value) for item in evidence)


def test_a_container_that_only_flickers_is_not_blamed():
    made = with_container(creep(lambda share: (500 + 400 * share) * MiB), grows=False)
    assert judge(MemoryCreep(), made).location is None


@pytest.mark.parametrize(
    "rss",
    [
        pytest.param(lambda share: 500 * MiB, id="flat"),
        pytest.param(lambda share: (500 + 400 * min(share * 4, 1)) * MiB, id="plateau after warm-up"),
        pytest.param(lambda share: (500 + 400 * min(share * 1.6, 1)) * MiB, id="a cache that is full in the end"),
        pytest.param(lambda share: (500 + 400 * (share * 2 % 1)) * MiB, id="freed at the end of each epoch"),
        pytest.param(
            lambda share: (500 + 400 * float(np.interp(share, [0, 0.45, 0.7, 1], [0, 0.6, 0.6, 1]))) * MiB,
            id="an allocator that takes more twice",
        ),
        pytest.param(lambda share: (500 + 400 * (share * 5 % 1) + 20 * share) * MiB, id="sawtooth"),
        pytest.param(lambda share: (500 + 40 * share) * MiB, id="too little"),
        pytest.param(lambda share: (900 - 400 * share) * MiB, id="shrinking"),
        pytest.param(lambda share: (500 + (400 if share > 0.5 else 0)) * MiB, id="one step up"),
    ],
)
def test_other_shapes_are_fine(rss):
    assert isinstance(judge(MemoryCreep(), with_container(creep(rss))), Fine)


def test_growth_that_outlasts_the_run_is_fine():
    slow = creep(lambda share: (500 + 80 * share) * MiB, free=1 << 42)
    assert isinstance(judge(MemoryCreep(), slow), Fine)


def test_short_runs_and_missing_samples_have_no_verdict():
    few = creep(lambda share: (500 + 400 * share) * MiB, count=12, seconds=0.5)
    assert isinstance(judge(MemoryCreep(), few), Fine | NotMeasured)
    brief = creep(lambda share: (500 + 400 * share) * MiB, count=30, seconds=0.01)
    assert isinstance(judge(MemoryCreep(), brief), NotMeasured)
    assert isinstance(judge(MemoryCreep(), recording()), NotMeasured)
    nothing = creep(lambda share: np.nan)
    assert isinstance(judge(MemoryCreep(), nothing), NotMeasured)


def thrash(faults_per_step, system_share, cpu_share=1.0, **more):
    loop = 8e9
    return recording(
        host={
            "main_minor_faults_total": lambda share: faults_per_step * 400 * share,
            "main_system_ns_total": lambda share: system_share * loop * share,
            "main_cpu_ns_total": lambda share: cpu_share * loop * share,
        },
        **more,
    )


def test_kernel_time_of_page_faults_is_priced():
    outcome = judge(MemoryThrash(), thrash(20_000, 0.4))
    assert isinstance(outcome, Finding)
    assert outcome.gain.step_share == pytest.approx(0.4, abs=0.02)
    assert outcome.gain.low < outcome.gain.share < outcome.gain.high
    assert sum(outcome.removes.values()) == pytest.approx(outcome.gain.seconds)
    assert set(outcome.removes) == {"forward"}


def test_a_fault_of_a_huge_page_may_cost_as_much_as_it_clears():
    few = thrash(500, 0.4)
    assert isinstance(judge(MemoryThrash(), few), Fine)
    few.host["huge_faults_total"] = few.host["main_minor_faults_total"] / 10
    outcome = judge(MemoryThrash(), few)
    # 50 of 2 MiB and 450 of 4 KiB in 20 ms: no more than 50 * 600 + 450 * 4 us, and what the kernel took.
    assert outcome.gain.step_share == pytest.approx(0.4, abs=0.02)
    fresh = next(e.value for e in outcome.evidence if e.label == "newly mapped memory per step")
    assert fresh == pytest.approx(50 * 2 * MiB + 450 * 4096, rel=0.03)


def test_kernel_time_of_several_threads_is_not_counted_twice():
    outcome = judge(MemoryThrash(), thrash(20_000, 0.8, cpu_share=2.0))
    assert outcome.gain.step_share == pytest.approx(0.4, abs=0.02)


@pytest.mark.parametrize(("faults", "system"), [(100, 0.4), (20_000, 0.02), (2500, 0.03)])
def test_few_faults_or_little_kernel_time_is_fine(faults, system):
    assert isinstance(judge(MemoryThrash(), thrash(faults, system)), Fine)


def test_without_fault_counters_nothing_is_said():
    assert isinstance(judge(MemoryThrash(), recording(host={"idle_cores": lambda share: 1.0})), NotMeasured)


def test_creep_explains_thrash():
    from bottleneck_profiler.diagnosis.ranking import rank

    creeping = judge(MemoryCreep(), with_container(creep(lambda share: (500 + 400 * share) * MiB)))
    thrashing = judge(MemoryThrash(), thrash(20_000, 0.4))
    worth, _, _ = rank([creeping, thrashing], {"memory-creep": MemoryCreep.explains}, 10.0)
    assert [item.finding.detector for item in worth] == ["memory-creep"]


def test_a_list_in_a_dict_is_named_as_it_is_written_and_found_at_the_dicts_line():
    made = with_container(creep(lambda share: (500 + 400 * share) * MiB), name="history", key="['loss']")
    outcome = judge(MemoryCreep(), made)
    assert outcome.location.line == 42
    assert "each element of history['loss'] retains the backward graph" in outcome.fix.summary
    compile(outcome.fix.snippet, "snippet", "exec")


def test_the_way_to_look_for_an_unknown_leak_is_python():
    fix = judge(MemoryCreep(), creep(lambda share: (500 + 400 * share) * MiB)).fix
    compile(fix.snippet, "snippet", "exec")
    assert fix.snippet.index("earlier =") < fix.snippet.index("(earlier")
