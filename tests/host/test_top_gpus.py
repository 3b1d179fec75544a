"""The GPUs in ``bottleneck top``, through the real nvidia-ml-py against the library that the tests compile."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from helpers import started

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("gcc") is None, reason="compiles a shared library with gcc"
)

GPUS = """count 2
gpu0.uuid GPU-aaaa-0
gpu0.name Simulated A
gpu0.utilization 37
gpu0.memory 2000000000 8000000000
gpu0.power 150500
gpu0.power_limit 300000
gpu0.sm_clock 1200
gpu0.temperature 61
gpu0.process {pid} 1500000000 4194305 1000
gpu1.uuid GPU-bbbb-1
gpu1.name Simulated B
gpu1.mig 1
gpu1.power 90000
gpu1.mig0.uuid MIG-1111
gpu1.mig0.memory 1000 4000
gpu1.mig1.uuid MIG-2222
"""


def top(library: Path | None, tmp_path: Path, *words: str, script: str = GPUS, **environ: str) -> str:
    (tmp_path / "script").write_text(script.format(pid=os.getpid()))
    environ |= {"FAKE_NVML": str(tmp_path / "script")}
    environ |= {"LD_LIBRARY_PATH": str(library)} if library else {}
    command = [sys.executable, "-m", "bottleneck_profiler.cli", "top", "--once", "--interval", "0.1", *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env={**os.environ, **environ})
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout


def test_every_gpu_and_slice_whatever_is_visible(library: Path, tmp_path: Path):
    gpus: list[dict[str, Any]] = json.loads(top(library, tmp_path, "--json", CUDA_VISIBLE_DEVICES="1"))["gpus"]
    whole, partitioned, first, second = gpus
    assert [gpu["uuid"] for gpu in gpus] == ["GPU-aaaa-0", "GPU-bbbb-1", "MIG-1111", "MIG-2222"]
    assert [gpu["id"] for gpu in gpus] == ["0", "1", "1:0", "1:1"]
    assert [gpu["slice_of"] for gpu in gpus] == ["", "", "GPU-bbbb-1", "GPU-bbbb-1"]
    assert [gpu["partitioned"] for gpu in gpus] == [False, True, False, False]
    assert whole["utilization_share"] == 0.37 and whole["power_watts"] == 150.5 and whole["sm_clock_hz"] == 1.2e9
    assert partitioned["utilization_share"] is None and partitioned["power_watts"] == 90.0
    assert first["memory_used_bytes"] == 1000 and second["memory_used_bytes"] is None  # absent is not zero
    ours, ended = whole["users"]
    assert ours == {"pid": os.getpid(), "name": ours["name"], "memory_bytes": 1_500_000_000, "recorded": False}
    assert ours["name"] and ended == {"pid": 4194305, "name": "", "memory_bytes": 1000, "recorded": False}
    assert first["users"] == []


def test_what_is_drawn(library: Path, tmp_path: Path):
    shown = top(library, tmp_path, COLUMNS="160")
    for text in ("Simulated A", "37 %", "1.9 GiB of 7.5 GiB", "150 W of 300 W", "1200 MHz", "61 °C", "shared by 2",
                 "(in MIG slices)", "MIG slice MIG-2222"):  # fmt: skip
        assert text in shown, shown
    plain = top(library, tmp_path, COLUMNS="80", PYTHONIOENCODING="ascii")
    assert plain.isascii() and max(map(len, plain.splitlines())) <= 80


def test_a_recorded_process_is_named_on_its_gpu(library: Path, tmp_path: Path):
    (tmp_path / "job.py").write_text("import os, sys\nprint(os.getpid(), flush=True)\nsys.stdin.read()\n")
    words = [sys.executable, "-m", "bottleneck_profiler.cli", "run", "-q", "--run-dir", tmp_path / "run", "job.py"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with started(words, **pipes, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        while not (tmp_path / "run" / "run.json").exists():
            time.sleep(0.01)
        script = GPUS.replace("{pid}", str(pid)) + f"gpu1.mig1.process {pid} 3000\n"
        look = json.loads(top(library, tmp_path, "--json", str(tmp_path / "run"), script=script))
        shown = top(library, tmp_path, str(tmp_path / "run"), script=script, COLUMNS="200")
        process.communicate("")
    ((seen,), gpus) = look["runs"][0]["processes"], {gpu["id"]: gpu for gpu in look["gpus"]}
    assert seen["pid"] == pid and seen["gpus"] == ["0", "1:1"]
    assert [user["recorded"] for user in gpus["0"]["users"]] == [True, False]
    assert gpus["1:1"]["users"][0]["memory_bytes"] == 3000
    assert f"{pid} (recorded)" in shown and "0, 1:1" in shown


@pytest.mark.parametrize(("script", "why"), [("init! 9", "driver is not running"), ("count 0", "finds none")])
def test_without_a_gpu_one_line_says_so(library: Path, tmp_path: Path, script: str, why: str):
    (line,) = [line for line in top(library, tmp_path, script=script + "\n").splitlines() if "GPU" in line]
    assert why in line
