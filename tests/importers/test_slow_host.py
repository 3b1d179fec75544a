"""Gaps on the device in which the host is busy with launching are launch-bound, however long they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bottleneck_profiler.recording.intervals import without
from bottleneck_profiler.session import analyse
from hypothesis import given, settings
from hypothesis import strategies as st

from .test_kineto import event, on_device, saved

LAUNCHES, EVERY, KERNEL = 40, 500, 30  # per step; microseconds from one to the next; of a kernel


def trace(operation: float, waits: bool = False) -> dict[str, Any]:
    """Steps that launch kernels from operations of so many microseconds; ``waits``: those are a driver's allocation."""
    events = []
    for step in range(5):
        begin = 1e6 + step * LAUNCHES * EVERY
        events.append(event(f"ProfilerStep#{step}", "user_annotation", begin, LAUNCHES * EVERY))
        for number in range(LAUNCHES):
            t, correlation = begin + number * EVERY, step * LAUNCHES + number + 1
            events += [
                event("aten::convolution", "cpu_op", t, operation),
                event("cudaLaunchKernel", "cuda_runtime", t + operation - 20, 10, correlation=correlation),
                on_device("elementwise_kernel", "kernel", t + operation, KERNEL, correlation),
            ]
            if waits:
                events.append(
                    event("cudaMalloc", "cuda_runtime", t + 5, operation - 30, correlation=10**6 + correlation)
                )
    return {"schemaVersion": 1, "deviceProperties": [{"name": "A100", "computeMajor": 8}], "traceEvents": events}


def found(path: Path, content: dict[str, Any]) -> list[str]:
    return [each.finding.detector for each in analyse(saved(path, content))[1].findings]


def test_operations_that_take_long_to_launch_are_the_limit(tmp_path):
    assert found(tmp_path, trace(480))[:1] == ["launch-bound"]


@pytest.mark.parametrize("content", [trace(40), trace(480, waits=True)], ids=["python between", "allocations"])
def test_other_work_of_the_host_is_not(tmp_path, content):
    assert "launch-bound" not in found(tmp_path, content)


spans = st.lists(st.integers(0, 40), unique=True, max_size=12).map(
    lambda edges: np.array(sorted(edges)[: len(edges) // 2 * 2], np.int64).reshape(-1, 2)
)


@settings(deadline=None)
@given(spans, spans)
def test_what_is_left_of_intervals(mine, others):
    def covered(intervals: Any) -> set[int]:
        return {point for begin, end in intervals.tolist() for point in range(begin, end)}

    left = without(mine, others)
    assert covered(left) == covered(mine) - covered(others)
    assert (left[:, 1] > left[:, 0]).all()
