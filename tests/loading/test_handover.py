"""Batches on their way from the workers: what is looked at there, what the loop's stacks say, and when that is told."""

from __future__ import annotations

import multiprocessing.queues
import pickle

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.collectors.support import queues
from bottleneck_profiler.collectors.support.queues import watch_queues
from bottleneck_profiler.detectors.loading.input_wait import InputWait
from bottleneck_profiler.detectors.loading.ipc_serialise import IpcSerialise
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotApplicable, NotMeasured
from bottleneck_profiler.diagnosis.ranking import rank
from bottleneck_profiler.recording.model import RECORD_DTYPE, TABLE_OF, Frame
from hypothesis import given, settings
from hypothesis import strategies as st

from loading import loops

SECOND = loops.SECOND
CONNECTION, QUEUES = (
    "/usr/lib/python3.11/multiprocessing/connection.py",
    "/usr/lib/python3.11/multiprocessing/queues.py",
)
GET = Frame("Queue.get", QUEUES, 122, False)
READING = (Frame("Connection._recv", CONNECTION, 395, False), GET)
POLLING = (Frame("wait", "/usr/lib/python3.11/selectors.py", 9, False), Frame("Connection._poll", CONNECTION, 9, False))
BLOCKED, CPU = signals.STACK_BLOCKED, signals.STACK_CPU


def sent(work=0.012, wait=0.020, waits=((1.0, CPU, READING),), size=8_000_000, pickling=0.010, load=0.005, **more):
    """A loop whose waits look like ``waits``: (share, kind, frames innermost first)."""
    made = loops.loop(work, wait, workers=2, load=load, load_cpu=load / 2, **more)
    starts = made.steps["t0"]
    rows = [
        (1 + i % 2, 2, signals.PICKLED, 50, t, t + int(pickling * SECOND), size) for i, t in enumerate(starts[::16])
    ]
    made.samples = np.concatenate([made.samples, np.array(rows, RECORD_DTYPE)])
    stacks = []
    for number, (share, kind, frames) in enumerate(waits, 1):
        made.facts.stacks[0, number] = (*frames, loops.user("main", 10))
        at = starts + int(work * SECOND)
        stacks += [(0, 1, kind, signals.DATA_WAIT, t, t + int(share * wait * SECOND), number) for t in at.tolist()]
    made.stacks = np.array(stacks, RECORD_DTYPE)
    return made


def judge(made):
    return loops.judge(IpcSerialise(), made)


def test_arrays_through_the_pipe_want_to_be_tensors():
    found = judge(sent())
    assert isinstance(found, Finding), found
    # 20 ms of receiving become 1.6 for the queue and 2.9 for the first touch of 8 MB.
    assert found.gain.seconds == pytest.approx(397 * (0.020 - 0.0016 - 0.00286), rel=0.02)
    assert found.gain.low <= found.gain.share <= found.gain.high
    compile(found.fix.snippet, "snippet", "exec")


def test_the_share_of_the_wait_that_is_receiving_counts():
    half = judge(sent(waits=((0.5, CPU, READING), (0.5, BLOCKED, (*POLLING, GET)))))
    assert half.gain.seconds == pytest.approx(397 * (0.010 - 0.00446), rel=0.02)
    # Blocked in a read, or at a handshake, something is coming; blocked in the queue itself, somebody holds its lock.
    assert judge(sent(waits=((1.0, BLOCKED, READING),))).gain.seconds > half.gain.seconds
    assert isinstance(judge(sent(waits=((1.0, BLOCKED, (GET,)),))), Fine)


def test_workers_that_pickle_slower_than_the_loop_receives_set_the_pace():
    waits = ((0.5, CPU, READING), (0.5, BLOCKED, (*POLLING, GET)))
    found = judge(sent(work=0.002, wait=0.030, waits=waits, pickling=0.06, busy=0.2))
    assert found.gain.seconds == pytest.approx(397 * (0.030 - 0.002 - 0.00446), rel=0.02)


@pytest.mark.parametrize(
    "made",
    [
        sent(waits=((1.0, BLOCKED, (*POLLING, GET)),)),
        sent(wait=0.0005),
        sent(work=0.002, wait=0.002, size=2_000),
        sent(work=0.100, wait=0.004),
        sent(load=0.064),
    ],
    ids=["waited for", "no wait", "a few tensors", "little of the step", "workers too slow"],
)
def test_silent(made):
    assert isinstance(judge(made), Fine)


