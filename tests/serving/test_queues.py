"""Requests that queue in an event loop, and servers that use one core of several."""

import asyncio
import sys
import threading
from types import SimpleNamespace

import bottleneck_profiler.collectors.support.other_threads as other_threads
import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.collectors.support.task_queues import TaskQueues
from bottleneck_profiler.detectors.serving.requests_in_turn import RequestsInTurn
from bottleneck_profiler.detectors.serving.single_process_serving import SingleProcessServing
from bottleneck_profiler.diagnosis.findings import Finding, Fine
from bottleneck_profiler.recording.model import RECORD_DTYPE, Facts, Frame, Process, Recording

MS = 1_000_000
ORDER = Frame("order", "app.py", 12, True)
ROUTE = Frame("run_endpoint_function", "/lib/fastapi/routing.py", 381, False)
LOCK = (Frame("Lock.acquire", "/lib/python3.11/asyncio/locks.py", 100, False), ORDER, ROUTE)
SEMAPHORE = (Frame("Semaphore.acquire", "/lib/python3.11/asyncio/locks.py", 300, False), ORDER, ROUTE)
POOL = (Frame("wait_for_connection", "/site-packages/httpcore/_async/connection_pool.py", 30, False), ORDER, ROUTE)
WORK = (Frame("search", "app.py", 20, True), Frame("dispatch", "/flask/app.py", 9, False))
SERVE = (Frame("BaseWSGIServer.serve_forever", "/werkzeug/serving.py", 1, False), Frame("main", "app.py", 40, True))


def rows_of(records):
    rows = np.zeros(len(records), RECORD_DTYPE)
    for row, (kind, t0, t1, flags, arg) in zip(rows, sorted(records, key=lambda each: each[2]), strict=True):
        row["kind"], row["t0"], row["t1"], row["flags"], row["arg"] = kind, t0 * MS, t1 * MS, flags, arg
    return rows


def recording(requests=(), stacks=(), threads=(), frames=(), host=None, cores=4):
    facts = Facts(
        processes=[Process(0, 100)],
        strings={(0, 1): "GET / 200"},
        stacks={(0, number): each for number, each in enumerate(frames, 1)},
    )
    nothing = np.zeros(0, RECORD_DTYPE)
    return Artifacts(
        Recording(
            {"machine": {"cores": cores}}, facts, {}, nothing, nothing, rows_of(stacks), rows_of(requests),
            host or {}, {}, 0, 10_000 * MS, threads=rows_of(threads),
        )
    )  # fmt: skip


def queued(frames, waiting, others=4, in_flight=20):
    """10 s in which a look, four times a second, finds so many tasks in a queue."""
    looks = [(signals.QUEUED, at, at, waiting, 1 | others << 32) for at in range(0, 10_000, 250) if waiting]
    served = [(signals.REQUEST, at, at + 200, in_flight, 1) for at in range(0, 9_800, 10)]
    return recording(looks + served, [(signals.STACK_BLOCKED, 0, 10_000, 0, 2)], frames=(frames, SERVE))


@pytest.mark.parametrize(
    "frames, title, snippet",
    [
        (LOCK, "an asyncio lock", "outside of the lock"),
        (SEMAPHORE, "a semaphore", "asyncio.Semaphore(26)"),
        (POOL, "a connection", "max_connections=26"),
    ],
)
def test_queue_is_found_at_its_line_with_a_fix_for_its_kind(frames, title, snippet):
    found = queued(frames, 15).call(RequestsInTurn().detect)
    assert isinstance(found, Finding)
    assert title in found.title and snippet in found.fix.snippet
    assert (found.location.file, found.location.line) == ("app.py", 12)
    assert found.gain.basis == "p99" and found.gain.share == pytest.approx(0.75, abs=0.02)  # 15 of 20 requests


@pytest.mark.parametrize("waiting, others", [(0, 20), (2, 18)])
def test_short_queue_is_fine(waiting, others):
    assert isinstance(queued(LOCK, waiting, others).call(RequestsInTurn().detect), Fine)


