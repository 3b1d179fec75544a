"""Traces of several ranks are judged side by side, by the collectives that end on all of them at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bottleneck_profiler.artifacts import Artifacts, Missing
from bottleneck_profiler.artifacts.distributed.meetings import Meetings
from bottleneck_profiler.artifacts.training.steps import Steps
from bottleneck_profiler.diagnosis.model import Diagnosis
from bottleneck_profiler.recording.model import Recording
from bottleneck_profiler.session import analyse

from .test_kineto import event, on_device, saved

STEPS, STEP, EXCHANGE = 6, 10_000, 400  # microseconds


def trace(rank: int, arrives: list[int], world: int, exchange: int, hidden: bool) -> dict[str, Any]:
    """In each step all ranks leave an all-reduce after 8 ms. This one computes for 2 ms, and gets there later."""
    events = []
    for step in range(STEPS):
        t, number = 1_000_000 + step * STEP, step + 1
        begin = arrives[step % len(arrives)]
        events += [
            event(f"ProfilerStep#{step}", "user_annotation", t, STEP),
            event("aten::linear", "cpu_op", t + 100, 500),
            event("cudaLaunchKernel", "cuda_runtime", t + 150, 20, correlation=number),
            event("Optimizer.step#SGD.step", "user_annotation", t + 9000, 400),
            on_device("sgemm_32x32", "kernel", t + 200, 7900 if hidden else 2000, number),
            on_device("ncclDevKernel_AllReduce", "kernel", t + begin, 8000 - begin, 100 + number),
        ]
        if exchange > 8000 - max(arrives):
            raise AssertionError("the last rank arrives too late for that")
    return {
        "schemaVersion": 1,
        "deviceProperties": [{"id": 0, "name": "Tesla V100", "computeMajor": 7, "computeMinor": 0}],
        "distributedInfo": {"backend": "nccl", "rank": rank, "world_size": world},
        "traceEvents": events,
    }


def job(
    folder: Path, *arrives: int | list[int], world: int = 0, exchange: int = EXCHANGE, hidden: bool = False
) -> tuple[Recording, Diagnosis]:
    """``arrives``: when each rank gets to the all-reduce, in us after the step's begin; or one value a step."""
    folder.mkdir(exist_ok=True)
    for rank, begin in enumerate(arrives):
        content = trace(rank, begin if isinstance(begin, list) else [begin], world or len(arrives), exchange, hidden)
        saved(folder, content, f"{rank}.json")
    return analyse(folder)


def found(diagnosis: Diagnosis) -> list[str]:
    return [each.finding.detector for each in (*diagnosis.findings, *diagnosis.also_noticed)]


def outcome(diagnosis: Diagnosis, detector: str) -> tuple[str, str]:
    return next((row.outcome, row.reason) for row in diagnosis.checked if row.detector == detector)


def test_the_last_rank_is_named_and_its_steps_are_the_ones_that_are_judged(tmp_path: Path):
    recording, diagnosis = job(tmp_path / "job", 3000, 3200, 7600, 3100)
    (late,) = [each.finding for each in diagnosis.findings if each.finding.detector == "straggler"]
    assert late.title == "All other ranks wait for rank 2"
    assert "its kernels take no longer" in late.fix.summary
    # It leaves 4.6, 4.4 and 4.5 ms of waiting to the others; dealt out evenly, a step would take 3.4 ms less.
    assert late.gain is not None and late.gain.step_share == pytest.approx(0.3375, abs=0.01)
    assert Artifacts(recording).get(Steps).process == 2
    meetings = Artifacts(recording).get(Meetings)
    assert meetings.net_seconds == pytest.approx([EXCHANGE / 1e6] * STEPS)
    assert meetings.last_share == 1.0 and meetings.largest_share == pytest.approx(1 / STEPS)
    assert outcome(diagnosis, "exposed-comm")[0] == "fine"  # it is waiting


def test_ranks_that_are_last_in_turns_and_equal_ranks_are_no_stragglers(tmp_path: Path):
    turns = [[7600 if step % 3 == rank else 3000 for step in range(3)] for rank in range(3)]
    for name, arrives in (("turns", turns), ("equal", [7500, 7600, 7550])):
        assert "straggler" not in found(job(tmp_path / name, *arrives)[1])


def test_waiting_behind_a_kernel_costs_nothing(tmp_path: Path):
    _, diagnosis = job(tmp_path / "job", 3000, 3200, 7600, hidden=True)
    assert outcome(diagnosis, "straggler")[0] == "fine" and outcome(diagnosis, "exposed-comm")[0] == "fine"


def test_an_exchange_that_no_kernel_hides_is_found(tmp_path: Path):
    _, diagnosis = job(tmp_path / "job", 4000, 4100)
    (exposed,) = [each.finding for each in diagnosis.findings if each.finding.detector == "exposed-comm"]
    assert exposed.gain is not None and exposed.gain.step_share is not None
    assert exposed.gain.step_share == pytest.approx(0.10, abs=0.01)  # half of the 2 ms that kernels run for
    assert exposed.gain.low == 0.0
    assert "straggler" not in found(diagnosis)


def test_ranks_that_were_not_traced_may_be_the_last(tmp_path: Path):
    recording, diagnosis = job(tmp_path / "job", 3000, 7600, world=8)
    said = "Only 2 of the job's 8 ranks were traced: the last may be another one."
    assert outcome(diagnosis, "straggler") == ("not-measured", said)
    assert outcome(diagnosis, "exposed-comm")[0] == "not-measured"
    with pytest.raises(Missing, match="Only 2"):
        Artifacts(recording).get(Meetings)


def test_calls_that_do_not_end_together_are_not_the_same(tmp_path: Path):
    folder = tmp_path / "job"
    folder.mkdir()
    for rank in range(2):
        content = trace(rank, [3000], 2, EXCHANGE, False)
        for step, each in enumerate(e for e in content["traceEvents"] if e["name"].startswith("nccl")):
            each["dur"] += rank * step * 300  # drifts apart, so that it is no difference of the clocks
        saved(folder, content, f"{rank}.json")
    diagnosis = analyse(folder)[1]
    assert outcome(diagnosis, "straggler")[1] == "The ranks' traces have no collectives in common."
