"""``bottleneck top``: it sees every recorded process, its phases and the GPUs, and leaves no trace in the run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.agent.ring import Ring
from bottleneck_profiler.capture.live_processes import LiveProcess
from bottleneck_profiler.capture.live_rings import NotARing, place_of, read_ring, rings_of
from bottleneck_profiler.capture.live_runs import LiveRuns
from bottleneck_profiler.files import write_json
from helpers import started

PROGRAM = """
import json, sys
def reads():
    for _ in range(40):
        with open("data.json") as file:
            json.load(file)
reads()
print("read", flush=True)
sys.stdin.read()
"""
PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}


def top(*words: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bottleneck_profiler.cli", "top", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, **environ})


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """(run folder, ``bottleneck run`` of a program that has read a file 40 times and waits for the end of its input)"""
    (tmp_path / "job.py").write_text(PROGRAM)
    (tmp_path / "data.json").write_text(json.dumps([list(range(40_000))]))
    run = tmp_path / "run"
    words = [sys.executable, "-m", "bottleneck_profiler.cli", "run", "-q", "--run-dir", run, tmp_path / "job.py"]
    with started(words, **PIPES, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None and process.stdout.readline() == "read\n"
        while not (run / "run.json").exists():
            time.sleep(0.01)
        yield run, process


def test_a_program_that_is_recorded_now(running: tuple[Path, subprocess.Popen[str]]):
    run, process = running
    pid = json.loads((run / "run.json").read_text())["pid"]
    everything = json.loads(top("--once", "--json", "--interval", "0.2").stdout)
    assert everything["schema"] == "bottleneck.top/1" and str(run) in [each["folder"] for each in everything["runs"]]
    done = top("--once", "--json", "--interval", "0.2", run)
    assert done.returncode == 0 and not done.stderr
    ((only,), cores) = json.loads(done.stdout)["runs"], json.loads(done.stdout)["cores"]
    (seen,) = only["processes"]
    assert seen["pid"] == pid and seen["role"] == "main" and seen["parent_pid"] == process.pid
    assert 0 < seen["phases"]["etl.read"] < 1 and seen["recent_phases"].get("etl.read", 0) == 0
    assert 0 <= seen["cpu_cores"] <= cores and seen["memory_bytes"] > 1e6
    shown = top("--once", run, COLUMNS="130", CUDA_VISIBLE_DEVICES="")
    assert str(pid) in shown.stdout and "reading data" in shown.stdout and "job.py:9" in shown.stdout
    assert process.communicate("")[0] == "" and process.returncode == 0
    over = top("--once", run)
    assert over.returncode == 2 and "has ended" in over.stderr and over.stderr.count("\n") == 1


def test_it_refreshes_until_it_is_interrupted(running: tuple[Path, subprocess.Popen[str]]):
    run, _ = running
    words = [sys.executable, "-m", "bottleneck_profiler.cli", "top", "--json", "--interval", "0.1", run]
    with started(words, **PIPES, text=True) as watching:
        assert watching.stdout is not None
        looks = [json.loads(watching.stdout.readline()) for _ in range(3)]
        assert [len(look["runs"]) for look in looks] == [1, 1, 1]
        watching.send_signal(signal.SIGINT)
        out, err = watching.communicate(timeout=60)
    assert watching.returncode == 0 and err == "" and all(json.loads(line) for line in out.splitlines())


def test_it_says_how_to_start(tmp_path: Path):
    missing = top("--once", tmp_path / "nowhere")
    assert missing.returncode == 2 and "nowhere" in missing.stderr
    (tmp_path / "run").mkdir()
    no_run = top("--once", tmp_path / "run")
    assert no_run.returncode == 2 and "has no run.json" in no_run.stderr


def made(folder: Path, pid: int, **fields: Any) -> Path:
    """A run folder whose recorder was killed, with one ring of ``pid``; returns the ring's path."""
    (folder / "live").mkdir(parents=True)
    run = {"format": "bottleneck.run", "version": 1, "started_ns": 1, "ended_ns": None, "exit_code": None, **fields}
    write_json(folder / "run.json", run)
    hello = ("hello", {"pid": pid, "ppid": 1, "time_ns": 1, "role": "main", "python": "3", "rank": "3"})
    frames = [("inner", "/lib/x.py", 1, False, False), ("train", "/home/me/job.py", 12, True, False)]
    lines = [hello, ("stack", {"id": 70, "frames": frames}), ("stack", {"id": 7, "frames": frames[:1]})]
    (folder / "live" / f"{pid}.side").write_text("".join(f"{line!r}\n" for line in lines))
    return folder / "live" / f"{pid}-1.ring"


