"""The threads beside the main one: each is found with its line, and with what it ran and what it waited."""

from __future__ import annotations

import sys
import threading

import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.agent.files import Files
from bottleneck_profiler.artifacts.run.threads import Threads
from bottleneck_profiler.collectors.support import other_threads, stack_table
from bottleneck_profiler.collectors.support.other_threads import OtherThreads, _Thread
from bottleneck_profiler.collectors.support.tasks import SuspendedTasks

from collectors.children import Run

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="POSIX timers on a CPU clock")
MS = 1_000_000
OFTEN = "pace.LONGEST_LOOK_NS, pace.COST_SHARE = pace.LOOK_NS, 1  # a look every 25 ms, whatever one costs here\n"


def inside(threads: Threads, *functions: str) -> tuple[float, float]:
    """(running, blocked) seconds of all threads in one of these functions."""
    found = [
        stack
        for thread in threads.threads
        for stack in thread.stacks
        if any(frame.function.endswith(functions) for frame in stack.frames)
    ]
    return sum(stack.cpu_seconds for stack in found), sum(stack.blocked_seconds for stack in found)


POOL = """
import threading, time
from concurrent.futures import ThreadPoolExecutor
def crunch(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(500))
def serve(asked):
    while not asked.is_set():
        time.sleep(0.25)
asked = threading.Event()
server = threading.Thread(target=serve, args=(asked,), name="server")
server.start()
with ThreadPoolExecutor(2, "pool") as pool:
    list(pool.map(crunch, [0.6, 0.6]))
asked.set()
server.join()
print(time.process_time() - time.thread_time())
"""


def test_a_pool_that_runs_and_a_server_that_waits_are_found_with_their_lines(tmp_path):
    run = Run(tmp_path, POOL)
    assert run.result.returncode == 0, run.result.stderr
    assert not run.notes("failed")
    threads = run.threads()
    assert {thread.name for thread in threads.threads} == {"pool_0", "pool_1", "server"}
    running, _ = inside(threads, "crunch")
    assert 0.7 < running / float(run.result.stdout) < 1.05
    assert inside(threads, "serve")[0] < 0.05 * inside(threads, "serve")[1]
    assert inside(threads, "serve")[1] > 0.4 * running / 2
    pooled = [thread for thread in threads.threads if thread.name.startswith("pool")]
    assert min(thread.cpu_seconds for thread in pooled) > 0.5 * max(thread.cpu_seconds for thread in pooled)
    (place, *_) = pooled[0].stacks
    line = next(frame for frame in place.frames if frame.user)
    assert line.function == "crunch"


TURNS = """
import hashlib, threading, time
def hashes(data=bytes(1 << 24)):
    hashlib.blake2b(data)
def waits():
    {wait}
def turns():
    for _ in range(40):
        hashes()
        waits()
"""


@pytest.mark.parametrize("wait", ["threading.Event().wait(0.03)", "time.sleep(0.03)"])
def test_one_thread_that_runs_and_waits_in_turns_has_each_where_it_did_it(tmp_path, wait):
    run = Run(
        tmp_path,
        OFTEN
        + TURNS.replace("{wait}", wait)
        + "thread = threading.Thread(target=turns)\nthread.start()\nthread.join()\n",
    )
    assert run.result.returncode == 0, run.result.stderr
    threads = run.threads()
    in_hashes, in_waits = inside(threads, "hashes"), inside(threads, "waits")
    assert in_hashes[0] > in_waits[0]
    assert in_waits[1] > 0.2


def test_threads_of_a_forked_child_are_its_own(tmp_path):
    body = """
import os, threading, time
def in_parent(): time.sleep(0.8)
def in_child(): burn(20)
def start(target):
    threading.Thread(target=target, name=target.__name__).start()
start(in_parent)
burn(4)
pid = os.fork()
if not pid:
    burn(4)
    start(in_child)
    burn(4)
    sys.exit()
assert os.waitpid(pid, 0)[1] == 0
"""
    run = Run(tmp_path, OFTEN + body)
    assert run.result.returncode == 0, run.result.stderr
    recording = run.recording()
    parent, child = (
        Threads.of(recording, process.index) for process in sorted(recording.facts.processes, key=lambda p: p.hello_ns)
    )
    assert [thread.name for thread in parent.threads] == ["in_parent"]
    assert [thread.name for thread in child.threads] == ["in_child"]
    assert child.threads[0].cpu_seconds > 0.05


