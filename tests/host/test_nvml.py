"""The GPU sampler through the real nvidia-ml-py against a small libnvidia-ml.so.1 that the test compiles."""

from __future__ import annotations

import ast
import math
import os
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("gcc") is None, reason="compiles a shared library with gcc"
)

# Prints one repr a line: what sample() and facts() gave, before and after each new script.
DRIVER = """
import sys
from bottleneck_profiler.collectors.host.nvml import GpuSampler
environ = {} if sys.argv[2] == "-" else {"CUDA_VISIBLE_DEVICES": sys.argv[2]}
sampler = GpuSampler(environ, pids=lambda: {4242})
for text in [None, *sys.argv[3:]]:
    if text is not None:
        open(sys.argv[1], "w").write(text)
    for _ in range(25 if text is None else 1):
        rows = sampler.sample()
        if any(row["pcie_rx_bytes_per_second"] == row["pcie_rx_bytes_per_second"] for row in rows):
            break
    rows = [{k: None if v != v else v for k, v in row.items()} for row in rows]
    print(repr((sampler.reason, rows, sampler.facts())))
sampler.close()
assert sampler.sample() == []
"""

TWO = """count 2
gpu0.uuid GPU-aaaa-0
gpu0.name Simulated A
gpu0.utilization 37
gpu0.memory_busy 12
gpu0.memory 2000000000 8000000000
gpu0.power 150500
gpu0.power_limit 300000
gpu0.energy 5000250
gpu0.sm_clock 1200
gpu0.temperature 61
gpu0.pcie_rx 5000
gpu0.pcie_tx 70
gpu0.process 4242 1500000000 77 1000
gpu1.uuid GPU-bbbb-1
gpu1.name Simulated B
gpu1.utilization 80
"""


def drive(library, tmp_path, script, *later, visible="-"):
    """(reason, rows, facts) under ``script``, and again under each later one."""
    path = tmp_path / "script"
    path.write_text(script)
    environ = {**os.environ, "FAKE_NVML": str(path)}
    if library is not None:
        environ["LD_LIBRARY_PATH"] = str(library)
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, path, visible, *later], env=environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return [ast.literal_eval(line) for line in done.stdout.splitlines()]


def test_values_units_and_what_is_not_supported(library, tmp_path):
    ((reason, rows, facts),) = drive(library, tmp_path, TWO)
    assert reason == ""
    first, second = rows
    assert first.pop("time_ns") > 0
    assert first.pop("sm_clock_max_hz") is None  # the library does not have the function
    assert first == {
        "index": 0,
        "utilization": 0.37,
        "memory_busy": 0.12,
        "memory_used_bytes": 2_000_000_000,
        "memory_total_bytes": 8_000_000_000,
        "process_memory_bytes": 1_500_000_000,
        "recorded_processes": 1,
        "other_processes": 1,
        "power_watts": 150.5,
        "power_limit_watts": 300.0,
        "energy_joules_total": 5000.25,
        "sm_clock_hz": 1.2e9,
        "temperature_celsius": 61,
        "pcie_rx_bytes_per_second": 5_000_000,
        "pcie_tx_bytes_per_second": 70_000,
    }
    assert second["utilization"] == 0.8
    for column in ("power_watts", "memory_used_bytes", "energy_joules_total", "recorded_processes"):
        assert second[column] is None  # absent is not zero
    assert facts[0]["driver"] == "999.01"
    assert [device["name"] for device in facts] == ["Simulated A", "Simulated B"]
    assert "sm_clock_max_hz" in facts[0]["unsupported"]
    assert "power_watts" in facts[1]["unsupported"]
    assert "power_watts" not in facts[0]["unsupported"]