def test_what_was_not_looked_at_is_not_measured():
    made = sent()
    made.samples = made.samples[made.samples["kind"] != signals.PICKLED]
    assert isinstance(judge(made), NotMeasured)
    made = sent()
    made.stacks = made.stacks[:0]
    assert isinstance(judge(made), NotMeasured)
    assert isinstance(judge(loops.loop(0.01, 0.01)), NotApplicable)


def test_it_explains_the_wait():
    made = sent()
    ranked, aside, _ = rank(
        [loops.judge(InputWait(), made), judge(made)], {"ipc-serialise": IpcSerialise.explains}, made.wall_seconds
    )
    assert [each.finding.detector for each in ranked + aside] == ["ipc-serialise"]


@settings(max_examples=60, deadline=None)
@given(st.floats(0.001, 0.1), st.floats(0.001, 0.1), st.floats(0, 1), st.integers(0, 10**8))
def test_no_more_is_promised_than_is_waited(work, wait, share, size):
    made = sent(work, wait, ((share, CPU, READING), (1 - share, BLOCKED, (*POLLING, GET))), size, steps=60)
    found = judge(made)
    if isinstance(found, Finding):
        assert 0 <= found.gain.low <= found.gain.share <= found.gain.high
        assert found.gain.seconds <= 57 * wait + 1e-6


def test_what_is_seen_of_batches_leaves_stages_steps_and_marks_where_they_were():
    names = [signals.EVENTS[kind] for kind in (signals.SAMPLE_KEY, signals.PICKLED, signals.STAGE, signals.MARK)]
    assert names == ["sample.key", "pickled", "stage", "mark"]  # no number stands for two
    assert TABLE_OF[signals.PICKLED] == TABLE_OF[signals.SAMPLE_KEY] == TABLE_OF[signals.BATCH] == "samples"
    assert {TABLE_OF[kind] for kind in (signals.LOOP, signals.STAGE, signals.STEP, signals.MARK)} == {"steps"}


# -- in a worker ------------------------------------------------------------------------------------------------------


class Recorder:
    """Keeps records and failures."""

    def __init__(self):
        self.failed, self.records = set(), []

    def ring(self):
        return self

    def put(self, kind, flags, t0, t1, arg):
        self.records.append((kind, t1 >= t0, arg))

    def fail(self, collector, where, error):
        self.failed.add(collector)


@pytest.fixture
def pickler(monkeypatch):
    """(the class that queues pickle with, a recorder that sees it), put back after the test."""
    monkeypatch.setattr(multiprocessing.queues, "_ForkingPickler", multiprocessing.queues._ForkingPickler)
    recorder = Recorder()
    watch_queues(recorder)
    watch_queues(recorder)  # a worker's own initialisation may run twice
    return multiprocessing.queues._ForkingPickler, recorder


def test_one_batch_in_sixteen_is_looked_at_and_all_arrive_as_they_were(pickler):
    made, recorder = pickler
    plain = made.__mro__[1]
    batch = {"x": np.arange(1000), "y": [1.5, "two"]}
    for number in range(64):
        data = made.dumps((number, batch))
        assert bytes(data) == bytes(plain.dumps((number, batch)))
        assert made.loads(data)[1]["y"] == batch["y"]
    size = len(plain.dumps((0, batch)))
    assert recorder.records == [(signals.PICKLED, True, size)] * 4
    assert issubclass(made, pickle.Pickler) and made.__mro__.count(plain) == 1


def test_what_cannot_be_pickled_says_so_as_before(pickler):
    made, recorder = pickler
    with pytest.raises(Exception, match="pickle") as ours:
        made.dumps((0, lambda: None))
    with pytest.raises(Exception, match="pickle") as plain:
        made.__mro__[1].dumps((0, lambda: None))
    assert type(ours.value) is type(plain.value)
    assert not recorder.records and not recorder.failed


def test_a_record_that_cannot_be_written_is_reported_and_nothing_else(pickler):
    made, recorder = pickler
    recorder.put = None
    assert made.loads(made.dumps((0, "batch"))) == (0, "batch")
    assert recorder.failed == {"queues"}
    assert made.loads(made.dumps((1, "batch"))) == (1, "batch")


def test_a_clock_that_fails_is_reported_and_nothing_else(pickler, monkeypatch):
    made, recorder = pickler
    monkeypatch.setattr(queues, "thread_time_ns", None)
    assert made.loads(made.dumps((0, "batch"))) == (0, "batch")
    assert recorder.failed == {"queues"} and not recorder.records
