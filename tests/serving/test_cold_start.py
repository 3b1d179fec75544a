"""Slow first requests: those that others wait with, and warm-up requests that come alone."""

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.detectors.serving.cold_start_serving import ColdStartServing
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotMeasured
from bottleneck_profiler.recording.model import RECORD_DTYPE, Facts, Frame, Process, Recording

MS = 1_000_000
LOAD = (Frame("read", "app.py", 8, True), Frame("run_endpoint_function", "/lib/starlette/routing.py", 3, False))


def rows_of(records):
    rows = np.zeros(len(records), RECORD_DTYPE)
    for row, (kind, t0, t1, flags, arg) in zip(rows, records, strict=True):
        row["kind"], row["t0"], row["t1"], row["flags"], row["arg"] = kind, t0 * MS, t1 * MS, flags, arg
    return rows


def judge(first, beside=4, later=200, seconds=30):
    """``beside`` requests of ``first`` ms that come at once, and then many short ones."""
    head = [(signals.REQUEST, i, first + i, 1 + i, 1) for i in range(beside)]
    tail = [(signals.REQUEST, first + 10 + i * seconds, first + 10 + (i + 1) * seconds, 1, 1) for i in range(later)]
    threads = [(signals.THREAD_BLOCKED, 0, first, 1 << 8, 1 | 1 << 32)]
    facts = Facts(processes=[Process(0, 100)], strings={(0, 1): "GET / 200"}, stacks={(0, 1): LOAD})
    nothing, end = np.zeros(0, RECORD_DTYPE), tail[-1][2] * MS
    return Artifacts(
        Recording(
            {}, facts, {}, nothing, nothing, nothing, rows_of(head + tail), {}, {}, 0, end, threads=rows_of(threads)
        )
    ).call(ColdStartServing().detect)


def test_first_requests_that_wait_for_a_model_are_found_at_its_line():
    found = judge(2000)
    assert isinstance(found, Finding) and not found.hint
    assert (found.location.file, found.location.line) == ("app.py", 8)
    assert found.gain.basis == "p99" and found.gain.share == pytest.approx(1 - 30 / 2000, abs=0.01)


def test_few_of_many_requests_are_noticed_without_a_gain():
    found = judge(2000, later=3000)
    assert isinstance(found, Finding) and found.hint and found.gain is None


@pytest.mark.parametrize("first, beside", [(2000, 1), (300, 4), (2000, 0)])
def test_warm_up_request_and_a_quick_start_are_fine(first, beside):
    assert isinstance(judge(first, beside), Fine)


def test_few_requests_are_not_judged():
    assert isinstance(judge(2000, later=20), NotMeasured)