def served(at_once, cpu, idle, cores=4, threads=4):
    """10 s in which ``cpu`` cores are used by threads, of which each look finds so many in a handler."""
    looks = range(100, 10_000, 100)
    runs = int(100 * cpu / at_once)
    each = [
        (kind, begins, ends, 1 << 8, 1 | number << 32)
        for at in looks
        for number in range(1, at_once + 1)
        for kind, begins, ends in (
            (signals.THREAD_CPU, at - runs, at), (signals.THREAD_BLOCKED, at - 100, at - runs)
        )
    ]  # fmt: skip
    times = [t * 100 * MS for t in range(101)]
    host = {"time_ns": np.array(times), "idle_cores": np.full(101, idle), "other_cores": np.zeros(101)}
    main = [(signals.STACK_BLOCKED, at - 100, at, 0, 2) for at in looks]
    return recording((), main, each, (WORK, SERVE), host, cores)


def test_one_busy_process_beside_idle_cores_is_found_where_the_server_starts():
    found = served(4, 1.0, 2.0).call(SingleProcessServing().detect)
    assert isinstance(found, Finding)
    assert (found.location.file, found.location.line) == ("app.py", 40)
    assert found.gain.basis == "capacity" and found.gain.share == pytest.approx(1 - 1 / 3, abs=0.02)
    assert "workers=3" in found.fix.snippet


@pytest.mark.parametrize(
    "at_once, cpu, idle, cores",
    [
        (1, 1.0, 2.0, 4),  # one client at a time
        (4, 0.2, 3.0, 4),  # it mostly waits
        (4, 1.0, 0.1, 4),  # no idle core
        (4, 1.0, 0.6, 1),
        (4, 2.5, 1.0, 4),  # threads that run side by side
    ],
)
def test_server_that_another_process_would_not_help_is_fine(at_once, cpu, idle, cores):
    assert isinstance(served(at_once, cpu, idle, cores).call(SingleProcessServing().detect), Fine)


def frames_of(coroutine):
    frames = []
    while coroutine is not None and hasattr(coroutine, "cr_frame"):
        frames.insert(0, coroutine.cr_frame)
        coroutine = coroutine.cr_await
    return frames


def test_tasks_that_queue_are_told_from_tasks_that_wait_for_something_else():
    async def holds(lock):
        async with lock:
            await asyncio.sleep(10)

    async def for_an_event(event):
        await event.wait()

    async def main():
        lock, event, queues = asyncio.Lock(), asyncio.Event(), TaskQueues()
        tasks = [asyncio.create_task(holds(lock)) for _ in range(4)] + [asyncio.create_task(for_an_event(event))]
        await asyncio.sleep(0.01)
        kinds = []
        for task in tasks:
            frames = frames_of(task.get_coro())
            user = next(i for i, frame in enumerate(frames) if frame.f_code.co_filename == __file__)
            kinds.append(queues.add(frames, user))
        frames, count = queues.longest
        for task in tasks:
            task.cancel()
        return kinds, count, frames[-1].f_code.co_name

    kinds, count, name = asyncio.run(main())
    assert kinds == [False, True, True, True, False]
    assert (count, name) == (3, "holds")


def test_cpu_time_of_a_thread_that_has_ended_goes_to_where_it_was_last_seen(monkeypatch):
    records, failed = [], []
    recorder = SimpleNamespace(
        note=lambda *_, **__: None, fail=lambda *error: failed.append(error), is_user=lambda code: True
    )
    table = SimpleNamespace(walk=lambda frame: (7, None), number=lambda place, lines: place)
    tasks = SimpleNamespace(walk=lambda frame, ident: (7, None, 0))
    ring = SimpleNamespace(put=lambda kind, flags, t0, t1, arg: records.append((kind, (t1 - t0) // MS)))
    time = iter(range(100 * MS, 10_000 * MS, 100 * MS))
    monkeypatch.setattr(other_threads, "now", lambda: next(time))
    monkeypatch.setattr(other_threads, "clock_gettime_ns", lambda clock: 10 * MS)
    monkeypatch.setattr(other_threads, "thread_time_ns", lambda: 0)
    go = threading.Event()
    thread = threading.Thread(target=go.wait)
    thread.start()
    others = other_threads.OtherThreads(recorder, table, tasks)
    frame = sys._getframe()
    ours = {0: None, threading.get_ident(): None}
    others.look({thread.ident: frame, **ours}, 0)
    others.write(ring, True, 10 * MS)
    others.look(ours, 0)
    others.write(ring, True, 40 * MS)  # it ran on after it was last seen
    go.set()
    thread.join()
    assert not failed
    assert sum(ms for kind, ms in records if kind == signals.THREAD_CPU) == 50
