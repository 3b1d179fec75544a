"""A program on a GPU, recorded: its energy is in the report. NVML is the library that the tests compile."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from helpers import bottleneck

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("gcc") is None, reason="compiles a shared library with gcc"
)

GPU = "count 1\ngpu0.uuid GPU-0\ngpu0.name Simulated\n"
#: The GPU takes 100 W, and the program that runs on it says so until its readings have been taken often enough.
PROGRAM = f"""
import os, time
path, begin = os.environ["FAKE_NVML"], time.monotonic()
while time.monotonic() < begin + 2:
    millijoules = int((time.monotonic() - begin) * 1e5)
    with open(path + ".new", "w") as file:
        file.write({GPU!r} + f"gpu0.process {{os.getpid()}} 5 77 1\\ngpu0.energy {{millijoules}}\\n")
    os.replace(path + ".new", path)
    time.sleep(0.02)
"""


def test_energy_of_the_gpu_that_the_program_uses(library: Path, tmp_path: Path):
    (tmp_path / "job.py").write_text(PROGRAM)
    (tmp_path / "nvml").write_text(GPU + "gpu0.energy 0\n")
    environ = {"LD_LIBRARY_PATH": str(library), "FAKE_NVML": str(tmp_path / "nvml")}
    ran = bottleneck(tmp_path, tmp_path / "job.py", env=environ)
    energy = ran.diagnosis["energy"]
    assert energy["basis"] == "counter" and 0 < energy["joules"] <= 100 * ran.diagnosis["run"]["wall_seconds"]
    assert energy["joules_per_step"] is None and [gpu["shared"] for gpu in energy["gpus"]] == [True]
    assert "Energy of 1 GPU" in ran.err and "theirs is included" in " ".join(ran.err.split())
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "job.py").write_text("import time; time.sleep(0.3)\n")
    idle = bottleneck(tmp_path / "other", tmp_path / "other" / "job.py", env=environ)
    assert idle.diagnosis["energy"]["joules"] is None and "Energy" not in idle.err
    assert json.dumps(idle.diagnosis["energy"]).count("null") == 4
