"""Pools of threads in which requests wait: what is sampled of them, and when it is a finding."""

import concurrent.futures.thread as pools
import threading
from types import SimpleNamespace

import bottleneck_profiler.collectors.support.thread_pools as thread_pools
import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Absent, Artifacts
from bottleneck_profiler.collectors.concurrent__futures__thread import Collector
from bottleneck_profiler.detectors.serving.pool_starved import PoolStarved
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotMeasured
from bottleneck_profiler.recording.facts import Executor, Thread, Wait
from bottleneck_profiler.recording.model import RECORD_DTYPE, Facts, Frame, Process, Recording, Site

MS = 1_000_000
ASK = Frame("ask", "app.py", 12, True)
ROUTE = Frame("run_endpoint_function", "/lib/starlette/routing.py", 381, False)
ANYIO = Frame("WorkerThread.run", "/lib/anyio/_backends/_asyncio.py", 900, False)
EXECUTOR = Frame("_WorkItem.run", "/lib/concurrent/futures/thread.py", 58, False)
GTHREAD = Frame("ThreadWorker.handle", "/lib/gunicorn/workers/gthread.py", 300, False)


def rows_of(records):
    rows = np.zeros(len(records), RECORD_DTYPE)
    for row, (kind, t0, t1, flags, arg) in zip(rows, records, strict=True):
        row["kind"], row["t0"], row["t1"], row["flags"], row["arg"] = kind, t0 * MS, t1 * MS, flags, arg
    return rows


def recording(
    queue, above, threads=4, kind=signals.EXECUTOR, blocked=True, waits="", default=False, serves=True, peer=""
):
    """``threads`` threads that do the same for 10 s, below the frames ``above``, and the queue's samples."""
    what = signals.THREAD_BLOCKED if blocked else signals.THREAD_CPU
    each = [(what, at, at + 1000, 20 << 8, 1 | i << 32) for i in range(1, threads + 1) for at in range(0, 10_000, 1000)]
    each.sort(key=lambda record: record[1])
    number = 1 if kind == signals.EXECUTOR else threads
    times = range(0, 100 * len(queue), 100)
    samples = [(kind, at, at, waiting, number << 32 | threads) for at, waiting in zip(times, queue, strict=True)]
    requests = [(signals.REQUEST, 0, 9000, 1, 1)]
    main = [(signals.STACK_BLOCKED, 0, 10_000, 0, 2)]
    seen = [(signals.WAIT, 0, 10_000, 0, 5 | (200 + i) << 32) for i in range(1, threads + 1)] if waits else []
    facts = Facts(
        processes=[Process(0, 100)],
        strings={(0, 1): "GET / 200"},
        sites={(0, 7): Site("app.py", 3, "<module>")},
        stacks={(0, 1): (ASK, *above), (0, 2): (Frame("main", "app.py", 40, True),)},
        notes=[(0, Executor(1, 7, threads, default)), (0, Wait(5, waits or "sleep", peer)), (0, Wait(6, "accept", ""))]
        + [(0, Thread(i, f"t{i}", 200 + i)) for i in range(1, threads + 1)],
    )
    nothing = np.zeros(0, RECORD_DTYPE)
    return Artifacts(
        Recording(
            {"machine": {"cores": 4}}, facts, {}, nothing, nothing, rows_of(main), rows_of(requests * serves + samples),
            {}, {}, 0, 10_000 * MS, threads=rows_of(each), waits=rows_of(seen),
        )
    )  # fmt: skip


def judge(*args, **options):
    return recording(*args, **options).call(PoolStarved().detect)


