"""Joules of a run: computed by hand from a counter, from power, across resets, devices and slices."""

from __future__ import annotations

import io
import json
from math import nan
from typing import Any

import jsonschema
import numpy as np
import pytest
from bottleneck_profiler.artifacts import Artifacts, Missing
from bottleneck_profiler.artifacts.device.energy import Energy
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.exporters import html, terminal
from bottleneck_profiler.exporters import json as report_json
from bottleneck_profiler.exporters.support import words
from bottleneck_profiler.recording.facts import DataLoader
from bottleneck_profiler.recording.model import Recording
from exporters.test_json import schema
from memory import recordings
from rich.console import Console
from typed import add

SECOND = recordings.SECOND


def sampled(columns: dict[int, dict[str, Any]], seconds: int = 10, **run: Any) -> Recording:
    """Steps of 20 ms from second 1 to 9. Per device its columns: a value for each second, or one for all."""
    made = recordings.recording(count=400, run=run)
    names = {name for each in columns.values() for name in each} | {"recorded_processes"}
    made.gpu = {"time_ns": np.tile(np.arange(seconds + 1) * SECOND, len(columns))}
    made.gpu["index"] = np.repeat(list(columns), seconds + 1)
    for name in names:
        values = [np.broadcast_to(each.get(name, 1 if name == "recorded_processes" else nan), seconds + 1)
                  for each in columns.values()]  # fmt: skip
        made.gpu[name] = np.concatenate(values).astype(float)
    return made


def energy(made: Recording) -> Energy:
    return Artifacts(made).get(Energy)


def test_the_counter_counts_what_was_added_during_the_run():
    # 100 W while the steps run (second 1 to 9), 20 W around them: 20 + 8 * 100 + 20 J.
    counter = 5000 + np.array([0, 20, 120, 220, 320, 420, 520, 620, 720, 820, 840])
    found = energy(sampled({0: {"energy_joules_total": counter, "power_watts": 1e6}}))
    assert (found.joules, found.seconds, found.basis) == (840, 10, "counter")
    assert found.joules_per_step is None  # nine samples during the steps are too few
    assert found.joules_per_sample is None and found.gpus[0].shared is None


def finely(made: Recording, times: int) -> Recording:
    """The same samples, ``times`` as many of them."""
    old = made.gpu["time_ns"]
    new = np.linspace(old[0], old[-1], (len(old) - 1) * times + 1).astype("i8")
    made.gpu = {name: np.interp(new, old, values) for name, values in made.gpu.items()}
    made.gpu["time_ns"], made.gpu["index"] = new, np.zeros(len(new), int)
    return made


def test_a_step_and_a_sample():
    counter = np.array([0, 20, 120, 220, 320, 420, 520, 620, 720, 820, 840])
    made = finely(sampled({0: {"energy_joules_total": counter}}), 10)
    add(made.facts, "loader", id=1, num_workers=0, batch_size=32, samples=1000)
    assert isinstance(made.facts.loaders[0, 1], DataLoader)
    found = energy(made)
    assert found.joules == 840 and found.joules_per_step == pytest.approx(100 * 0.02)
    assert found.joules_per_sample == pytest.approx(100 * 0.02 / (1000 / 32))  # 32 batches, the last of 8


def test_power_is_integrated_by_trapezoids_and_marked():
    watts = [0, 100, 100, nan, 100, 50, 50, 50, 50, 50, 0]  # at 3 s there is none: from 2 s to 4 s it is 100
    found = energy(sampled({0: {"power_watts": watts}}))
    assert (found.joules, found.basis) == (50 + 300 + 75 + 200 + 25, "power")
    assert found.gpus[0].basis == "power"


def test_a_reset_counts_at_the_mean_power():
    counter = [900, 1000, 1100, 40, 140, 240, nan, 440, 540, 640, 740]  # 100 J a second, reset between 2 s and 3 s
    found = energy(sampled({0: {"energy_joules_total": counter}}))
    assert found.joules == pytest.approx(1000) and found.basis == "counter"


def test_a_counter_that_only_falls_leaves_the_power():
    found = energy(sampled({0: {"energy_joules_total": range(10, -1, -1), "power_watts": 30}}))
    assert (found.joules, found.basis) == (300, "power")


