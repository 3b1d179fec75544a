"""What the lines of a run wait for: made-up looks of the supervisor beside made-up samples, then real programs."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts, Missing
from bottleneck_profiler.artifacts.run.host import Host
from bottleneck_profiler.artifacts.run.machine import Machine
from bottleneck_profiler.artifacts.run.threads import Threads
from bottleneck_profiler.artifacts.run.user_lines import UserLine, UserLines
from bottleneck_profiler.artifacts.run.waits import GIL, Target, Waits
from bottleneck_profiler.detectors.run.gil_bound_threads import GilBoundThreads
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotMeasured
from bottleneck_profiler.enrich.source._sighting import Run
from bottleneck_profiler.patterns import Source
from bottleneck_profiler.recording.facts import Thread, Wait
from bottleneck_profiler.recording.model import RECORD_DTYPE, Recording
from bottleneck_profiler.recording.read import load
from helpers import bottleneck

from .made_up import MS, Stood, library, line, recording, user

POSTGRES, CACHE = Target("socket", "10.0.0.4:5432"), Target("socket", "10.0.0.5:6379")
LOCK, SLEEP = Target("lock"), Target("sleep")
RUN = library("run", "/stdlib/subprocess.py")
GET = library("Queue.get", "/stdlib/queue.py")
RESULT = library("Future.result", "/stdlib/concurrent/futures/_base.py")


def seen(made: Recording, *looks: tuple[Target, int, int], cores: int = 0, native: int = 1) -> UserLines:
    """The lines of a run, one of whose threads was seen waiting: (for what, from, to) in ms."""
    targets = list(dict.fromkeys(target for target, _, _ in looks))
    for number, target in enumerate(targets, 1):
        made.facts.add(0, Wait(number, target.what, target.name))
    made.waits = np.array(
        [
            (0, 0, signals.WAIT, cores, begin * MS, end * MS, 1 + targets.index(target) | native << 32)
            for target, begin, end in looks
        ],
        RECORD_DTYPE,
    )
    return UserLines.compute(made, Waits.compute(made))


def blocked(number: int, begin: int, end: int, *below, thread: int = 0) -> Stood:
    return Stood((*reversed(below), user(number)), begin, end, thread=thread, blocked=True)


def test_a_line_that_waits_has_what_it_waits_for():
    lines = seen(recording(blocked(3, 0, 2_000), Stood((user(4),), 2_000, 4_000)), (POSTGRES, 0, 2_000))
    assert line(lines, 3).waits_for == POSTGRES
    assert line(lines, 3).waits.seconds == {POSTGRES: pytest.approx(2.0)}
    assert line(lines, 4).waits_for is None and not line(lines, 4).waits.seconds


def test_a_sample_between_two_looks_that_saw_the_same_was_that_too():
    looks = [(POSTGRES, at, at) for at in range(0, 2_100, 100)]
    assert line(seen(recording(blocked(3, 0, 2_000)), *looks), 3).waits.seconds == {POSTGRES: pytest.approx(2.0)}


def test_a_sample_between_two_looks_that_differ_is_that_of_a_look_at_the_same_moment_or_unknown():
    """Of samples every 50 ms, every second one is at the time of a look."""
    looks = [(Target("file", f"/data/{at}.csv"), at, at) for at in range(0, 2_100, 100)]
    found = line(seen(recording(blocked(3, 0, 2_000)), *looks), 3)
    assert sum(found.waits.seconds.values()) == pytest.approx(1.0)
    assert str(found.waits_for) == "files in /data"


def test_a_thread_beside_the_main_one_is_found_by_its_native_id():
    made = recording(Stood((user(9),), 0, 2_000), blocked(3, 0, 2_000, thread=1))
    made.facts.add(0, Thread(1, "pool_0", 77))
    lines = seen(made, (POSTGRES, 0, 2_000), native=77)
    assert line(lines, 3).waits_for == POSTGRES


@pytest.mark.parametrize("waits", [True, False])
def test_a_thread_that_no_look_saw_waiting_waits_for_a_core(waits: bool):
    """Its clock alone does not tell the two apart."""
    asks = Stood((user(9),), 0, 4_000, blocked=True)
    made = recording(asks, blocked(3, 0, 2_000, thread=1), Stood((user(4),), 2_000, 4_000, thread=1))
    made.facts.add(0, Thread(1, "server", 77))
    seen(made, (CACHE, 0, 4_000))
    if waits:
        looks = made.waits.copy()
        looks["t1"], looks["arg"] = 2_000 * MS, 1 | 77 << 32
        made.waits = np.concatenate([made.waits, looks])
    run = Artifacts(made).call(Run.of)
    sighting = run.sighting(Source("pass\n" * 9), line(run.lines, 3))
    assert (sighting.off_cpu, sighting.waiting) == ((True, pytest.approx(1.0)) if waits else (False, 0.0))


def test_two_servers_are_a_socket_and_two_kinds_are_nothing():
    half = (POSTGRES, 0, 1_000)
    assert line(seen(recording(blocked(3, 0, 2_000)), half, (CACHE, 1_001, 2_000)), 3).waits_for == Target("socket")
    assert line(seen(recording(blocked(3, 0, 2_000)), half, (SLEEP, 1_001, 2_000)), 3).waits_for is None


def test_a_few_looks_say_nothing_of_the_rest():
    assert line(seen(recording(blocked(3, 0, 4_000)), (POSTGRES, 0, 1_000)), 3).waits_for is None


@pytest.mark.parametrize(
    ("below", "kernel", "found"),
    [
        (RUN, SLEEP, Target("child")),
        (RUN, Target("pipe"), Target("child")),
        (RUN, Target("child", "ffmpeg"), Target("child", "ffmpeg")),
        (GET, LOCK, Target("queue")),
        (RESULT, LOCK, Target("workers")),
        (RESULT, POSTGRES, POSTGRES),
        (library("sleep", "/stdlib/asyncio/tasks.py"), POSTGRES, SLEEP),
        (library("Lock.acquire", "/stdlib/asyncio/locks.py"), Target("events"), LOCK),
        (library("Queue.get", "/stdlib/asyncio/queues.py"), POSTGRES, Target("queue")),
    ],
)
def test_library_frames_say_what_a_lock_or_a_pipe_is_for(below, kernel, found):
    assert line(seen(recording(blocked(3, 0, 2_000, below)), (kernel, 0, 2_000)), 3).waits_for == found


def test_frames_alone_decide_where_the_kernel_was_not_read():
    made = recording(blocked(3, 0, 2_000, RUN), blocked(4, 2_000, 4_000, library("recv", "/site-packages/x.py")))
    with pytest.raises(Missing):
        Waits.compute(made)
    lines = UserLines.compute(made)
    assert (line(lines, 3).waits_for, line(lines, 4).waits_for) == (Target("child"), None)


def test_a_lock_that_is_held_while_native_threads_compute_is_a_wait_for_those():
    assert line(seen(recording(blocked(3, 0, 2_000)), (LOCK, 0, 2_000), cores=180), 3).waits_for == Target("native")
    assert line(seen(recording(blocked(3, 0, 2_000)), (LOCK, 0, 2_000), cores=10), 3).waits_for == LOCK
    python = recording(blocked(3, 0, 2_000), Stood((user(8),), 0, 2_000, thread=1))
    assert line(seen(python, (LOCK, 0, 2_000), cores=100), 3).waits_for == LOCK


def test_a_thread_that_waits_for_clients_is_not_where_the_time_of_a_run_stands():
    work = [Stood((user(7),), at, at + 100) for at in range(0, 4_000, 200)]
    made = recording(blocked(3, 0, 4_000), *work)
    assert UserLines.compute(made).largest(0).line == 3
    assert seen(made, (Target("accept", "127.0.0.1:80"), 0, 4_000)).largest(0).line == 7


def test_a_pool_that_waits_for_a_server_is_where_the_time_of_its_caller_stands():
    made = recording(
        blocked(3, 0, 4_000, RESULT), blocked(7, 0, 4_000, thread=1), blocked(8, 0, 4_000, thread=2), wall_ms=4_000
    )
    for number in (1, 2):
        made.facts.add(0, Thread(number, "", 76 + number))
    assert UserLines.compute(made).largest(0).line == 3
    assert seen(made, (POSTGRES, 0, 4_000), native=78).largest(0).line == 8
    assert seen(made, (SLEEP, 0, 4_000), native=78).largest(0).line == 3


def computing_in_turns(waited_for: Target | None) -> UserLine:
    """A thread that runs for a third of its time."""
    made = recording(
        Stood((user(9),), 0, 100), Stood((user(3),), 0, 2_000, thread=1), blocked(3, 2_000, 6_000, thread=1)
    )
    made.facts.add(0, Thread(1, "", 77))
    return line(UserLines.compute(made) if waited_for is None else seen(made, (waited_for, 0, 6_000), native=77), 3)


def test_waits_for_the_gil_are_no_waits_for_something_else():
    held, other, unknown = map(computing_in_turns, (GIL, POSTGRES, None))
    assert (held.gil_share, other.gil_share, unknown.gil_share) == (1.0, 0.0, None)
    assert held.waiting_share == computing_in_turns(Target("native")).waiting_share == pytest.approx(0.0)
    assert other.waiting_share == other.blocked_share == unknown.waiting_share


@pytest.mark.parametrize(
    ("waited_for", "outcome"), [(None, NotMeasured), (GIL, Finding), (POSTGRES, Fine), (LOCK, NotMeasured)]
)
def test_threads_on_a_busy_machine_are_bound_by_the_gil_if_they_were_seen_waiting_for_it(waited_for, outcome):
    """Two threads that each run for a quarter of their time, while other programs use the cores."""
    made = recording(
        Stood((user(9),), 0, 100),
        *(Stood((user(3),), 0, 1_500, thread=thread) for thread in (1, 2)),
        *(blocked(3, 1_500, 6_000, thread=thread) for thread in (1, 2)),
        wall_ms=6_000,
    )
    for number in (1, 2):
        made.facts.add(0, Thread(number, "", 76 + number))
    lines = UserLines.compute(made) if waited_for is None else seen(made, (waited_for, 0, 6_000), native=77)
    times = np.arange(0, 6_100, 100) * MS
    host = Host({"time_ns": times, "idle_cores": np.zeros(len(times))})
    found = GilBoundThreads().detect(made, lines, Threads.of(made, 0), Machine(2.0, 1 << 34), host)
    assert isinstance(found, outcome)


def test_threads_that_were_never_seen_waiting_may_have_queued_for_a_core():
    """Two threads that use about one core together, on a machine that has no more: as hashing beside other programs."""
    made = recording(
        Stood((user(9),), 0, 100),
        *(Stood((user(3),), 0, 2_700, thread=thread) for thread in (1, 2)),
        *(blocked(3, 2_700, 6_000, thread=thread) for thread in (1, 2)),
        wall_ms=6_000,
    )
    for number in (1, 2):
        made.facts.add(0, Thread(number, "", 76 + number))
    times = np.arange(0, 6_100, 100) * MS
    host = Host({"time_ns": times, "idle_cores": np.zeros(len(times))})

    def judged():
        lines = UserLines.compute(made)
        return GilBoundThreads().detect(made, lines, Threads.of(made, 0), Machine(2.0, 1 << 34), host)

    assert isinstance(judged(), Finding)  # nothing was watched
    made.waits = np.zeros(1, RECORD_DTYPE)
    assert isinstance(judged(), NotMeasured)


PROGRAM = """
import fcntl, os, queue, socket, subprocess, sys, threading, time
def work(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end: sum(range(1000))
listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
reads, writes = os.pipe()
path = os.path.join(os.getcwd(), "shared.db")
lock, jobs, stop = threading.Lock(), queue.Queue(), threading.Event()
lock.acquire()
holder, waiter = open(path, "w"), open(path, "w")
fcntl.flock(holder, fcntl.LOCK_EX)
def for_socket(): client.recv(1)
def for_lock(): lock.acquire()
def for_queue(): jobs.get()
def for_pipe(): os.read(reads, 1)
def for_file(): fcntl.flock(waiter, fcntl.LOCK_EX)
def for_sleep(): time.sleep(4)
def for_child(): subprocess.run(["sleep", "4"])
def for_gil(): work(1.5)
ways = [for_socket, for_lock, for_queue, for_pipe, for_file, for_sleep, for_child, for_gil, for_gil, for_gil]
threads = [threading.Thread(target=way, daemon=True) for way in ways]
for thread in threads: thread.start()
for thread in threads[5:]: thread.join()
"""
EXPECTED = {
    "for_socket": "127.0.0.1",
    "for_lock": "a lock",
    "for_queue": "a queue",
    "for_pipe": "a pipe",
    "for_file": "the file ",
    "for_sleep": "a sleep to end",
    "for_child": "the child process sleep",
}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc")
def test_a_real_program_is_told_what_each_of_its_lines_waits_for(tmp_path):
    script = tmp_path / "waits.py"
    script.write_text(PROGRAM)
    ran = bottleneck(tmp_path, script)
    assert ran.code == 0, ran.err
    made = load(ran.folder)
    if any("could not be read" in note for note in made.run["notes"]):
        pytest.skip("the kernel lets nobody read what threads wait for")
    lines = UserLines.compute(made, Waits.compute(made))
    found = {each.function: str(each.waits_for) for each in lines.lines}
    assert {name: found[name][: len(text)] for name, text in EXPECTED.items()} == EXPECTED
    assert found["for_file"] == f"the file {tmp_path / 'shared.db'}"
    contended = next(each for each in lines.lines if each.function == "work")
    assert contended.gil_share == pytest.approx(1.0, abs=0.2)
