"""The copy of a project: what is in it, and what is left when a process is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest
from bottleneck_profiler.sandbox import SandboxError, copies
from bottleneck_profiler.sandbox.copies import Copy, remove_abandoned

from .test_sandbox import PATIENCE_SECONDS, digest, tree


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    (folder / "data").mkdir()
    (folder / "train.py").write_text("print('as it is')\n")
    (folder / "data" / "large").write_bytes(b"12345")
    (folder / "link").symlink_to("train.py")
    os.mkfifo(folder / "pipe")
    return folder


def test_a_copy_is_like_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "LARGE_BYTES", 4)
    (project / "train.py").write_text("#\n")
    with Copy(project) as copy:
        assert sorted(os.listdir(copy.project)) == ["data", "link", "train.py"]
        assert os.readlink(copy.project / "link") == "train.py"
        assert os.readlink(copy.project / "data" / "large") == str(project / "data" / "large")
        assert not (copy.project / "train.py").is_symlink()
        place = copy.project
    assert not place.exists()


def test_files_are_put_into_the_copy_only(project: Path) -> None:
    before = digest(project)
    with Copy(project) as copy:
        copy.put({project / "train.py": b"the fix", project / "new" / "file.py": b"new"})
        assert Path(copy.there(str(project / "train.py"))).read_bytes() == b"the fix"
        assert (copy.project / "new" / "file.py").read_bytes() == b"new"
        with pytest.raises(SandboxError, match="outside the project"):
            copy.put({Path("/etc/hosts"): b""})
    assert digest(project) == before


DRIVER = """
import os, sys
from pathlib import Path
from bottleneck_profiler.sandbox.copies import Copy
with Copy(Path(sys.argv[1])) as copy:
    read, write = os.pipe()
    process = copy.start(["/bin/sh", "-c", "sleep 1000 & setsid sleep 1000 & wait"], os.environ, write)
    os.close(write)
    print("started", flush=True)
    process.wait()
    copy.stop(process)
"""


@pytest.mark.parametrize("which", [0, 1], ids=["ours", "guard"])
def test_nothing_runs_when_one_process_is_killed_and_the_copy_goes(project: Path, which: int) -> None:
    before = digest(project)
    with subprocess.Popen([sys.executable, "-c", DRIVER, project], stdout=subprocess.PIPE) as driver:
        assert driver.stdout is not None
        driver.stdout.readline()
        processes = tree(psutil.Process(driver.pid), 5)
        processes[which].kill()
        driver.wait(PATIENCE_SECONDS)
    assert not psutil.wait_procs(processes[1:], PATIENCE_SECONDS)[1]
    remove_abandoned()
    assert os.listdir(project.parent / "tmp") == []
    assert digest(project) == before


def test_the_next_copy_removes_what_nobody_holds(project: Path) -> None:
    abandoned = Path(tempfile.mkdtemp(prefix="bottleneck-copy-"))
    (abandoned / "held").touch()
    with Copy(project) as copy:
        assert not abandoned.exists()
        remove_abandoned()
        assert copy.project.exists()