def test_several_gpus_are_added_and_only_those_that_the_run_uses():
    steady = {"energy_joules_total": np.arange(11) * 70.0}
    used, estimated = {**steady, "other_processes": 0}, {"power_watts": 10.0, "other_processes": 2}
    both = energy(sampled({0: used, 1: estimated, 2: {**steady, "recorded_processes": nan}}))
    assert both.joules == 700 + 100 and both.basis == "power"
    assert [(gpu.index, gpu.joules, gpu.shared) for gpu in both.gpus] == [(0, 700, False), (1, 100, True)]
    partly = energy(sampled({0: used, 1: {"recorded_processes": 1}}))
    assert partly.joules is None and partly.basis is None  # a sum of one would be too small
    assert [gpu.joules for gpu in partly.gpus] == [700, None]


def test_two_slices_of_one_gpu_show_one_counter():
    steady = {"energy_joules_total": np.arange(11) * 70.0}
    gpus = [{"index": n, "name": "H200 MIG", "uuid": f"MIG-{n}", "slice_of": "GPU-0"} for n in (0, 1)]
    found = energy(sampled({0: steady, 1: steady}, gpus=gpus))
    assert found.joules == 700 and [gpu.whole_gpu for gpu in found.gpus] == [True, True]


MEMORY = {"allocated_bytes": 1, "peak_bytes": 1, "reserved_bytes": 1, "total_bytes": 1, "retries": 0,
          "device_allocations": 0, "device_frees": 0}  # fmt: skip


def test_where_the_driver_does_not_know_our_processes_the_program_tells():
    hidden = {"energy_joules_total": np.arange(11) * 70.0, "recorded_processes": nan}
    with pytest.raises(Missing, match="No recorded process was seen"):
        energy(sampled({0: hidden}))  # as of a program that computes on the CPU
    other = sampled({0: hidden})
    add(other.facts, "accelerator", name="xpu")
    with pytest.raises(Missing, match="No recorded process was seen"):
        energy(other)
    memory, in_use = ("device_memory", {"time_ns": 1, **MEMORY}), ("accelerator", {"name": "cuda"})
    for devices, (kind, fields), joules in (
        ({0: hidden}, memory, 700),
        ({0: hidden}, in_use, 700),
        ({0: hidden, 1: hidden}, in_use, None),
    ):
        made = sampled(devices)
        add(made.facts, kind, **fields)
        if joules is None:
            with pytest.raises(Missing, match="does not tell which"):
                energy(made)
        else:
            assert energy(made).joules == joules


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({}, "No accelerator was measured."),
        ({0: {"utilization": 0.5}}, "The accelerator reports neither its energy nor its power."),
        ({0: {"energy_joules_total": [7, *[nan] * 10]}}, "The accelerator reports neither its energy nor its power."),
    ],
)
def test_absent_is_not_zero(columns: dict[int, dict[str, Any]], reason: str):
    made = sampled(columns) if columns else recordings.recording()
    diagnosis = diagnose(made)
    assert diagnosis.energy.joules is None and diagnosis.energy.basis == "not-measured"
    assert diagnosis.energy.reason == reason and words.energy(diagnosis) == ""


def test_the_reports_say_what_the_figure_is():
    steady = {"utilization": 0.9, "power_watts": 70.0, "other_processes": 1}
    made = sampled({0: steady}, gpus=[{"index": 0, "name": "H200 MIG", "uuid": "MIG-0", "slice_of": "GPU-0"}])
    diagnosis = diagnose(made)
    assert words.energy(diagnosis) == (
        "Energy of 1 GPU: 700 J (an estimate from samples of the power); the run used a MIG slice, and this is the "
        "whole GPU's; other programs used it too, and theirs is included."
    )
    console = Console(file=io.StringIO(), width=400)
    terminal.render(diagnosis, console)
    assert words.energy(diagnosis) in console.file.getvalue()  # type: ignore[attr-defined]
    assert "this is the whole GPU" in html.render(diagnosis)
    document = json.loads(report_json.dumps(diagnosis))
    jsonschema.Draft202012Validator(schema()).validate(document)
    assert document["energy"]["joules"] == 700 and document["energy"]["gpus"][0]["whole_gpu"]
    assert report_json.from_json(document).energy == diagnosis.energy
