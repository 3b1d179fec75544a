"""Steps of traces that do not mark them: named ranges and kernels that repeat, or a note that there are none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from bottleneck_profiler.importers._steps import NO_STEPS, from_kernels, from_ranges
from bottleneck_profiler.importers.nsight import read as read_export
from bottleneck_profiler.recording.model import Table
from bottleneck_profiler.session import analyse

from .test_kineto import event, on_device, saved
from .test_nsight import KERNELS, MS, THREAD, export

FORWARD = ["embed", *["gemm", "norm", "gelu"] * 12, "loss"]
STEP = [*FORWARD, *["gemm_bw", "norm_bw"] * 12, "adam"]


def table(names: list[str]) -> Table:
    number = {name: at for at, name in enumerate(sorted(set(names)))}
    return {
        "kind": np.zeros(len(names), np.int8),
        "device": np.zeros(len(names), np.int16),
        "name": np.array([number[name] for name in names]),
        "t0": np.arange(len(names)) * 10,
    }


@pytest.mark.parametrize("before", [0, 5])
def test_a_sequence_of_kernels_that_repeats_is_a_step(before):
    names = STEP[len(STEP) - before :] + STEP * 6
    spans = from_kernels(table(names))
    assert len(spans) == 5 + (before > 0)
    assert (spans[:, 1] - spans[:, 0] == 10 * len(STEP)).all()


def test_a_kernel_that_differs_now_and_then_does_not_matter():
    names = STEP * 8
    names[100] = names[301] = "memcpy_like"
    assert len(from_kernels(table(names))) == 7


@pytest.mark.parametrize(
    "names",
    [
        [],
        ["gemm"] * 50,
        FORWARD,
        FORWARD * 2,
        [f"k{number}" for number in np.random.default_rng(0).integers(0, 83, 400)],
    ],
    ids=["none", "one kernel", "layers of one pass", "two passes", "no order"],
)
def test_layers_of_a_pass_and_disorder_are_no_steps(names):
    assert not len(from_kernels(table(names)))


def ranges(*found: tuple[str, int, int, int]) -> Any:
    names, lanes, begins, ends = zip(*found, strict=True)
    return list(names), np.array(lanes), np.array(begins), np.array(ends)


def test_ranges_that_differ_by_their_number_are_steps():
    steps = [(f"execute_{at}(a)", 1, at * 100, at * 100 + 80) for at in range(4)]
    parts = [("sample", 1, at * 100 + 80, at * 100 + 90) for at in range(4)]
    assert from_ranges(*ranges(*steps, *parts), 400).tolist() == [[0, 100], [100, 200], [200, 300]]
    assert not len(from_ranges(*ranges(*steps[:2]), 200)), "two may be chance"
    assert not len(from_ranges(*ranges(*parts), 400)), "they cover little"
    assert not len(from_ranges(*ranges(*steps, ("execute_9", 1, 10, 390)), 400)), "they lie in each other"


def unmarked(named: bool) -> dict[str, Any]:
    events = []
    for step in range(6):
        t = 1e6 + step * 20_000
        for number, name in enumerate(STEP):
            events.append(on_device(name, "kernel", t + number * 200, 150, number + 1))
        if named:
            events.append(event(f"train step {step}", "user_annotation", t, 19_000))
        events.append(event("aten::linear", "cpu_op", t, 100))
    return {"schemaVersion": 1, "traceEvents": events}


@pytest.mark.parametrize("named", [True, False])
def test_a_trace_without_marks_has_steps(tmp_path, named):
    (use,) = analyse(saved(tmp_path, unmarked(named)))[1].devices
    assert (use.steps, use.step_seconds_median) == (5, pytest.approx(0.02))


def test_a_trace_without_steps_says_so_once(tmp_path):
    content = unmarked(False)
    content["traceEvents"] = content["traceEvents"][: len(STEP)]
    for rank in range(2):
        content["distributedInfo"] = {"rank": rank}
        saved(tmp_path, content, f"{rank}.json")
    assert analyse(tmp_path)[1].run.notes == (NO_STEPS,)


def test_ranges_of_an_export_are_steps(tmp_path):
    made = ["create table NVTX_EVENTS (start, end, eventType, text, globalTid)"]
    for step in range(5):
        begin, end = (100 + 20 * step) * MS, (118 + 20 * step) * MS
        made.append(f"insert into NVTX_EVENTS values ({begin}, {end}, 59, 'step {step}', {THREAD})")
    assert len(read_export(export(tmp_path / "a.sqlite", *KERNELS, *made)).steps["t0"]) == 4