def test_threads_that_come_and_go(tmp_path):
    body = """
import threading, time
import _bottleneck_child.collectors.support.other_threads as others
others.MAX_NAMED = 5
def short(): burn(3)
for _ in range(10):  # what the ring holds is read at the end
    threads = [threading.Thread(target=short) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""
    run = Run(tmp_path, OFTEN + body)
    assert run.result.returncode == 0, run.result.stderr
    assert not run.notes("failed")
    threads = run.threads()
    assert sorted(thread.index for thread in threads.threads) == [0, 1, 2, 3, 4, 5]
    assert inside(threads, "short")[0] > 0.3


def test_many_threads_cost_no_more_than_they_may(tmp_path):
    body = """
import threading, time
pace.EARLY_NS = 0  # as in a process that is no longer young
done = threading.Event()
for at in range(64):
    threading.Thread(target=done.wait if at % 2 else naps, daemon=True).start()
collector = stacks._collector
time.sleep(1.5)  # the first looks, which learn the stacks, are dearer
began, spent = time.monotonic_ns(), collector.pace.look_cost_ns
time.sleep(3)
spent = collector.pace.look_cost_ns - spent
print(spent / (time.monotonic_ns() - began) / pace.COST_SHARE, collector._other_threads.on)
"""
    run = Run(tmp_path, "def naps():\n    while True: time.sleep(0.01)\n" + body)
    assert run.result.returncode == 0, run.result.stderr
    share, on = run.result.stdout.split()
    assert float(share) < 8 and on == "True", "a look is at least every 100 ms: 2 to 4 on slow cores"
    threads = run.threads().threads
    assert len(threads) == 64
    assert all(thread.cpu_seconds + thread.blocked_seconds > 1 for thread in threads)


def test_a_cap_on_what_one_look_reads_misses_nobody(tmp_path):
    body = """
