"""``run --duration``: the recording ends and is reported, and the program goes on as if nothing had been there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from bottleneck_profiler.recording.folder import summary
from bottleneck_profiler.recording.read import load
from helpers import bottleneck, started

# Computes until it finds the file "gate"; then it says whether it is recorded, and whether a later process is.
PROGRAM = """
import os, pickle, signal, subprocess, sys
from pathlib import Path
import bottleneck_profiler as bp

def recorded():
    module = sys.modules.get("_bottleneck_child.agent.recorder")
    return module is not None and module.recorder() is not None and module.recorder().active

def compute():
    for _ in bp.steps(iter(int, 1)):
        sum(range(20_000))
        if Path("gate").exists():
            return

print("begun", recorded(), flush=True)
from _bottleneck_child.agent.recorder import recorder
from _bottleneck_child.collectors.support.samples import WorkerInit
Path("worker").write_bytes(pickle.dumps(WorkerInit(None, recorder(), 1, False)))
child = os.fork()
if child == 0:
    compute()
    Path("child").write_text(str(recorded()))
    os._exit(0)
try:
    compute()
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(7)
os.waitpid(child, 0)
print("end", recorded(), Path("child").read_text(), len(os.listdir("/proc/self/task")), flush=True)
print(signal.getsignal(signal.SIGURG) is signal.SIG_DFL, flush=True)
with bp.profile() as result:
    pass
print(result.report(), flush=True)
subprocess.run([sys.executable, "later.py"], check=True)
sys.exit(3)
"""

LATER = """
import os, pickle, sys
from pathlib import Path
print("_bottleneck_child.agent.recorder" in sys.modules)
pickle.loads(Path("worker").read_bytes())(0)  # as a worker of a loader that began before the end
print(any(name.startswith((f"{os.getpid()}.", f"{os.getpid()}-")) for name in os.listdir("run/live")))
"""


def until_said(path: Path, words: str) -> str:
    """What the file holds once ``words`` are in it."""
    deadline = time.monotonic() + 120
    while words not in (text := path.read_text()):
        assert time.monotonic() < deadline, text
        time.sleep(0.02)
    return text


@contextmanager
def running(folder: Path, program: str, *options: str, **more: Any) -> Iterator[subprocess.Popen[str]]:
    """``bottleneck run`` of ``program`` into ``folder``/run for a second, its messages in ``folder``/messages."""
    (folder / "job.py").write_text(program)
    (folder / "later.py").write_text(LATER)
    words = ["run", "--run-dir", "run", "--duration", "1", *options, "job.py"]
    with (
        open(folder / "messages", "w") as messages,
        started(
            [sys.executable, "-m", "bottleneck_profiler.cli", *words],
            stdout=subprocess.PIPE,
            stderr=messages,
            text=True,
            cwd=folder,
            **more,
        ) as process,
    ):
        yield process


@pytest.mark.parametrize("options", [(), ("--stacks=off",)], ids=["sampled", "hooks alone"])
def test_the_program_goes_on_unrecorded(tmp_path: Path, options: tuple[str, ...]):
    with running(tmp_path, PROGRAM, *options) as process:
        said = until_said(tmp_path / "messages", "Report:")
        assert process.poll() is None
        assert "bottleneck: recording stopped after 1 s; the program keeps running" in said
        assert "This report covers the first 1.0 s of a run that had not ended." in said
        diagnosis = json.loads((tmp_path / "run" / "diagnosis.json").read_text())["run"]
        assert diagnosis["wall_seconds"] == 1 and diagnosis["exit_code"] is None and not diagnosis["finished"]
        assert diagnosis["steps"] > 0
        (tmp_path / "gate").touch()
        out, _ = process.communicate()
    no_more = "bottleneck: the `bottleneck run` around this profile has stopped recording."
    assert out.split("\n") == ["begun True", "end False False 1", "True", no_more, "False", "False", ""]
    assert process.returncode == 3
    assert (tmp_path / "messages").read_text().count("Report:") == 1
    assert not list((tmp_path / "run" / "live").glob("*.ring"))
    assert summary(tmp_path / "run").split()[1:4] == ["1.0", "s", "stopped"]
    again = [sys.executable, "-m", "bottleneck_profiler.cli", "report", "--live", "run"]
    done = subprocess.run(again, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 0 and "has ended" in done.stderr
    assert "covers the first 1.0 s of a run that had not ended" in done.stdout


@pytest.mark.parametrize(
    ("number", "code", "out"),
    [(signal.SIGTERM, 143, "begun True\n"), (signal.SIGINT, 7, "begun True\ninterrupted\n")],
    ids=["SIGTERM", "SIGINT"],
)
def test_signals_reach_the_program_afterwards(tmp_path: Path, number: int, code: int, out: str):
    with running(tmp_path, PROGRAM) as process:
        until_said(tmp_path / "messages", "Report:")
        process.send_signal(number)
        assert process.stdout is not None and process.stdout.read(len(out)) == out
        assert process.wait(60) == code


def test_a_program_that_only_waits(tmp_path: Path):
    program = "import sys\nprint(len(sys.stdin.read()))\n"
    with running(tmp_path, program, "--device-window", stdin=subprocess.PIPE) as process:
        said = until_said(tmp_path / "messages", "Report:")
        out, _ = process.communicate("four")
    assert (out, process.returncode) == ("4\n", 0)
    assert "The recording ended before the device window did" in said
    assert "had not ended" in (tmp_path / "run" / "report.html").read_text()
    recording = load(tmp_path / "run")
    blocked = recording.stacks["t1"] - recording.stacks["t0"]
    assert recording.ended_ns - recording.started_ns == 10**9 and blocked.sum() > 0


def test_a_program_that_ends_before(tmp_path: Path):
    (tmp_path / "job.py").write_text("print('done')\n")
    ran = bottleneck(tmp_path, "job.py", options=("--duration", "100000"))
    assert (ran.code, ran.out) == (0, "done\n") and ran.diagnosis["run"]["finished"]
    assert "stopped" not in ran.err and "had not ended" not in ran.err


def test_without_a_report_where_none_is_wanted(tmp_path: Path):
    with running(tmp_path, "import sys\nsys.stdin.read()\n", "--quiet", stdin=subprocess.PIPE) as process:
        deadline = time.monotonic() + 120
        while not (tmp_path / "run" / "report.html").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        process.communicate("")
    assert process.returncode == 0 and (tmp_path / "messages").read_text() == ""


def test_what_cannot_stop_is_refused(tmp_path: Path):
    (tmp_path / "job.py").write_text("print('done')\n")
    ran = bottleneck(tmp_path, "job.py", options=("--duration", "1", "--stacks", "pyinstrument"))
    assert ran.code == 2 and not ran.out and "pyinstrument" in ran.err and not ran.folder.exists()


def test_a_run_inside_it_records_for_itself_once_it_has_ended(tmp_path: Path):
    program = "import subprocess, sys\nsys.stdin.read()\n"
    program += "words = [sys.executable, '-m', 'bottleneck_profiler.cli', 'run', '--run-dir', 'inner', 'inner.py']\n"
    program += "sys.exit(subprocess.run(words).returncode)\n"
    (tmp_path / "inner.py").write_text("import sys\nsys.exit(5)\n")
    with running(tmp_path, program, stdin=subprocess.PIPE) as process:
        until_said(tmp_path / "messages", "Report:")
        process.communicate("")
    assert process.returncode == 5
    assert json.loads((tmp_path / "inner" / "run.json").read_text())["exit_code"] == 5
    assert os.path.exists(tmp_path / "inner" / "report.html")
