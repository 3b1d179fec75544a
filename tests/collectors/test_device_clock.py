"""Events at the borders between phases: made, read later and used again, on a made-up device."""

from __future__ import annotations

import struct
import sys
from types import SimpleNamespace

import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.agent.accelerator import Accelerator, module_in_use
from bottleneck_profiler.collectors import BaseCollector
from bottleneck_profiler.collectors.support import device_clock
from bottleneck_profiler.collectors.support.device_clock import DeviceClock

MS = 1_000_000
BEGIN, END = signals.DATA_WAIT, signals.DATA_WAIT | signals.DEVICE_END
STEP = (END, signals.FORWARD, signals.FORWARD | signals.DEVICE_END, BEGIN)


class Machine:
    """A device that takes ``behind`` ns after the host to get to an event, and our clock, which only it advances."""

    def __init__(self, monkeypatch, behind=0, mark_ns=0):
        self.now = 1_000_000 * MS
        self.behind = behind
        self.capturing = False
        self.made = 0
        machine = self

        class Event:
            def __init__(self, enable_timing):
                assert enable_timing and not machine.capturing
                machine.made += 1

            def record(self):
                assert not machine.capturing
                self.at = machine.now + machine.behind
                machine.now += mark_ns

            def query(self):
                assert not machine.capturing
                return machine.now >= self.at

            def elapsed_time(self, other):
                assert self.query() and other.query()
                return struct.unpack("f", struct.pack("f", (other.at - self.at) / 1e6))[0]

        module = SimpleNamespace(Event=Event, is_current_stream_capturing=lambda: self.capturing)
        monkeypatch.setattr(device_clock, "now", lambda: self.now)
        self.failed = []
        self.records = []
        self.recorder = SimpleNamespace(looping=True, failed=set(), fail=lambda *why: self.failed.append(why))
        self.accelerator = Accelerator("made-up", module)
        self.ring = SimpleNamespace(put=self.put, on=True)
        self.clock = self.ring.clock = DeviceClock(self.recorder, self.accelerator)

    def put(self, kind, border, t0, t1, argument):
        assert kind == signals.DEVICE_MARK
        self.records.append((border, t0, t1, argument & ((1 << signals.WAITED_AT) - 1)))

    def steps(self, count, step_ms=10.0, borders=STEP):
        for _ in range(count):
            for border in borders:
                if self.ring.clock is not None:
                    self.ring.clock.mark(self.ring, border, self.now)
                self.now += int(step_ms * MS / len(borders))


def test_every_border_of_a_slow_step_is_marked_once_the_device_is_there(monkeypatch):
    machine = Machine(monkeypatch, behind=15 * MS)
    machine.steps(50)
    borders, host, device, stretches = zip(*machine.records, strict=True)
    assert borders == (STEP * 50)[: len(borders)] and len(borders) > 190
    assert set(stretches) == {1} and list(host) == sorted(host)
    ahead = {t1 - t0 for t0, t1 in zip(host, device, strict=True)}
    assert max(ahead) - min(ahead) < 1000  # a clock of its own, which runs like ours
    assert machine.made < 20  # they are used again


def test_hours_do_not_make_the_clock_coarser(monkeypatch):
    machine = Machine(monkeypatch)
    machine.steps(3 * 3600, step_ms=1000.0)
    ahead = [t1 - t0 for _, t0, t1, _ in machine.records]
    assert machine.records[-1][1] - machine.records[0][1] > 2 * 3600 * 1000 * MS
    assert max(ahead) - min(ahead) < 2 * MS


def test_nothing_is_touched_while_any_thread_captures_a_graph(monkeypatch):
    machine = Machine(monkeypatch, behind=5 * MS)
    machine.steps(20)
    seen = len(machine.records)
    machine.capturing = True  # on this stream; the events assert
    machine.steps(20)
    assert len(machine.records) == seen
    machine.capturing = False
    machine.accelerator.begins()  # and in another thread
    machine.steps(20)
    assert len(machine.records) == seen
    machine.accelerator.ended()
    machine.steps(20)
    assert machine.failed == []
    assert len({stretch for *_, stretch in machine.records}) == 2


def test_a_capture_that_fails_to_begin_is_none(monkeypatch):
    class Graph:
        def capture_begin(self, fails):
            if fails:
                raise RuntimeError

        def capture_end(self):
            pass

    machine = Machine(monkeypatch)
    module = SimpleNamespace(is_initialized=lambda: True, Event=int, current_stream=None, SomeGraph=Graph)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=module))
    collector = BaseCollector()
    collector.on = True
    collector.recorder = SimpleNamespace(clock=None, failed=set(), note=lambda *what, **more: None)
    ring = SimpleNamespace(clock=None, on=True)
    device_clock.follow(collector, ring)
    capturing = ring.clock._accelerator.capturing
    Graph().capture_begin(False)
    assert len(capturing) == 1
    Graph().capture_end()
    assert not capturing
    with pytest.raises(RuntimeError):
        Graph().capture_begin(True)
    assert not capturing and machine.failed == []
    collector.detach()
    device_clock.follow(collector, ring)  # it is followed already


