"""A recording that is killed: its run can still be analysed, nothing twice and what the rings hold not lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bottleneck_profiler import session, signals
from bottleneck_profiler.agent.ring import Ring
from bottleneck_profiler.capture import recovery, resume
from bottleneck_profiler.capture.drain import Drain
from bottleneck_profiler.capture.saver import Saver
from bottleneck_profiler.files import write_json
from bottleneck_profiler.recording.folder import RunError, hold, remove
from bottleneck_profiler.recording.read import load
from bottleneck_profiler.recording.write import Writer
from helpers import started
from hypothesis import given, settings
from hypothesis import strategies as st

PROGRAM = """
import os, time
import bottleneck_profiler as bp
for i in bp.steps(range(200)):
    time.sleep(0.01)
    if i == 30:
        print(bp.__name__, flush=True)
for _ in range(6000):
    if os.path.exists("may end"):
        break
    time.sleep(0.01)
"""


def cli(*words: object) -> list[str]:
    return [sys.executable, "-m", "bottleneck_profiler.cli", *map(str, words)]


@pytest.fixture
def killed(tmp_path: Path) -> Iterator[tuple[Path, int, subprocess.Popen[str]]]:
    """(run folder, pid of the program, ``bottleneck run`` to be killed while the program goes on)."""
    script, run = tmp_path / "job.py", tmp_path / ".bottleneck" / "runs" / "one"
    script.write_text(PROGRAM)
    words = cli("run", "--run-dir", run, script)
    with started(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        deadline = time.monotonic() + 30
        while not (run / "run.json").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        yield run, json.loads((run / "run.json").read_text())["pid"], process


def report(run: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(cli("report", run, "--json"), capture_output=True, text=True, cwd=run.parents[2], timeout=120)


def prune(run: Path) -> subprocess.CompletedProcess[str]:
    words = cli("runs", "--prune", "--keep", "0")
    return subprocess.run(words, capture_output=True, text=True, cwd=run.parents[2], timeout=120)


def test_the_run_of_a_killed_supervisor(killed: tuple[Path, int, subprocess.Popen[str]]):
    run, pid, supervisor = killed
    done = prune(run)  # both record
    assert "Deleted 0 runs, kept 1" in done.stdout and "still being recorded" in done.stderr
    supervisor.send_signal(signal.SIGKILL)
    supervisor.wait()
    done = report(run)  # the program is left
    assert done.returncode == 2 and "still being recorded" in done.stderr and len(done.stderr.splitlines()) == 1
    (run.parents[2] / "may end").touch()
    while os.path.exists(f"/proc/{pid}"):
        time.sleep(0.02)
    done = report(run)
    assert done.returncode == 0, done.stderr
    judged = json.loads(done.stdout)["run"]
    assert judged["steps"] == 200 and judged["exit_code"] is None
    assert any("cut off" in note for note in judged["notes"])
    assert load(run).ended_ns >= load(run).steps["t1"].max()
    assert not list((run / "live").glob("*.ring"))
    again = json.loads(report(run).stdout)["run"]
    assert again["steps"] == 200 and again["notes"] == judged["notes"]
    assert "Deleted 1 runs, kept 0" in prune(run).stdout and not run.exists()


def begun(folder: Path) -> Path:
    (folder / "live").mkdir(parents=True)
    (folder / "tables").mkdir()
    run = {"format": "bottleneck.run", "version": 1, "started_ns": 1, "ended_ns": None, "exit_code": None}
    write_json(folder / "run.json", run)
    return folder


def put_half(ring: Ring, loader: int, at: int, count: int, first: bool, last: bool) -> None:
    """Part of a pass: ``count`` waits, each but the last of the pass with a forward; times from 1,000 * ``at`` on."""
    for i in range(count):
        start = 1000 * (at + i)
        over = last and i == count - 1
        flags = (signals.FIRST if first and i == 0 else 0) | (signals.END if over else 0)
        ring.put(signals.DATA_WAIT, flags, start, start + 100, loader)
        if not over:
            ring.put(signals.FORWARD, 0, start + 200, start + 700, 4)


@settings(max_examples=25, deadline=None)
@given(
    epochs=st.lists(st.tuples(st.integers(1, 8), st.integers(1, 8)), min_size=1, max_size=5),
    cuts=st.sets(st.integers(0, 9)),
    torn=st.booleans(),
)
def test_a_recording_that_goes_on_is_the_one_that_was_not_killed(
    tmp_path_factory: pytest.TempPathFactory, epochs: list[tuple[int, int]], cuts: set[int], torn: bool
):
    halves = [(1 + index % 2, half, count) for index, pair in enumerate(epochs) for half, count in enumerate(pair)]
    recordings = []
    for killed in (False, True):
        run = begun(tmp_path_factory.mktemp("run") / "run")
        ring = Ring(str(run / "live" / "999999-1.ring"), 1, 1024)
        saver = Saver(Drain(run), Writer(run))
        at = 1
        for index, (loader, half, count) in enumerate(halves):
            put_half(ring, loader, at, count, half == 0, half == 1)
            ring.put(signals.MARK, 0, 1000 * (at + count) - 100, 1000 * (at + count) - 100, index)
            at += count
            saver.drain.poll(everything=True)
            if index in cuts:  # often in the middle of a pass: its fold is open
                saver.save([], [])
                if killed:
                    if torn:
                        (run / "tables" / f"events-{saver.writer.part + 1:05d}.parquet").write_bytes(b"half")
                    drain, part, _ = resume.restore(run)
                    saver = Saver(drain, Writer(run, part))
                    recovery._cut(run, part, 0)
        if not killed:
            saver.drain.poll(everything=True)
            saver.drain.retire()
            saver.save([], [], final=True)
            write_json(run / "run.json", {**json.loads((run / "run.json").read_text()), "ended_ns": 10**9})
        assert recovery.recover(run) is killed
        recordings.append(load(run))
    whole, resumed = recordings
    assert len(resumed.steps["t0"]) == sum(first + second - 1 for first, second in epochs)
    for name in whole.steps:
        assert whole.steps[name].tolist() == resumed.steps[name].tolist(), name
    assert whole.events.tolist() == resumed.events.tolist()
    assert resumed.written_records == sum(2 * (first + second) + 1 for first, second in epochs)
    assert resumed.dropped_records == 0


def test_what_the_ring_no_longer_holds_is_counted(tmp_path: Path):
    run = begun(tmp_path / "run")
    ring = Ring(str(run / "live" / "999999-1.ring"), 1, 64)
    saver = Saver(Drain(run), Writer(run))
    put_half(ring, 1, 1, 10, True, True)
    saver.drain.poll(everything=True)
    saver.save([], [])
    put_half(ring, 1, 20, 60, True, True)
    assert recovery.recover(run)
    recording = load(run)
    assert recording.dropped_records == 119 - 64 and recording.written_records == 19 + 119
    assert len(recording.steps["t0"]) >= 9 + 30


def test_a_run_in_progress_is_not_removed(tmp_path: Path):
    run = begun(tmp_path / "run")
    program = "import sys, pathlib; from bottleneck_profiler.recording.folder import hold;"
    program += "hold(pathlib.Path(sys.argv[1])); print(1, flush=True); sys.stdin.read()"
    pipe = subprocess.PIPE
    with started([sys.executable, "-c", program, run], stdin=pipe, stdout=pipe) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert not remove(run) and run.is_dir()
        with pytest.raises(RunError, match="still being recorded"):
            session.analyse(run)
    assert remove(run) and not run.exists()
    hold(tmp_path / "nowhere")  # no folder to hold is no error


def test_the_number_of_a_process_that_came_later_does_not_count(tmp_path: Path):
    run = begun(tmp_path / "run")
    side = run / "live" / f"{os.getpid()}.side"
    side.write_text("")
    assert not remove(run)
    os.utime(side, (1, 1))
    assert remove(run)


def test_a_standing_that_cannot_be_read_is_named(tmp_path: Path):
    run = begun(tmp_path / "run")
    (run / resume.FILE).write_bytes(b"PK\x03\x04 not that")
    with pytest.raises(RunError, match=r"drained\.npz is damaged"):
        recovery.recover(run)
