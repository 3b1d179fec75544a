"""A trace as torch.profiler exports it becomes a small table by our clock; one that cannot be read says so."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import numpy as np
import pytest
from bottleneck_profiler.enrich import device_trace
from bottleneck_profiler.enrich.device_trace import TraceError, read_trace
from bottleneck_profiler.enrich.source.device_lines import find_device_lines, find_model_lines, find_queued_lines
from bottleneck_profiler.recording.facts import DeviceProperties
from bottleneck_profiler.recording.model import DEVICE_COLUMNS, DEVICE_KINDS

from . import programs
from .simulator import Simulator, as_json, play

SHIFT = 31_000_000_000_000


def read(tmp_path: Path, text: str, clocks):
    path = tmp_path / "1.trace.json"
    path.write_text(text)
    return read_trace(path, 3, clocks)


def table_of(tmp_path: Path, simulator: Simulator):
    clocks = [(SHIFT + 1_000_000, SHIFT + 1_002_000), (SHIFT + 9_000_000, SHIFT + 9_002_000)]
    return read(tmp_path, as_json(simulator.events, [1000.0, 9000.0]), clocks)


def test_what_each_event_becomes(tmp_path):
    simulator = Simulator(1000.0)
    simulator.copy(1 << 20, 10_000, pageable=True)
    simulator.kernel("ampere_sgemm_128x64_nn", 50)
    simulator.item()
    simulator.synchronize()
    table, note = table_of(tmp_path, simulator)
    assert {name: column.dtype for name, column in table.items()} == DEVICE_COLUMNS
    kinds = [DEVICE_KINDS[kind] for kind in table["kind"]]
    found = {kind: kinds.count(kind) for kind in kinds}
    once = dict.fromkeys(("memcpy_h2d", "launch", "kernel", "memcpy_d2h"), 1)
    assert found == {**once, "cpu_op": 3, "copy_call": 2, "sync": 3}
    names = {kind: note.names[name] for kind, name in zip(kinds, table["name"], strict=True)}
    assert names["kernel"] == "ampere_sgemm_128x64_nn"
    copied = kinds.index("memcpy_h2d")
    assert (table["bytes"][copied], table["pageable"][copied], table["device"][copied]) == (1 << 20, 1, 0)
    # Each belongs to the outermost operation that asked for it; what asked for nothing belongs to none.
    causes = {kind: note.names[table["name"][op]] for kind, op in zip(kinds, table["op"], strict=True) if op >= 0}
    assert (causes["memcpy_h2d"], causes["kernel"], causes["memcpy_d2h"]) == ("aten::to", "aten::mm", "aten::item")
    last = max(row for row, kind in enumerate(kinds) if kind == "sync")
    assert table["op"][last] == -1
    assert note.devices == (DeviceProperties("Simulated accelerator", 8, 0),)
    assert set(table["process"]) == {3}


def test_times_are_by_our_clock(tmp_path):
    simulator = Simulator(1000.0)
    simulator.kernel("k", 50)
    table, _ = table_of(tmp_path, simulator)
    assert table["t0"][0] == SHIFT + 1_000_000  # the mark is half way through its own two microseconds
    assert int(table["t1"].max()) == SHIFT + (1000 + 8 + 2 + 50) * 1000


def test_annotations_on_the_device_are_not_its_work(tmp_path):
    simulator = Simulator(1000.0)
    simulator.kernel("k", 50)
    shade = {
        "ph": "X",
        "cat": "gpu_user_annotation",
        "name": "Optimizer.step",
        "pid": 0,
        "tid": 7,
        "ts": 1000,
        "dur": 90,
    }
    simulator.events.append(shade)
    table, note = table_of(tmp_path, simulator)
    assert len(table["t0"]) == 3 and "Optimizer.step" not in note.names


def test_what_is_no_json_is_mended(tmp_path):
    simulator = Simulator(1000.0)
    simulator.kernel("k", 50)
    text = as_json(simulator.events, [1000.0]).replace('"stream": 7', '"stream": 7, "blocks per SM": inf, "x": N/A')
    table, note = read(tmp_path, text, [(1, 2)])
    assert "N/A" in text and len(table["t0"]) == 3 and "k" in note.names


def test_collectives_and_other_makers(tmp_path):
    simulator = Simulator(1000.0)
    simulator._device("kernel", "ncclDevKernel_AllReduce_Sum_f32_RING_LL(ncclDevKernelArgs)", 20, 10, {})
    simulator._device("gpu_memcpy", "CopyHostToDevice", 0, 10, {"bytes": 8})
    simulator._call("hipModuleLaunchKernel", simulator.host, 3.0)
    table, _ = table_of(tmp_path, simulator)
    assert [DEVICE_KINDS[kind] for kind in table["kind"]] == ["launch", "collective", "memcpy_h2d"]
    assert table["pageable"][2] == -1  # nobody says


def test_a_trace_of_the_host_alone(tmp_path):
    events = [{"ph": "X", "cat": "cpu_op", "name": "aten::mm", "tid": 5, "ts": 1200.0, "dur": 9.0, "args": {}}]
    clocks = [(SHIFT, SHIFT + 2_000)]
    table, note = read(tmp_path, as_json(events, [1000.0], properties=()), clocks)
    assert [DEVICE_KINDS[kind] for kind in table["kind"]] == ["cpu_op"] and note.devices == ()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"traceEvents": 3}', '{"traceEvents": [{"ph": "X", "ts": "soon"}]}', '{"traceEvents": []}'],
)
def test_a_damaged_trace_is_said(tmp_path, text):
    with pytest.raises(TraceError, match=r"^The trace of the device window .*\.$"):
        read(tmp_path, text, [(1, 2)])


def test_a_trace_that_is_too_large_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(device_trace, "_MAX_BYTES", 10)
    with pytest.raises(TraceError, match="too large"):
        read(tmp_path, as_json([], [1.0]), [(1, 2)])


def test_all_of_a_program_has_its_cause(tmp_path):
    simulator, _ = play(programs.small_pieces, 3)
    table, _ = table_of(tmp_path, simulator)
    assert (table["op"] >= 0).all()
    kinds = table["kind"][table["op"]]
    assert (kinds == DEVICE_KINDS.index("cpu_op")).all()
    assert (np.diff(table["t0"][table["kind"] == DEVICE_KINDS.index("kernel")]) > 0).all()
    assert json.loads(as_json(simulator.events, [1.0]))["deviceProperties"][0]["computeMajor"] == 8


SOURCE = """import torch
start = float(open("x").read())
def train(model, loader):
    for step, batch in enumerate(loader):
        batch = batch.to("cuda", non_blocking=True)
        loss = model(batch)
        total += loss.item()
        if step % 10 == 0:
            print("loss", loss)
            print("step")
        keep = float(loss), str(step)
        history.append(loss.detach().cpu())
"""


def test_lines_that_wait_or_copy():
    assert find_device_lines(ast.parse(SOURCE)) == ({7, 9, 11, 12}, {5})


def test_lines_whose_copies_do_not_block():
    source = """
for x, y in loader:
    x, y = x.to(d, non_blocking=True), y.to(d, non_blocking=True)
    x, y = x.to(d, non_blocking=True), y.to(d)
    x = x.cuda(non_blocking=False)
    x = x.cuda(non_blocking=fast)
    buffer.copy_(x)
"""
    assert find_queued_lines(ast.parse(source)) == {3, 6}


def test_lines_that_copy_a_model_and_not_a_batch():
    source = """
class Trainer:
    def step(self, x):
        self.net.to(device)
        net.to(device), x.to(device)
        out = self.net(x.to(device))
        self.net.to("cpu")
        frozen.to(device)
frozen.load_state_dict(torch.load(path))
"""
    tree = ast.parse(source)
    assert find_model_lines(tree) == {4, 7, 8}
    assert find_device_lines(tree) == ({7}, {4, 5, 6, 8})
