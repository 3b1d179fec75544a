"""Loops as people write them, in the libraries that they use: steps, phases, the planted cause on its line, silence."""

from __future__ import annotations

from pathlib import Path

import pytest
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.loading.loading import Loading
from bottleneck_profiler.detectors.loading.input_wait import InputWait
from bottleneck_profiler.recording.read import load
from helpers import Ran, bottleneck

PROGRAMS = Path(__file__).with_name("programs")
LOADING = {"workers-zero", "input-wait"}
#: Program -> its steps. Without a DataLoader a step goes from one optimizer step to the next: one less.
STEPS = {
    "by_hand": 59,
    "threads": 29,
    "iterable": 60,
    "whole_batches": 60,
    "several_loaders": 60,
    "accumulation": 60,
    "evaluation_inside": 60,
    "compiled": 60,
    "closures": 60,
    "with_accelerate": 60,
    "with_lightning": 60,
    "with_transformers": 60,
}
SLOW_LOADER, SLOW_PYTHON, HEALTHY = ("0.03", "0"), ("0", "400000"), ("0", "0")


def run(tmp_path: Path, name: str, *arguments: str) -> Ran:
    """One program: it must end well, each of its steps be seen, and its time have names."""
    ran = bottleneck(tmp_path, PROGRAMS / f"{name}.py", *arguments)
    assert ran.code == 0, ran.err
    assert ran.diagnosis["run"]["steps"] == STEPS[name]
    # Time in which the program waits for a core that others have is nobody's: no sample can be taken of it.
    unnamed = (1 - ran.diagnosis["run"]["named_share"]) * ran.diagnosis["run"]["wall_seconds"]
    taken = load(ran.folder).host["run_delay_ns_total"].max() / 1e9
    assert unnamed - taken <= 0.02 * ran.diagnosis["run"]["wall_seconds"], ran.err
    return ran


def named_line(ran: Ran, name: str) -> str:
    location = ran.diagnosis["findings"][0]["location"]
    script = PROGRAMS / f"{name}.py"
    assert location["file"] == str(script)
    return script.read_text().splitlines()[location["line"] - 1]


def had_no_idle_core(ran: Ran) -> bool:
    """Whether other programs left no core to this one while it waited for data."""
    return Artifacts(load(ran.folder)).get(Loading).idle_cores < InputWait.min_idle_cores


@pytest.mark.parametrize("name", STEPS)
def test_a_slow_loader_is_named_on_its_line(tmp_path: Path, name: str):
    ran = run(tmp_path, name, *SLOW_LOADER)
    if name == "threads" and not ran.found and had_no_idle_core(ran):
        return  # more threads would not have made the batches faster
    assert ran.found and ran.found[0] in LOADING, ran.err
    assert "# the cause" in named_line(ran, name)
    if name == "threads":
        assert "threads or processes" in ran.diagnosis["findings"][0]["title"]
    phases = {row["phase"]: row["seconds"] for row in ran.diagnosis["breakdown"]}
    if name not in ("by_hand", "threads"):  # there it is a function of the user's
        planted = float(SLOW_LOADER[0]) * STEPS[name]
        assert phases["data_wait"] >= 0.9 * planted  # a sleep is never shorter, and warm-up counts apart


@pytest.mark.parametrize("name", ["with_lightning", "with_transformers"])
def test_slow_python_in_a_callback_is_named_on_its_line(tmp_path: Path, name: str):
    ran = run(tmp_path, name, *SLOW_PYTHON)
    assert ran.found[:1] == ["residual-python"], ran.err
    assert "# slow Python" in named_line(ran, name) or "range(COUNTED)" in named_line(ran, name)


@pytest.mark.parametrize("name", STEPS)
def test_the_same_loop_without_a_fault_is_silent(tmp_path: Path, name: str):
    ran = run(tmp_path, name, *HEALTHY)
    assert ran.found == [] and ran.diagnosis["verdict"] == "fine", ran.err
