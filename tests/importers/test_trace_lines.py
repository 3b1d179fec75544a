"""Where a trace has call stacks, a finding on the device names a line of the user's."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bottleneck_profiler.diagnosis.findings import Location
from bottleneck_profiler.recording.facts import Site
from bottleneck_profiler.recording.torch_traces import _innermost
from bottleneck_profiler.recording.trace_frames import innermost_user_line, user_line
from bottleneck_profiler.session import analyse
from hypothesis import given, settings
from hypothesis import strategies as st

from .test_import import imported
from .test_kineto import STEP, STEPS, WAIT, event, saved, trace


def first_place(path: Path) -> Location | None:
    return analyse(path)[1].findings[0].finding.location


def with_python_functions() -> dict[str, Any]:
    content = trace()
    found = []
    for step in range(STEPS):
        t = 1_000_000 + step * STEP
        found += [
            event("train.py(10): main", "python_function", t - 1, STEP),
            event("torch/utils/data/dataloader.py(700): __next__", "python_function", t - 0.5, WAIT + 0.5),
            event("model.py(30): forward", "python_function", t + WAIT, 550),
            event("nn.Module: Linear_0", "python_function", t + WAIT, 540),
        ]
    content["traceEvents"] = found + content["traceEvents"]
    return content


def with_call_stacks() -> dict[str, Any]:
    content = copy.deepcopy(trace())
    for each in content["traceEvents"]:
        if each.get("name", "").startswith("enumerate"):
            each["args"]["Call stack"] = (
                "/x/lib/python3.10/site-packages/torch/utils/data/dataloader.py(521): __next__;train.py(42): <module>"
            )
    return content


def test_calls_of_functions_give_the_innermost_one_of_the_user(tmp_path):
    path = saved(tmp_path, with_python_functions())
    assert first_place(path) == Location("train.py", 10, "main")
    assert imported(path, run_dir=tmp_path / "run").exit_code == 0
    assert first_place(tmp_path / "run") == Location("train.py", 10, "main")
    recording, _ = analyse(path)
    launches = recording.device["site"][recording.device["kind"] == 6]
    assert {recording.facts.site(0, number) for number in launches.tolist()} == {Site("model.py", 30, "forward")}


def test_call_stacks_of_operations_give_the_line(tmp_path):
    assert first_place(saved(tmp_path, with_call_stacks())) == Location("train.py", 42, "<module>")


def test_without_stacks_there_is_no_line(tmp_path):
    assert first_place(saved(tmp_path, trace())) is None


def test_no_file_of_this_machine_is_patched_for_a_trace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("\n" * 41 + "for batch in loader: pass\n")
    _, diagnosis = analyse(saved(tmp_path, with_call_stacks()))
    assert all(each.finding.fix.patch is None for each in (*diagnosis.findings, *diagnosis.also_noticed))


@pytest.mark.parametrize(
    ("frame", "site"),
    [
        ("train.py(41): main", Site("train.py", 41, "main")),
        ("pkg/sub/model.py(7): <lambda>", Site("pkg/sub/model.py", 7, "<lambda>")),
        ("/home/u/a (b)/c.py(3): f", Site("/home/u/a (b)/c.py", 3, "f")),
        (r"C:\work\c.py(3): f", Site(r"C:\work\c.py", 3, "f")),
        ("torch/nn/modules/module.py(1501): _call_impl", None),
        ("threading.py(1032): _bootstrap", None),
        ("<frozen os>(7): f", None),
        ("<string>(2): __init__", None),
        ("/opt/lib/python3.9/contextlib.py(79): inner", None),
        ("nn.Module: Linear_0", None),
        ("<built-in method add_ of Tensor object at 0x7f>", None),
        ("", None),
    ],
)
def test_a_line_is_the_users_if_it_is_in_no_library(frame, site):
    assert user_line(frame) == site


@settings(deadline=None)
@given(st.text())
def test_any_text_is_a_stack_without_a_line_or_with_one(text):
    found = innermost_user_line(text)
    assert found is None or found.line >= 0


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=8), st.integers(-1, 31))
def test_the_innermost_call_is_the_one_that_began_last(edges, moment):
    spans = sorted({(min(each), max(each)) for each in edges}, key=lambda span: (span[0], -span[1]))
    nested = [spans[0]]
    for span in spans[1:]:  # only what calls can look like
        if all(span[0] >= end or span[1] <= end for begin, end in nested if begin <= span[0]):
            nested.append(span)
    begins, ends = (np.array([span[side] for span in nested], float) for side in (0, 1))
    times, sites = _innermost(begins, ends, np.arange(1, len(nested) + 1, dtype=np.int32))
    around = [number for number, (begin, end) in enumerate(nested, 1) if begin <= moment < end]
    assert sites[np.searchsorted(times, moment, side="right")] == (around[-1] if around else 0)
