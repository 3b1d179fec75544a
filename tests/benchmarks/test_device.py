"""What the benchmark on a device makes of its results, and its second reader of traces; no program is run here."""

from __future__ import annotations

import ast
import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.delitem(sys.modules, "device", raising=False)  # a package of tests has the same name
    return importlib.import_module


def event(name: str, ts: float, dur: float, cat: str = "") -> dict[str, Any]:
    return {"name": name, "cat": cat, "ts": ts, "dur": dur, "ph": "X"}


def test_busy_time_is_the_union_of_the_work_within_the_steps(module, tmp_path: Path):
    events = [event("bottleneck.clock", 90, 10), event("ProfilerStep#1", 100, 50), event("ProfilerStep#2", 150, 50),
              event("ProfilerStep#2", 170, 90, "gpu_user_annotation")]  # fmt: skip
    work = [event("gemm", 80, 30, "kernel"), event("copy", 105, 15, "gpu_memcpy"), event("relu", 110, 5, "kernel"),
            event("memset", 190, 40, "gpu_memset"), event("aten::mm", 120, 60, "cpu_op")]  # fmt: skip
    path = tmp_path / "trace.json"
    path.write_text(json.dumps({"traceEvents": events + work}))
    assert module("device").true_use(path) == {"busy_share": 0.3, "idle_share": 0.7}  # 100 to 120, 190 to 200
    path.write_text(json.dumps({"traceEvents": events}))
    assert module("device").true_use(path) is None


SLOW = {"busy_share": 0.50, "true_busy_share": 0.52, "idle_share": 0.5, "true_idle_share": 0.48}
RIGHT = {"step": "sync_point", "found": ["sync-point"], "right": True, "line_right": True, "predicted": 0.3,
         "obtained": 0.28, "found_in_fixed": [], "found_by_default": [], "slow": SLOW, "fixed": {}}  # fmt: skip


def test_a_summary_says_what_went_wrong(module):
    report = module("device_report")
    assert report.problems("cuda", [RIGHT]) == []
    text = report.summary("cuda", [RIGHT])
    assert "| sync_point | sync-point | nothing | yes | nothing | 30 % | 28 % | 50 % (52 %) | - |" in text
    wrong = [
        {**RIGHT, "found": [], "right": False},
        {**RIGHT, "slow": {"busy_share": 0.9, "true_busy_share": 0.8}},
        {"step": "control:clip", "found": ["sync-point"], "default": {"idle_share": 0.5, "true_idle_share": 0.4}},
        {"step": "cost", "error": "TimeoutExpired"},
        {"step": "machine", "gpus": [], "notes": ["no driver"]},
        {"step": "control:amp", "energy": {"counter": 100.0, "power": 120.0}},
    ]
    assert len(report.problems("cuda", wrong)) == 7
    assert len(report.problems("cpu", wrong)) == 5  # what only a device shows is not asked for
    assert "None." not in report.summary("cuda", wrong) and "- a step" not in report.summary("cuda", wrong)


def test_every_pair_and_control_has_its_program(module):
    device, programs = module("device"), BENCHMARKS / "on_device"
    named = {*device.PAIRS, "controls", "cost", "common"}
    assert {path.stem for path in programs.glob("*.py")} == named
    assert all("# planted" in (programs / f"{name}.py").read_text() for name in device.PAIRS)
    controls = ast.parse((programs / "controls.py").read_text())
    assert set(device.CONTROLS) <= {node.name for node in controls.body if isinstance(node, ast.FunctionDef)}
    assert list(device.steps())[:2] == ["machine", "starved"]
