"""A process is its host, its pid and its start: pids that are used again, a second host with a clock of its own."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from bottleneck_profiler import signals
from bottleneck_profiler.agent.ring import Ring
from bottleneck_profiler.capture import drain as drains
from bottleneck_profiler.capture import resume
from bottleneck_profiler.capture.drain import Drain
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.files import write_json
from bottleneck_profiler.recording.facts import Collective, Compile
from bottleneck_profiler.recording.model import RECORD_DTYPE, Facts, Process, Recording, empty_steps
from bottleneck_profiler.recording.notes import append_notes
from bottleneck_profiler.recording.read import load
from bottleneck_profiler.recording.write import Writer

HELLO = {"pid": 40, "ppid": 1, "role": "main", "python": "3.12.1"}
HOUR = 3_600_000_000_000


def test_a_pid_that_is_used_again_is_another_process(tmp_path: Path, monkeypatch) -> None:
    live = tmp_path / signals.LIVE
    live.mkdir()
    pid = os.getpid()

    def program(start_ns: int) -> None:
        with open(live / f"{pid}.side", "a") as side:
            side.write(repr(("hello", {**HELLO, "pid": pid, "time_ns": start_ns})) + "\n")
        Ring(str(live / f"{pid}-1.ring"), 1, 64).put(signals.BATCH, 0, start_ns, start_ns + 1, 0)

    drain = Drain(tmp_path)
    program(100)
    drain.poll(everything=True)
    with monkeypatch.context() as patched:
        patched.setattr(drains, "alive", lambda pid: False)
        drain.retire()
    drain.discard()
    resume.save(drain, 1, 0)
    drain, _, _ = resume.restore(tmp_path)
    program(200)
    drain.poll(everything=True)
    _, tables = drain.take(final=True)
    assert tables["samples"]["process"].tolist() == [1] and drain.pids == {pid: 1}
    assert [process for process, _, _ in drain.notes] == [1]


def test_a_program_that_replaces_itself_stays_one_process(tmp_path: Path) -> None:
    live = tmp_path / signals.LIVE
    live.mkdir()
    hello = repr(("hello", {**HELLO, "time_ns": 1})) + "\n"
    (live / "40.side").write_text(hello + hello)
    drain = Drain(tmp_path)
    drain.poll()
    assert [process for process, _, _ in drain.notes] == [0, 0]


def test_who_is_whose_worker_is_told_by_host_and_time() -> None:
    processes = [
        Process(0, 40, host="a", hello_ns=10),
        Process(1, 40, host="b", hello_ns=10),
        Process(2, 41, 40, "worker", hello_ns=20, loader=1, worker=0, host="a"),
        Process(3, 41, 40, "worker", hello_ns=20, loader=1, worker=0, host="b"),
        Process(4, 40, host="a", hello_ns=30),
        Process(5, 42, 40, "worker", hello_ns=40, loader=1, worker=0, host="a"),
    ]
    facts = Facts(processes=processes)
    found = {process: [worker.index for worker in facts.workers(process, 1)] for process in (0, 1, 4)}
    assert found == {0: [2], 1: [3], 4: [5]}


def test_times_of_another_host_are_read_on_the_clock_of_the_supervisor(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    machine = {"cores": 2.0, "hostname": "here"}
    run = {"format": "bottleneck.run", "version": 1, "started_ns": 0, "ended_ns": 9000, "machine": machine, "pid": 40}
    write_json(tmp_path / "run.json", run)
    compiled = {"frame": "0", "again": 0, "backward": False, "sizes": False}
    called = {"name": "all_reduce", "call": 1, "stands_for": 1, "site": 0, "device": "cpu", "bytes": 8}
    there = {"host": "there", "clock_offset_ns": -HOUR, "rank": "1"}
    notes = [
        (0, "hello", {**HELLO, "time_ns": 10, "rank": "0"}),
        (0, "compile", {**compiled, "t0": 20, "t1": 30}),
        (1, "hello", {**HELLO, "time_ns": HOUR + 11, **there}),
        (1, "compile", {**compiled, "t0": HOUR + 21, "t1": HOUR + 31}),
        (1, "collective", {**called, "t0": HOUR + 40, "t1": HOUR + 50}),
        (1, "bye", {"time_ns": HOUR + 99}),
    ]
    steps = {name: np.zeros(2, column.dtype) for name, column in empty_steps().items()}
    steps["process"][:], steps["t0"][:], steps["t1"][:] = [0, 1], [50, HOUR + 51], [60, HOUR + 61]
    rows = np.array([(1, 1, signals.BATCH, 0, HOUR + 70, HOUR + 80, 0)], RECORD_DTYPE)
    Writer(tmp_path).append(steps, {"samples": rows}, [], [], [])
    append_notes(tmp_path, notes)
    recording = load(tmp_path)
    assert [(process, fact.t0, fact.t1) for process, fact in recording.facts.of(Compile)] == [(0, 20, 30), (1, 21, 31)]
    (call,) = recording.facts.of_process(Collective, 1)
    assert (call.t0, call.t1, call.bytes) == (40, 50, 8)
    here, other = recording.facts.processes
    assert (other.host, other.pid, other.start_ns, other.bye_ns) == ("there", 40, 11, 99)
    assert (here.host, recording.is_root(0), recording.is_root(1)) == ("here", True, False)
    assert recording.steps["t0"].tolist() == [50, 51] and recording.steps["t1"].tolist() == [60, 61]
    assert (int(recording.samples["t0"][0]), int(recording.samples["t1"][0])) == (70, 80)


def test_a_recording_is_judged_by_what_it_holds_not_by_who_said_hello() -> None:
    nothing = np.empty(0, RECORD_DTYPE)

    def recording(count: int) -> Recording:
        steps = {name: np.zeros(count, column.dtype) for name, column in empty_steps().items()}
        steps["t0"] = np.arange(count) * 10_000_000
        steps["t1"] = steps["t0"] + 10_000_000
        return Recording({}, Facts(), steps, nothing, nothing, nothing, nothing, {}, {}, 0, 10_000_000 * count + 1)

    assert diagnose(recording(0)).verdict == "nothing recorded"
    assert diagnose(recording(5)).verdict == "too short to judge"
    judged = diagnose(recording(60))
    assert judged.verdict != "nothing recorded" and judged.run.steps == 60
