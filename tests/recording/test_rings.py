"""Rings written by the recorder and read by the drain: nothing lost, nothing invented, whatever the wrap."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.agent.calibration import call_seconds
from bottleneck_profiler.agent.recorder import Recorder
from bottleneck_profiler.agent.ring import NullRing, Ring
from bottleneck_profiler.capture import resume
from bottleneck_profiler.capture.drain import Drain
from bottleneck_profiler.recording.model import TABLE_OF
from helpers import started
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture
def live(tmp_path: Path) -> Path:
    (tmp_path / signals.LIVE).mkdir()
    return tmp_path


@settings(max_examples=40, deadline=None)
@given(batches=st.lists(st.integers(0, 90), max_size=12))
def test_every_record_is_read_once_or_counted_as_dropped(tmp_path_factory: pytest.TempPathFactory, batches: list[int]):
    folder = tmp_path_factory.mktemp("ring")
    (folder / signals.LIVE).mkdir()
    ring = Ring(str(folder / signals.LIVE / f"{os.getpid()}-1.ring"), 1, 64)
    drain = Drain(folder)
    written = 0
    seen: list[int] = []
    for size in batches:
        for _ in range(size):
            ring.put(signals.BATCH, 0, written, written + 1, written)
            written += 1
        drain.poll(everything=True)
    _, tables = drain.take(final=True)
    for table in tables.values():
        seen += table["arg"].tolist()
    assert seen == sorted(set(seen))
    assert len(seen) + drain.dropped == written == drain.written
    assert not seen or seen[-1] == written - 1


def test_records_of_an_unknown_kind_are_counted_and_named_and_reach_no_table(live: Path, monkeypatch):
    ring = Ring(str(live / signals.LIVE / f"{os.getpid()}-1.ring"), 1, 64)
    for kind in (99, signals.BATCH, 99, 2**31 + 1, signals.MARK):
        ring.put(kind, 0, 1, 2, 3)
    with pytest.raises(ValueError, match="99"):
        Drain(live).poll(everything=True)
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    drain = Drain(live)
    drain.poll(everything=True)
    _, tables = drain.take(final=True)
    assert {name: table["kind"].tolist() for name, table in tables.items()} == {
        "samples": [signals.BATCH],
        "events": [signals.MARK],
    }
    assert drain.skipped[0] == "2 records of unknown kind 99 were skipped." and len(drain.skipped) == 2
    resume.save(drain, 1, 0)
    assert resume.restore(live)[0].skipped == drain.skipped


def test_every_kind_has_a_table():
    assert set(TABLE_OF) == {*range(len(signals.PHASES)), *signals.EVENTS}


def test_totals_survive_a_wrap(live: Path):
    ring = Ring(str(live / signals.LIVE / f"{os.getpid()}-1.ring"), 1, 64)
    drain = Drain(live)
    for _ in range(1000):
        outer, ring.phase = ring.phase, signals.FORWARD
        ring.close(signals.FORWARD, outer, time.monotonic_ns())
    drain.poll(everything=True)
    drain.take(final=True)
    assert drain.totals[0, signals.FORWARD, signals.NONE][0] == 1000
    assert drain.dropped >= 1000 - 64


def test_records_outlive_sigkill(live: Path):
    program = """
import sys, time
sys.path.insert(0, sys.argv[2])
from bottleneck_profiler.agent.recorder import Recorder
r = Recorder(sys.argv[1]).ring()
i = 0
while True:
    r.put(76, 0, time.monotonic_ns(), time.monotonic_ns(), i)
    i += 1
    print(i, flush=True)
    time.sleep(0.001)