@pytest.mark.parametrize(
    ("visible", "uuids", "reason"),
    [
        ("1", ["GPU-bbbb-1"], ""),
        ("1,0", ["GPU-bbbb-1", "GPU-aaaa-0"], ""),
        ("GPU-bbbb", ["GPU-bbbb-1"], ""),
        ("0,7,1", ["GPU-aaaa-0"], ""),  # CUDA stops at the first entry that names nothing
        ("-1", [], "hidden"),
        ("", [], "hidden"),
        ("GPU-", [], "hidden"),  # ambiguous
    ],
)
def test_cuda_visible_devices(library, tmp_path, visible, uuids, reason):
    ((found_reason, rows, facts),) = drive(library, tmp_path, TWO, visible=visible)
    assert [device["uuid"] for device in facts] == uuids
    assert [row["index"] for row in rows] == list(range(len(uuids)))
    assert found_reason == reason


MIG = """count 1
gpu0.uuid GPU-aaaa-0
gpu0.mig 1
gpu0.power 90000
gpu0.mig0.uuid MIG-1111
gpu0.mig0.memory 1000 4000
gpu0.mig1.uuid MIG-2222
gpu0.mig1.memory 3000 4000
"""


def test_a_mig_slice_has_its_own_memory_and_its_gpus_power(library, tmp_path):
    ((_, (row,), facts),) = drive(library, tmp_path, MIG, visible="MIG-2222")
    assert facts[0]["uuid"] == "MIG-2222" and facts[0]["slice_of"] == "GPU-aaaa-0"
    assert row["memory_used_bytes"] == 3000 and row["power_watts"] == 90.0 and row["utilization"] is None
    ((_, (row,), facts),) = drive(library, tmp_path, MIG)
    assert facts[0]["uuid"] == "MIG-1111"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("init! 9", "no-driver"),
        ("init! 4", "no-permission"),
        ("init! 18", "driver-mismatch"),
        ("init! 999", "failed"),
        ("count 0", "no-device"),
        ("count! 13", "driver-mismatch"),
        ("count 1\ngpu0! 4", "no-permission"),
        ("count 1\ngpu0! 15", "lost"),
    ],
)
def test_every_error_at_the_start_has_a_reason(library, tmp_path, script, reason):
    ((found, rows, facts),) = drive(library, tmp_path, script + "\n")
    assert found == reason and rows == [] and facts == []


def test_one_gpu_that_cannot_be_opened_does_not_hide_the_other(library, tmp_path):
    ((reason, _, facts),) = drive(library, tmp_path, TWO + "gpu0! 4\n")
    assert reason == "" and [device["uuid"] for device in facts] == ["GPU-bbbb-1"]


def test_a_gpu_that_is_lost_while_running_leaves_the_rest_and_then_a_reason(library, tmp_path):
    lost_one = TWO.replace("gpu0.utilization 37", "gpu0.utilization! 15")
    lost_both = lost_one.replace("gpu1.utilization 80", "gpu1.utilization! 15")
    first, second, third = drive(library, tmp_path, TWO, lost_one, lost_both)
    assert len(first[1]) == 2
    assert [row["index"] for row in second[1]] == [1] and second[0] == ""
    assert third[1] == [] and third[0] == "lost"


def test_a_passing_error_is_asked_again(library, tmp_path):
    first, second, third = drive(library, tmp_path, TWO, TWO + "gpu0.power! 999\n", TWO)
    assert [answer[1][0]["power_watts"] for answer in (first, second, third)] == [150.5, None, 150.5]


def test_without_the_library_there_is_one_ordinary_reason(tmp_path):
    ((reason, rows, facts),) = drive(None, tmp_path, "")
    if reason == "":
        pytest.skip("this machine has a GPU")
    assert reason in ("no-library", "no-driver", "no-device") and rows == [] and facts == []


def test_missing_values_are_nan_in_the_row():
    from bottleneck_profiler.collectors.host.nvml import COLUMNS, GpuSampler

    sampler = GpuSampler({})
    for row in sampler.sample():
        assert tuple(row) == COLUMNS and not math.isnan(row["time_ns"])
    sampler.close()