def test_fast_steps_are_timed_one_in_some(monkeypatch):
    machine = Machine(monkeypatch, mark_ns=8_000)
    machine.steps(1000, step_ms=1.0)
    assert 2 < machine.clock.k <= 10
    stretches = len({stretch for *_, stretch in machine.records})
    assert 90 < stretches < 400


def test_a_long_run_is_timed_ever_more_rarely(monkeypatch):
    machine = Machine(monkeypatch)
    machine.steps(20_000)
    timed = len({t0 for border, t0, *_ in machine.records if border == BEGIN})
    assert machine.clock.k > 3 and 1000 < timed < 6000


def test_a_step_with_very_many_phases_is_not_timed(monkeypatch):
    machine = Machine(monkeypatch)
    machine.steps(30, borders=(END, *(signals.EVAL, signals.EVAL | signals.DEVICE_END) * 200))
    assert len(machine.records) <= 30 * 65


def test_a_device_that_fails_costs_the_marks_alone(monkeypatch):
    machine = Machine(monkeypatch, behind=10**12)  # no event is free again
    machine.steps(5)
    machine.accelerator.module.Event = None
    machine.steps(5)
    assert machine.ring.clock is None
    assert [(part, where) for part, where, _ in machine.failed] == [("device-clock", "mark")]


@pytest.mark.parametrize("module", (None, SimpleNamespace(is_initialized=lambda: False, Event=int)))
def test_a_device_that_the_program_has_not_used_is_not_found(monkeypatch, module):
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=module))
    assert module_in_use("Event") == ("", None)


def test_marks_before_and_after_steps_that_are_not_recorded_in_full_are_apart(monkeypatch):
    machine = Machine(monkeypatch)
    machine.steps(5)
    machine.clock.pause()
    machine.now += 30 * MS  # steps without marks
    machine.ring.clock.mark(machine.ring, END, machine.now)
    machine.steps(5, borders=(*STEP[1:], END))
    stretches = [stretch for _, _, _, stretch in machine.records]
    assert sorted(set(stretches)) == [1, 2] and stretches == sorted(stretches)


def with_tensors(monkeypatch, held, current=0):
    """A machine on which the process has so many bytes on each device, and the queues of its devices."""
    machine = Machine(monkeypatch)
    module, event = machine.accelerator.module, machine.accelerator.module.Event
    plain, machine.queues, machine.notes = event.record, [], []

    def record(self, stream=None):
        machine.queues.append(stream)
        plain(self)

    monkeypatch.setattr(event, "record", record)
    module.memory_allocated, module.device_count = lambda index: held.get(index, 0), lambda: 4
    module.current_device, module.current_stream = lambda: current, lambda index: f"queue of {index}"
    machine.recorder.note = lambda kind, **fields: machine.notes.append((kind, fields))
    return machine


def test_the_device_that_has_the_tensors_is_timed_and_the_others_are_noted(monkeypatch):
    held = {0: 10, 1: 1000, 3: 5}
    machine = with_tensors(monkeypatch, held)
    machine.steps(3)
    held.pop(3)
    machine.steps(30)
    assert set(machine.queues) == {None}  # the current one, which has some
    assert [fields for _, fields in machine.notes] == [{"index": 0, "others": [1, 3]}, {"index": 0, "others": [1]}]
    machine = with_tensors(monkeypatch, {1: 1000})
    machine.steps(30)
    assert set(machine.queues) == {"queue of 1"} and len(machine.records) > 50
    assert [fields for _, fields in machine.notes] == [{"index": 1, "others": []}]


def test_no_device_is_timed_before_one_has_tensors(monkeypatch):
    held = {}
    machine = with_tensors(monkeypatch, held)
    machine.steps(10)
    assert machine.records == [] and machine.notes == []
    held[2] = 7
    machine.steps(30)
    assert set(machine.queues) == {"queue of 2"} and machine.failed == []


def test_an_allocator_that_does_not_count_leaves_the_current_device(monkeypatch):
    machine = with_tensors(monkeypatch, {1: 1000})
    machine.accelerator.module.memory_allocated = None
    machine.steps(10)
    assert set(machine.queues) == {None} and machine.notes == [] and machine.failed == []