import threading
import _bottleneck_child.collectors.support.other_threads as others
others.MAX_WALKED = 2
def each(): burn(60)
threads = [threading.Thread(target=each) for _ in range(6)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    run = Run(tmp_path, OFTEN + body)
    assert run.result.returncode == 0, run.result.stderr
    seconds = [thread.cpu_seconds for thread in run.threads().threads]
    assert len(seconds) == 6 and min(seconds) > 0.05


def test_a_thread_that_threading_does_not_know_is_blocked_wherever_it_is(tmp_path):
    body = """
import _thread, time
def alone(): time.sleep(5)
_thread.start_new_thread(alone, ())
time.sleep(0.5)
print("threading" in sys.modules)
"""
    run = Run(tmp_path, OFTEN + body)
    assert run.result.stdout == "False\n", run.result.stderr
    (thread,) = run.threads().threads
    assert (thread.name, thread.native_id, thread.cpu_seconds) == ("", 0, 0) and thread.blocked_seconds > 0.1


@pytest.mark.parametrize("method", ["_look", "_write"])
def test_a_failure_costs_the_other_threads_alone(tmp_path, method):
    body = f"""
import threading, time
import _bottleneck_child.collectors.support.other_threads as others
def fail(*_): raise SystemExit("planted")
others.OtherThreads.{method} = fail
def nap(): time.sleep(0.5)
threading.Thread(target=nap).start()
nap()
burn()
print("fine", stacks._collector.on)
"""
    run = Run(tmp_path, OFTEN + body)
    assert (run.result.returncode, run.result.stdout, run.result.stderr) == (0, "fine True\n", "")
    (failed,) = run.notes("failed")
    assert failed["collector"] == "threads" and "planted" in failed["error"]
    assert run.seconds(signals.STACK_BLOCKED, "nap") > 0.2


class Recorder:
    """Takes the place of the recorder and of a ring."""

    files = Files("")

    def __init__(self) -> None:
        self.records: list[tuple[int, int, int, int]] = []
        self.notes: list[dict[str, object]] = []

    def note(self, kind: str, **fields: object) -> None:
        self.notes.append(fields)

    def is_user(self, code: object) -> bool:
        return True

    def put(self, kind: int, flags: int, t0: int, t1: int, arg: int) -> None:
        self.records.append((kind, flags >> 8, (t1 - t0) // MS, arg & 0xFFFFFFFF))


CPU, BLOCKED = signals.THREAD_CPU, signals.THREAD_BLOCKED
RUN, WAIT = 1, 2


def handed_out(*looks: tuple[int, int, int, bool, bool]) -> list[tuple[int, int, int, int]]:
    """(kind, looks, ms, stack) after looks at one thread: (ms since the last, of them on a CPU, stack, waits, runs)."""
    recorder = Recorder()
    others, thread = OtherThreads(recorder, None, None), _Thread(0, "worker", 0)
    thread.stack = 9
    at = cpu = 0
    for wall, ran, stack, waits, runs in looks:
        at, cpu = at + wall * MS, cpu + ran * MS
        others._hand_out(recorder, thread, at, cpu, stack, waits, runs)
    others._known[1] = thread
    others.end(recorder)
    return recorder.records


def test_what_a_thread_did_between_two_looks_goes_to_the_stack_that_does_such_a_thing():
    assert handed_out((100, 60, RUN, False, True), (100, 40, WAIT, True, False)) == [
        (CPU, 1, 60, RUN), (BLOCKED, 1, 100, WAIT), (CPU, 0, 40, WAIT),
    ]  # fmt: skip
    assert handed_out((100, 50, RUN, False, False)) == [(CPU, 1, 50, RUN), (BLOCKED, 0, 50, RUN)], "nobody knows which"
    assert handed_out((100, 2, RUN, False, False))[0] == (BLOCKED, 1, 98, RUN), "it has hardly run at all"


def test_time_that_belongs_to_no_stack_seen_is_not_carried_on_for_ever():
    records = handed_out(*[(400, 160, WAIT, True, False)] * 10)
    assert sum(ms for kind, _, ms, _ in records if kind == CPU) == 1600
    assert records.count((CPU, 1, 1120, WAIT)) == 1 and records[-1] == (CPU, 0, 480, WAIT)
    assert sum(looks for _, looks, _, _ in records) == 10


def test_a_thread_that_stands_still_is_one_record_and_its_frames_are_not_read(monkeypatch):
    recorder, walked = Recorder(), []

    class Table:
        def walk(self, frame: object) -> tuple[object, object]:
            walked.append(frame)
            return 7, None

        def number(self, place: int, lines: object) -> int:
            return place

    monkeypatch.setattr(other_threads, "clock_gettime_ns", lambda clock: 4 * MS)
    time = iter(range(0, 10_000 * MS, 100 * MS))
    monkeypatch.setattr(other_threads, "now", lambda: next(time))
    parked = threading.Event()
    thread = threading.Thread(target=parked.wait)
    thread.start()
    try:
        table = Table()
        others = OtherThreads(recorder, table, SuspendedTasks(recorder, table))
        for _ in range(26):
            others.look({thread.ident: sys._getframe(), 0: None, threading.get_ident(): None}, 0)
            others.write(recorder, prompt=True)
        others.end(recorder)
    finally:
        parked.set()
        thread.join()
    assert len(walked) == 1
    assert recorder.records == [
        (BLOCKED, 1, 96, 7),
        (BLOCKED, 10, 1000, 7),
        (BLOCKED, 10, 1000, 7),
        (BLOCKED, 5, 500, 7),
        (CPU, 0, 4, 7),
    ]
    assert recorder.notes == [{"index": 1, "name": thread.name, "native_id": thread.native_id}]


def test_stacks_past_the_limit_are_folded_to_the_innermost_line_and_the_users(monkeypatch):
    monkeypatch.setattr(stack_table, "MAX_STACKS", 3)
    recorder = Recorder()
    recorder.is_user = lambda code: code.co_filename == __file__
    table = stack_table.StackTable(recorder)

    def down(levels: int) -> int:
        return table.id_of(sys._getframe()) if levels == 0 else down(levels - 1)

    found = [down(levels) for levels in range(6)]
    assert len({*found[:3]}) == 3 and 0 not in found
    assert found[3] == found[4] == found[5], "the same line, whoever called it"
    assert [len(note["frames"]) for note in recorder.notes[3:]] == [1]