"""
    with started([sys.executable, "-c", program, live, ""], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        told = [int(child.stdout.readline()) for _ in range(100)][-1]
    drain = Drain(live)
    drain.poll(everything=True)
    drain.retire()
    _, tables = drain.take(final=True)
    drain.discard()
    marks = tables["events"]
    assert marks["arg"].tolist() == list(range(len(marks))) and len(marks) >= told  # each was written before it said so
    assert marks["t1"].max() <= time.monotonic_ns()
    assert not list((live / signals.LIVE).glob("*.ring"))


def test_a_foreign_ring_is_left_alone_and_named(live: Path):
    path = live / signals.LIVE / "1-1.ring"
    path.write_bytes(b"something else" * 1000)
    drain = Drain(live)
    drain.poll(everything=True)
    assert path.exists() and str(path) in drain.problems[0]


def test_an_unwritable_folder_turns_recording_off_silently(tmp_path: Path):
    recorder = Recorder(str(tmp_path / "missing"))
    assert isinstance(recorder.ring(), NullRing)
    recorder.ring().put(76, 0, 0, 0, 0)
    recorder.note("x", a=1)
    assert not recorder.active


def test_a_recording_ends_with_the_first_record_after_its_time(live: Path):
    recorder = Recorder(str(live), until=time.monotonic_ns() + 3600 * 10**9)
    told: list[bool] = []
    recorder.at_end = lambda: told.append(recorder.active)
    ring = recorder.ring()
    ring.put(signals.MARK, 0, 1, recorder.until - 1, 1)
    recorder.note("before")
    assert recorder.lasts() and recorder.ring() is ring and not told
    ring.put(signals.MARK, 0, 1, recorder.until, 2)
    assert not recorder.lasts() and isinstance(recorder.ring(), NullRing) and told == [False]
    recorder.note("after")
    ring.close(signals.FORWARD, 0, 1)  # by a hook that holds it: harmless
    assert [path.suffix for path in (live / signals.LIVE).iterdir()].count(".ring") == 1
    (side,) = (live / signals.LIVE).glob("*.side")
    assert "before" in side.read_text() and "after" not in side.read_text()
    late = Recorder(str(live), until=time.monotonic_ns())
    assert isinstance(late.ring(), NullRing) and not late.active


def test_side_file_round_trip_of_hostile_text(live: Path):
    recorder = Recorder(str(live))
    text = "a\nb\t'\"\\ \udcff é"
    recorder.string(text)
    drain = Drain(live)
    drain.poll()
    (note,) = [fields for _, kind, fields in drain.notes if kind == "string"]
    assert note["text"].startswith("a\nb\t'\"\\ ") and not drain.problems


def test_a_damaged_line_is_skipped_and_said(live: Path):
    (live / signals.LIVE / "12.side").write_text("('hello', {'a': 1})\n(('broken\n")
    drain = Drain(live)
    drain.poll()
    assert len(drain.notes) == 1 and "12.side" in drain.problems[0]


def test_fork_gets_its_own_ring(live: Path):
    program = """
import os, sys
from bottleneck_profiler.agent import recorder
r = recorder.install(sys.argv[1])
r.ring().put(76, 0, 1, 1, 1)
if os.fork() == 0:
    recorder.recorder().ring().put(76, 0, 2, 2, 2)
    os._exit(0)
os.wait()
r.ring().put(76, 0, 3, 3, 3)
"""
    subprocess.run([sys.executable, "-c", program, str(live)], check=True)
    drain = Drain(live)
    drain.poll(everything=True)
    _, tables = drain.take(final=True)
    marks = tables["events"]
    by_process = {int(p): marks["arg"][marks["process"] == p].tolist() for p in np.unique(marks["process"])}
    assert sorted(by_process.values()) == [[1, 3], [2]]


def test_what_the_sampler_cost_is_counted_apart(live: Path):
    ring = Ring(str(live / signals.LIVE / f"{os.getpid()}-32001.ring"), 32001, 64)
    drain = Drain(live)
    for ns in (4000, 6000):
        ring.spent(ns)
    drain.poll(everything=True)
    drain.take(final=True)
    assert drain.totals == {(0, signals.NONE, signals.NONE): (2, 10_000)}


def test_a_recorded_call_has_a_price_here():
    price = call_seconds()
    assert price is not None and 0 < price < 1e-3
