"""The artifact made of the samples of threads beside the main one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts, Missing
from bottleneck_profiler.artifacts.run.threads import Threads
from bottleneck_profiler.files import write_json
from bottleneck_profiler.recording.facts import Hello, Stack, Thread
from bottleneck_profiler.recording.model import RECORD_DTYPE, Frame, Records, empty_steps
from bottleneck_profiler.recording.notes import append_facts
from bottleneck_profiler.recording.read import load
from bottleneck_profiler.recording.write import Writer

MS = 1_000_000
PARSE = (Frame("parse", "/w/serve.py", 12, True), Frame("handle", "/w/serve.py", 30, True))
WAIT = (Frame("wait", "/lib/python3/threading.py", 327, False), Frame("handle", "/w/serve.py", 31, True))
FACTS = [
    Hello(pid=7, ppid=1, time_ns=1, role="main", python="3.11.7"),
    Stack(10_000, PARSE),
    Stack(10_001, WAIT),
    Thread(1, "pool_0", 71),
    Thread(2, "server", 72),
]
#        kind, looks, t1 (ms), weight (ms), stack, thread
ROWS = [
    (signals.THREAD_CPU, 1, 20, 20, 10_000, 1),
    (signals.THREAD_BLOCKED, 0, 25, 5, 10_000, 1),
    (signals.THREAD_CPU, 1, 50, 25, 10_000, 1),
    (signals.THREAD_BLOCKED, 40, 1050, 1000, 10_001, 1),
    (signals.THREAD_BLOCKED, 40, 1050, 1000, 10_001, 2),
    (signals.THREAD_CPU, 2, 1060, 10, 10_999, 2),
    (signals.THREAD_CPU, 3, 1070, 10, 10_000, 0),
]


def records(rows=ROWS, process: int = 0) -> Records:
    table = np.zeros(len(rows), RECORD_DTYPE)
    for at, (kind, looks, t1, weight, stack, thread) in enumerate(rows):
        table[at] = (process, 1, kind, looks << 8, (t1 - weight) * MS, t1 * MS, stack | thread << 32)
    return table


def folder(path: Path, tables: dict[str, Records]) -> Path:
    """A run folder with these tables, and the facts."""
    (path / "tables").mkdir(parents=True)
    Writer(path).append(empty_steps(), tables, [], [], [])
    append_facts(path, [(0, fact) for fact in FACTS])
    run = {"format": "bottleneck.run", "version": 1, "started_ns": 1, "ended_ns": 2000 * MS, "exit_code": 0}
    write_json(path / "run.json", run)
    return path


def test_each_thread_has_its_stacks_with_running_and_blocked_seconds(tmp_path):
    threads = Threads.of(load(folder(tmp_path, {"threads": records()})), 0).threads
    assert [(thread.index, thread.name, thread.native_id) for thread in threads] == [
        (1, "pool_0", 71), (0, "", 0), (2, "server", 72),
    ]  # fmt: skip
    waiting, parsing = threads[0].stacks
    assert (waiting.frames, parsing.frames) == (WAIT, PARSE)
    assert (waiting.cpu_seconds, waiting.blocked_seconds, waiting.samples) == (0, pytest.approx(1), 40)
    assert (parsing.cpu_seconds, parsing.blocked_seconds) == (pytest.approx(0.045), pytest.approx(0.005))
    assert parsing.samples == 2, "the two records of one look are one sample"
    assert threads[0].cpu_seconds == pytest.approx(0.045) and threads[0].samples == 42
    assert threads[2].stacks[1].frames == (), "a stack that was not kept keeps its time"


def test_the_samples_of_another_process_are_left_out(tmp_path):
    rows = np.concatenate([records(), records([(signals.THREAD_CPU, 1, 90, 90, 10_000, 1)], process=1)])
    recording = load(folder(tmp_path, {"threads": rows}))
    assert Threads.of(recording, 0).threads[0].cpu_seconds == pytest.approx(0.045)
    assert Artifacts(recording).get(Threads).process == 0
    (other,) = Threads.of(recording, 1).threads
    assert other.cpu_seconds == pytest.approx(0.09) and other.name == ""


def test_a_folder_without_the_table_reads_as_empty(tmp_path):
    recording = load(folder(tmp_path, {}))
    assert len(recording.threads) == 0
    with pytest.raises(Missing, match="No thread beside the main one was sampled"):
        Threads.of(recording, 0)
    recording.facts.failed["stacks"] = "attach: no timer"
    with pytest.raises(Missing, match="no timer"):
        Threads.of(recording, 0)