def state(run: Path) -> dict[str, tuple[bytes, int]]:
    files = [path for path in run.rglob("*") if path.is_file()]
    return {str(path.relative_to(run)): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def test_an_open_phase_counts_and_nothing_is_written(tmp_path: Path):
    path = made(tmp_path / "run", os.getpid())
    ring = Ring(str(path), 1, 64)
    begin = time.monotonic_ns()
    ring.close(signals.FORWARD, signals.NONE, begin - 1000)
    while time.monotonic_ns() < begin + 20_000_000:
        pass
    now = time.monotonic_ns()
    ring.put(signals.STACK_BLOCKED, signals.DATA_WAIT, begin, now, 70)
    before = state(tmp_path)
    rings, problems = rings_of(path.parent, os.getpid())
    assert rings is not None and rings.phase_now == signals.DATA_WAIT and problems == []
    watched = LiveProcess(path.with_name(f"{os.getpid()}.side"))
    for _ in range(2):
        seen, _ = watched.look(["1:0"])
        assert seen is not None and seen.phase_now == "data_wait" and seen.place == "job.py:12 in train"
        assert seen.phases is not None and list(seen.phases) == ["data_wait", "forward"]
        assert sum(seen.phases.values()) <= 1 + 1e-9 and (seen.rank, seen.gpus) == ("3", ["1:0"])
    assert seen.recent_phases is not None and seen.recent_phases["data_wait"] == pytest.approx(1.0)
    assert place_of(path.with_name(f"{os.getpid()}.side"), 7) == ""  # no line of the user's
    ring.close(signals.DATA_WAIT, signals.NONE, begin)
    rings, _ = rings_of(path.parent, os.getpid())
    assert rings is not None and rings.phase_now is None
    ring_bytes = before.pop(f"run/live/{path.name}"), state(tmp_path).pop(f"run/live/{path.name}")
    assert ring_bytes[0] != ring_bytes[1] and {k: v for k, v in state(tmp_path).items() if k in before} == before


def test_a_ring_that_has_wrapped_and_ended_no_phase_of_late(tmp_path: Path):
    path = made(tmp_path / "run", os.getpid())
    ring = Ring(str(path), 1, 128)
    ring.close(signals.FORWARD, signals.NONE, 5)
    for number in range(200):
        ring.put(signals.MARK, 0, 1000 + number, 1000 + number, 0)
    seen = read_ring(path)
    assert seen is not None and seen.closed_ns == 1000 + 200 - 64  # at least: it is not in the last 64 records
    assert seen.cells[signals.FORWARD, signals.NONE][0] == 1 and seen.sample is None


def test_torn_and_dead_runs_are_skipped_with_a_line(tmp_path: Path):
    dead = made(tmp_path / "dead", 2**22 + 1).parent.parent
    torn = made(tmp_path / "torn", os.getpid())
    torn.write_bytes(b"no ring" * 10_000)
    runs = LiveRuns(dead)
    assert runs.look() == {} and len(runs.problems) == 1 and "was cut off" in runs.problems[0]
    with pytest.raises(NotARing, match="not a ring of this version"):
        read_ring(torn)
    seen, problems = LiveProcess(torn.with_name(f"{os.getpid()}.side")).look([])
    assert seen is not None and seen.phases is None and len(problems) == 1 and str(torn) in problems[0]
    torn.write_bytes(b"")  # it is being created
    assert rings_of(torn.parent, os.getpid()) == (None, [])
    (dead / "run.json").write_text("{")
    assert runs.look() == {} and "run.json cannot be read" in runs.problems[0]