@pytest.mark.parametrize(
    "above, options, line, fix",
    [
        ((EXECUTOR,), {}, 3, "max_workers=20"),
        ((EXECUTOR,), {"default": True}, 3, "set_default_executor"),
        ((GTHREAD, EXECUTOR), {}, 12, "gunicorn --worker-class gthread --threads 20"),
        ((ROUTE, ANYIO), {"kind": signals.POOL}, 12, "total_tokens = 20"),
    ],
)
def test_full_pool_is_found_and_the_fix_is_for_its_kind(above, options, line, fix):
    found = judge([12] * 100, above, **options)
    assert isinstance(found, Finding)
    assert (found.location.file, found.location.line) == ("app.py", line)
    assert fix in found.fix.snippet
    assert found.gain.basis == "p99" and found.gain.share == pytest.approx(0.75, abs=0.01)  # 16 requests, 4 threads


def test_pool_that_is_large_enough_is_fine():
    assert isinstance(judge([1] * 4 + [0] * 96, (EXECUTOR,)), Fine)
    assert isinstance(judge([0] * 100, (ROUTE, ANYIO), kind=signals.POOL), Fine)


def test_short_queue_is_fine():
    assert isinstance(judge([0.5] * 100, (EXECUTOR,), threads=8), Fine)


def test_threads_that_compute_need_no_larger_pool():
    assert isinstance(judge([12] * 100, (EXECUTOR,), blocked=False), Fine)


@pytest.mark.parametrize("waits", ["lock", "gil"])
def test_threads_that_wait_for_each_other_need_no_larger_pool(waits):
    found = judge([12] * 100, (EXECUTOR,), waits=waits)
    assert isinstance(found, NotMeasured | Fine)


def test_threads_of_a_client_in_the_same_program_answer_nobody():
    """They ask the program's own server."""
    assert isinstance(judge([12] * 100, (EXECUTOR,), waits="socket", peer="127.0.0.1:8000"), Fine)
    assert isinstance(judge([12] * 100, (EXECUTOR,), waits="socket", peer="10.0.0.7:5432"), Finding)


def test_pool_of_a_script_that_serves_nobody_is_not_judged():
    with pytest.raises(Absent):
        judge([12] * 100, (EXECUTOR,), serves=False)


class Ring(list):
    def put(self, *record):
        self.append(record)


@pytest.fixture
def recorder():
    notes, failures = [], []
    return SimpleNamespace(
        executors={}, notes=notes, failures=failures, site=lambda: 7,
        note=lambda kind, **fields: notes.append((kind, fields)), fail=lambda *error: failures.append(error),
    )  # fmt: skip


def test_queue_of_an_executor_is_sampled_with_the_line_that_made_it(recorder, monkeypatch):
    monkeypatch.setattr(thread_pools, "EVERY_NS", 0)
    collector = Collector()
    before = pools.ThreadPoolExecutor.__init__
    collector.attach(recorder)
    release = threading.Event()
    with pools.ThreadPoolExecutor(2) as pool:
        for _ in range(5):
            pool.submit(release.wait)
        ring, executors = Ring(), thread_pools.Executors(recorder)
        executors.look(ring)
        release.set()
    executors.look(ring)
    executors.look(ring)
    collector.detach()
    assert pools.ThreadPoolExecutor.__init__ is before
    noted = next(fields for kind, fields in recorder.notes if kind == "executor")
    assert noted == {"id": 1, "site": 7, "most": 2, "default": False}
    assert [(kind, flags, arg) for kind, flags, _, _, arg in ring][:1] == [(signals.EXECUTOR, 3, 1 << 32 | 2)]
    assert not recorder.failures


def test_anyio_limiter_is_found_from_a_callback_of_the_loop():
    """A callback has no task, and sniffio, where it is installed, asks for one."""
    asyncio, anyio = pytest.importorskip("asyncio"), pytest.importorskip("anyio")
    seen = []

    async def main():
        loop = asyncio.get_running_loop()
        assert thread_pools.limiter_of(loop) is None
        await anyio.to_thread.run_sync(int)
        loop.call_soon(lambda: seen.append(thread_pools.limiter_of(loop)))
        await asyncio.sleep(0.01)
        return anyio.to_thread.current_default_thread_limiter()

    assert asyncio.run(main()) is seen[0]
