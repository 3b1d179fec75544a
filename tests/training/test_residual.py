"""Where Python between the phases is blamed, and what must never be: the loss, torch's own functions."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.detectors.memory.memory_thrash import MemoryThrash
from bottleneck_profiler.detectors.training.residual_python import ResidualPython
from bottleneck_profiler.findings import Finding, Fine
from bottleneck_profiler.timeline.tables import RECORD_DTYPE, Frame, Site

_path = Path(__file__).parent.parent / "memory" / "recordings.py"
_spec = importlib.util.spec_from_file_location("recordings", _path)
recordings = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(recordings)

FILE = "/user/train.py"
CLIP = Frame("clip_grad_norm_", "/lib/torch/nn/utils/clip_grad.py", 200, False)


def at(line, function="train"):
    return Frame(function, FILE, line, True)


def loop_of(*parts, steps=200, seconds=0.02):
    """A loop whose steps spend ``(share, phase, kind, innermost frame, ..., outermost frame)`` in each part."""
    loop = steps * seconds * 1e9
    host = {
        "minor_faults_total": lambda done: 30_000.0 * steps * done,
        "system_ns_total": lambda done: 0.3 * loop * done,
        "cpu_ns_total": lambda done: loop * done,
    }
    made = recordings.recording(steps, seconds, host={**host, **{f"main_{name}": host[name] for name in host}})
    made.facts.attached.update({"stacks", "training"})
    made.steps["forward"] = np.zeros(steps, "i4")
    rows = []
    for number, (share, phase, kind, *frames) in enumerate(parts, 1):
        made.facts.stacks[0, number] = tuple(frames)
        name = "other" if phase == signals.NONE else signals.PHASES[phase]
        made.steps[name] = made.steps[name] + np.int32(share * seconds * 1e6)
        for start, end in zip(made.steps["t0"].tolist(), made.steps["t1"].tolist(), strict=True):
            rows.append((0, 1, kind, phase, end - int(share * (end - start)), end, number))
    made.stacks = np.array(sorted(rows, key=lambda row: row[5]), RECORD_DTYPE)
    made.facts.notes.append((0, "forward", {"frames": [("train", FILE, 12)]}))
    made.facts.loaders[0, 1] = {"iter_site": 1, "num_workers": 0}
    made.facts.sites[0, 1] = Site(FILE, 10, "train")
    return made


FORWARD = (0.3, signals.FORWARD, signals.STACK_CPU, at(12))
BACKWARD = (0.3, signals.BACKWARD, signals.STACK_CPU, at(20))


def residual(*parts):
    return recordings.judge(ResidualPython(), loop_of(FORWARD, BACKWARD, *parts))


def test_helpers_count_for_the_function_that_calls_them():
    found = residual(
        *(
            (0.1, signals.NONE, signals.STACK_CPU, at(70 + i, f"helper{i}"), at(61 + i, "metrics"), at(25))
            for i in range(3)
        )
    )
    assert isinstance(found, Finding)
    assert found.location is not None and found.location.function == "metrics"
    assert found.fix.summary.startswith("metrics computes")
    assert found.gain.step_share == pytest.approx(0.3, abs=0.03)


def test_a_helper_that_takes_it_all_is_the_place():
    found = residual((0.3, signals.NONE, signals.STACK_CPU, at(70, "slow"), at(61, "metrics"), at(25)))
    assert (found.location.function, found.location.line) == ("slow", 70)


def test_a_line_of_the_loop_itself_that_waits():
    found = residual((0.3, signals.NONE, signals.STACK_BLOCKED, at(26)))
    assert found.location.line == 26
    assert found.fix.summary.startswith("line 26 waits") and "background thread" in found.fix.summary


def test_many_lines_of_the_loop_are_no_place():
    lines = [(0.06, signals.NONE, signals.STACK_CPU, at(21 + i)) for i in range(6)]
    assert isinstance(residual(*lines), Fine)


@pytest.mark.parametrize(
    "part",
    [
        (0.3, signals.NONE, signals.STACK_CPU, CLIP, at(22)),
        (0.3, signals.NONE, signals.STACK_CPU, at(50, "criterion"), at(14)),
    ],
    ids=["torch's own function", "what the loss is made of"],
)
def test_the_training_itself_is_not_blamed(part):
    made = loop_of(FORWARD, BACKWARD, part)
    made.facts.notes.append((0, "flow_lines", {"file": FILE, "lines": [11, 12, 14, 20]}))
    assert isinstance(recordings.judge(ResidualPython(), made), Fine)


def test_what_is_done_to_the_input_before_the_forward_is():
    made = loop_of(FORWARD, BACKWARD, (0.3, signals.NONE, signals.STACK_CPU, at(80, "augment"), at(11)))
    made.facts.notes.append((0, "flow_lines", {"file": FILE, "lines": [11, 12, 14, 20]}))
    assert recordings.judge(ResidualPython(), made).location.function == "augment"


def test_memory_that_the_model_takes_is_a_hint_and_the_users_own_a_finding():
    own = (0.4, signals.FORWARD, signals.STACK_CPU, at(40, "Features.forward"), at(12))
    layer = Frame("Linear.forward", "/lib/torch/nn/modules/linear.py", 120, False)
    model = (0.4, signals.FORWARD, signals.STACK_CPU, layer, at(12))
    found = recordings.judge(MemoryThrash(), loop_of(own, BACKWARD))
    assert isinstance(found, Finding) and not found.hint and found.location.line == 40
    found = recordings.judge(MemoryThrash(), loop_of(model, BACKWARD))
    assert isinstance(found, Finding) and found.hint and found.location is None
