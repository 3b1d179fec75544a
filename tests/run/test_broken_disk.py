"""A run folder that vanishes or fills up while the program runs: one clear line, and the program's own exit code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import Ran, bottleneck

STEPS = """
import shutil, sys, time
import bottleneck_profiler as bp
for i in bp.steps(range(50)):
    time.sleep(0.01)
"""
VANISH = STEPS + "shutil.rmtree(sys.argv[1]); time.sleep(0.3); sys.exit(3)\n"
PART = "shutil.rmtree(sys.argv[1] + '/live'); sys.exit(3)\n"
# The recorder loads while the program runs. When it has the newest ring open, as its mapped files tell, it has also
# read all that was noted before.
OPENED = """
import os, threading
newest = threading.Thread(target=bp.mark, args=("the end",))
newest.start()
newest.join()
rings = [name for name in os.listdir(sys.argv[1] + "/live") if name.endswith(".ring")]
while not all(name in open(f"/proc/{os.getppid()}/maps").read() for name in rings):
    time.sleep(0.01)
"""
FILL = """
import subprocess, sys, time
import bottleneck_profiler as bp
# What the rings give back is filled again until the run is over: 4 MB at most, in one file that is opened once.
filler = '''
import resource, sys, time
resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, 4 << 20))
end = time.monotonic() + 6
with open(sys.argv[1], "wb", buffering=0) as file:
    while time.monotonic() < end and file.tell() < 4 << 20:
        try:
            file.write(bytes(4096))
        except OSError:
            time.sleep(0.002)
'''
for i in bp.steps(range(60)):
    time.sleep(0.01)
    if i == int(sys.argv[2]):
        words = [sys.executable, "-S", "-I", "-c", filler, sys.argv[1] + "/big"]
        null = subprocess.DEVNULL
        subprocess.Popen(words, stdin=null, stdout=null, stderr=null, start_new_session=True)
sys.exit(4)
"""


def ours(ran: Ran) -> list[str]:
    return [line for line in ran.err.splitlines() if line.startswith("bottleneck: ")]


def test_a_run_folder_that_the_program_removes(tmp_path: Path):
    script = tmp_path / "job.py"
    script.write_text(VANISH)
    ran = bottleneck(tmp_path, script, tmp_path / "run")
    assert ran.code == 3
    folder = tmp_path / "run"
    assert ours(ran) == [
        f"bottleneck: the run folder {folder} was deleted while the program ran, so there is nothing to report"
    ]
    assert not ran.folder.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="looks for the recorder's mapped files in /proc")
def test_only_the_live_folder_removed_leaves_a_report(tmp_path: Path):
    script = tmp_path / "job.py"
    script.write_text(STEPS + OPENED + PART)
    ran = bottleneck(tmp_path, script, tmp_path / "run")
    assert ran.code == 3 and ran.diagnosis["run"]["steps"] == 50


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    mount = tmp_path / "disk"
    mount.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=1200k", "none", str(mount)]
    if shutil.which("mount") is None or subprocess.run(words, capture_output=True).returncode:
        pytest.skip("a small file system can be mounted by root only")
    yield mount
    subprocess.run(["umount", "-l", str(mount)], check=True)


@pytest.mark.parametrize("when", [0, 30], ids=["at the first step", "later"])
def test_a_disk_that_fills_up(small_disk: Path, tmp_path: Path, when: int):
    script = tmp_path / "job.py"
    script.write_text(FILL)
    ran = bottleneck(small_disk, script, small_disk, str(when), cwd=tmp_path)
    assert ran.code == 4, ran.err
    (line,) = ours(ran)
    assert "No space left on device" in line and str(ran.folder) in line, ran.err
    assert not (ran.folder / "report.html").exists()


def test_a_disk_that_is_full_before_the_start(small_disk: Path, tmp_path: Path):
    with open(small_disk / "big", "wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
    script = tmp_path / "job.py"
    script.write_text(STEPS + "sys.exit(4)\n")
    ran = bottleneck(small_disk, script, cwd=tmp_path)
    assert ran.code == 4, ran.err
    (line,) = ours(ran)
    assert "No space left on device" in line and "report.html" not in line


def test_a_start_error_is_still_one(tmp_path: Path):
    program = tmp_path / "prog"
    program.write_text("#!/no/such/interpreter\n")
    os.chmod(program, 0o755)
    ran = bottleneck(tmp_path, program)
    assert ran.code == 127 and "the interpreter on its #! line" in ran.err
