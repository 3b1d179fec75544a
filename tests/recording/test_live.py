"""A run is looked at while it is recorded: what there is so far is shown, and the recording stays what it would be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from bottleneck_profiler import session, signals
from bottleneck_profiler.agent.ring import Ring
from bottleneck_profiler.capture import resume, snapshot
from bottleneck_profiler.capture.drain import Drain
from bottleneck_profiler.capture.saver import Saver
from bottleneck_profiler.files import write_json
from bottleneck_profiler.recording.folder import RunError
from bottleneck_profiler.recording.read import load
from bottleneck_profiler.recording.write import Writer
from helpers import started

PROGRAM = """
import os, sys
import bottleneck_profiler as bp
read, write = os.pipe()
if os.fork() == 0:
    for i in bp.steps(range(30)):
        sum(range(20_000))
    os.write(write, b"looped")
    sys.stdin.read()
    os._exit(0)
os.read(read, 6)
for i in bp.steps(range(200)):
    sum(range(20_000))
print("looped", flush=True)
try:
    sys.stdin.read()
    os.wait()
except KeyboardInterrupt:
    sys.exit(7)
"""


def report(run: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bottleneck_profiler.cli", "report", *words, str(run)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """(run folder, ``bottleneck run`` of a program of two processes that wait for the end of its input after 200 steps
    of the one and 30 of the other)."""
    script, run = tmp_path / "job.py", tmp_path / "run"
    script.write_text(PROGRAM)
    words = [sys.executable, "-m", "bottleneck_profiler.cli", "run", "--run-dir", run, script]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with started(words, **pipes, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None and process.stdout.readline() == "looped\n"
        deadline = time.monotonic() + 60
        while not (run / "run.json").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        yield run, process


def test_a_run_that_goes_on(running: tuple[Path, subprocess.Popen[str]]):
    run, process = running
    done = report(run, "--live", "--json")
    assert done.returncode == 0 and not done.stderr, done.stderr
    judged = json.loads(done.stdout)
    assert judged["run"]["steps"] == 200 and judged["run"]["exit_code"] is None and not judged["run"]["finished"]
    assert judged["overhead"]["dropped_records"] == 0
    done = report(run, "--live")
    assert "of a run that had not ended" in done.stdout
    assert sorted(path.name for path in run.iterdir()) == ["live", "run.json", "tables"]
    assert not (run / "live" / "asked").exists() and list((run / "tables").glob("*.parquet"))
    done = report(run)
    assert done.returncode == 2 and "report --live" in done.stderr
    done = report(run, "--live", "--otlp", "http://localhost:1")
    assert done.returncode == 2 and "--otlp" in done.stderr
    out, err = process.communicate("")
    assert (process.returncode, out) == (0, ""), err
    whole = json.loads((run / "diagnosis.json").read_text())
    assert whole["run"]["steps"] == 200 and whole["run"]["finished"] and "had not ended" not in err
    done = report(run, "--live")
    assert done.returncode == 0 and "has ended" in done.stderr and "had not ended" not in done.stdout


def test_a_program_whose_recorder_was_killed(running: tuple[Path, subprocess.Popen[str]]):
    run, process = running
    pid = json.loads((run / "run.json").read_text())["pid"]
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = report(run, "--live", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["run"]["steps"] == 200
    assert os.path.exists(f"/proc/{pid}") and list((run / "live").glob("*.ring"))


def test_every_process_is_seen_and_signals_still_arrive(running: tuple[Path, subprocess.Popen[str]]):
    run, process = running
    for _ in range(2):
        found = session.look(run)
        assert found is not None
        steps, counts = np.unique(found[0].steps["process"], return_counts=True)
        assert len(steps) == 2 and sorted(counts.tolist()) == [30, 200]
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 7
    assert sorted(np.unique(load(run).steps["process"], return_counts=True)[1].tolist()) == [30, 200]


def test_a_run_that_has_only_begun(tmp_path: Path):
    (tmp_path / "job.py").write_text("import sys\nprint('begun', flush=True)\nsys.stdin.read()\n")
    run = tmp_path / "run"
    words = [sys.executable, "-m", "bottleneck_profiler.cli", "run", "--run-dir", run, tmp_path / "job.py"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with started(words, **pipes, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None and process.stdout.readline() == "begun\n"
        done = report(run, "--live")
        while "has no run.json" in done.stderr:
            done = report(run, "--live")
        assert done.returncode == 0 and "of a run that had not ended" in done.stdout, done.stderr
        assert process.communicate("")[0] == "" and process.returncode == 0


def begun(folder: Path) -> Path:
    (folder / "live").mkdir(parents=True)
    (folder / "tables").mkdir()
    run = {"format": "bottleneck.run", "version": 1, "started_ns": 1, "ended_ns": None, "exit_code": None}
    write_json(folder / "run.json", run)
    return folder


def state(run: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*") if path.is_file()}


def test_looks_at_any_moment_show_all_so_far_and_change_nothing(tmp_path: Path):
    run = begun(tmp_path / "run")
    ring = Ring(str(run / "live" / "999999-1.ring"), 1, 64)  # of a process that has gone
    saver = Saver(Drain(run), Writer(run))
    for number in range(1, 13):
        for _ in range(10):
            ring.put(signals.MARK, 0, 1000 * ring.written, 1000 * ring.written, ring.written)
        before = state(run)
        copy = snapshot.snapshot(run, tmp_path / f"look {number}")
        assert copy is not None
        recording = load(copy)
        assert recording.events["arg"].tolist() == list(range(10 * number))
        assert recording.dropped_records == 0 and not recording.run["finished"]
        assert state(run) == before
        if number % 3:  # now and then records are in the recorder's memory alone when somebody looks
            saver.drain.poll(everything=True)
            saver.save([], [])
    assert len(list((run / "tables").glob("events-*"))) == 8


def test_what_changes_all_the_time_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    run, versions = begun(tmp_path / "run"), iter(range(1000))
    monkeypatch.setattr(resume, "version", lambda folder: next(versions))
    with pytest.raises(RunError, match="written too fast"):
        snapshot.snapshot(run, tmp_path / "looks")


def test_a_run_that_ends_meanwhile_is_left_to_the_report_on_all_of_it(tmp_path: Path):
    run = begun(tmp_path / "run")
    write_json(run / "run.json", {**json.loads((run / "run.json").read_text()), "ended_ns": 2})
    assert snapshot.snapshot(run, tmp_path / "look") is None and session.look(run) is None
