"""Serving detectors on recordings built here: when they speak, where they point, and when they are silent."""

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts, Missing
from bottleneck_profiler.artifacts.serving.requests import Requests
from bottleneck_profiler.detectors.serving.no_batching import NoBatching
from bottleneck_profiler.detectors.serving.synchronous_serving import SynchronousServing
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotMeasured
from bottleneck_profiler.recording.facts import ModelCall
from bottleneck_profiler.recording.model import RECORD_DTYPE, Facts, Frame, Process, Recording, Site

MS = 1_000_000
LOOP = Frame("_run", "/x/asyncio/events.py", 80, False)
HANDLER = (
    Frame("sleep", "/lib/socket.py", 3, False),
    Frame("score", "app.py", 12, True),
    Frame("_run", "/x/asyncio/events.py", 80, False),
)
LIBRARY = Frame("Client.get", "/lib/httpx/_client.py", 9, False)
FRAMEWORK = Frame("run_endpoint_function", "/lib/fastapi/routing.py", 381, False)
MIDDLEWARE = Frame("Timing.__call__", "app.py", 5, True)
ASYNC = Frame("create_app.<locals>.score", "app.py", 30, True)
NESTED = (LIBRARY, Frame("fetch_features", "app.py", 12, True), ASYNC, FRAMEWORK, MIDDLEWARE, LOOP)
DIRECT = (LIBRARY, ASYNC, FRAMEWORK, LOOP)
BUILTIN = (ASYNC, FRAMEWORK, LOOP)  # time.sleep has no frame
LISTED = (Frame("create_app.<locals>.score.<locals>.<listcomp>", "app.py", 31, True), ASYNC, FRAMEWORK, LOOP)
OUTSIDE = (LOOP, Frame("main", "app.py", 90, True))


def recording(records, cores=2):
    rows = np.zeros(len(records), RECORD_DTYPE)
    for row, (kind, t0, t1, flags, arg) in zip(rows, records, strict=True):
        row["kind"], row["t0"], row["t1"], row["flags"], row["arg"] = kind, t0 * MS, t1 * MS, flags, arg
    facts = Facts(
        processes=[Process(0, 100)],
        strings={(0, 1): "GET /score/{user} 200"},
        sites={(0, 7): Site("app.py", 20, "score")},
        stacks={
            (0, number): frames
            for number, frames in enumerate((HANDLER, OUTSIDE, NESTED, DIRECT, BUILTIN, LISTED), start=1)
        },
        notes=[(0, ModelCall(site=7, count=4))],
    )
    nothing = np.zeros(0, RECORD_DTYPE)
    end = int(rows["t1"].max()) if len(rows) else 1
    return Artifacts(
        Recording({"machine": {"cores": cores}}, facts, {}, nothing, nothing, nothing, rows, {}, {}, 0, end)
    )


def blocked(clients, stack=1, flags=101 << 8, rounds=20, service=30):
    """``rounds`` passes of the loop in which ``clients`` requests block it one after another."""
    records, now = [], 1000
    for _ in range(rounds):
        records += [(signals.REQUEST, now + i * service, now + (i + 1) * service, 1, 1) for i in range(clients)]
        if clients * service >= 50 or clients == 1:
            records.append((signals.LAG, now + 1, now + clients * service, flags, stack))
        now += clients * service + 1
    return records


def judge(detector, records, **options):
    return recording(records, **options).call(detector.detect)


def test_blocked_loop_is_found_at_the_users_line():
    found = judge(SynchronousServing(), blocked(8))
    assert isinstance(found, Finding)
    assert (found.location.file, found.location.line) == ("app.py", 12)
    assert found.gain.basis == "p99" and found.gain.share == pytest.approx(1 - 30 / 240, abs=0.02)
    assert found.gain.high - found.gain.low <= 0.25


@pytest.mark.parametrize(
    "stack, line, call",
    [
        (3, 12, "run_in_threadpool(fetch_features, argument)"),
        (4, 30, "run_in_threadpool(blocking_call, argument)  # here: Client.get"),
        (5, 30, "run_in_threadpool(blocking_call, argument)"),
        (6, 31, "run_in_threadpool(blocking_call, argument)"),
    ],
    ids=["helper", "library", "builtin", "comprehension"],
)
@pytest.mark.parametrize("lock", [1, 101], ids=["processes", "threads"])
def test_the_fix_names_the_handler_and_what_blocks(stack, line, call, lock):
    found = judge(SynchronousServing(), blocked(8, stack=stack, flags=lock << 8))
    assert found.location.line == line  # the innermost line of the user's
    assert "def score(...):" in found.fix.snippet and call in found.fix.snippet
    assert "the handler score" in found.fix.summary
    assert ("fetch_features" in found.fix.summary) == (stack == 3)
    computing = judge(SynchronousServing(), blocked(8, stack=stack, flags=(lock << 8) | 95))
    assert "the handler score" in computing.fix.snippet if lock == 1 else "def score" in computing.fix.snippet


def test_computing_call_gets_as_many_threads_as_cores():
    found = judge(SynchronousServing(), blocked(8, flags=(101 << 8) | 95), cores=4)
    assert found.gain.share == pytest.approx(0.75, abs=0.02)
    assert "CapacityLimiter(4)" in found.fix.snippet


def test_call_that_holds_the_interpreter_lock_gets_processes():
    found = judge(SynchronousServing(), blocked(8, flags=(1 << 8) | 95))
    assert "ProcessPoolExecutor(2)" in found.fix.snippet


@pytest.mark.parametrize(
    "records",
    [
        blocked(1, rounds=60, service=60),  # one client: nobody waits
        blocked(8, stack=2),  # late, but the stack is the loop's own
        blocked(8, flags=0xFFFF),  # garbage collection
        [(signals.REQUEST, i * 10, i * 10 + 40, 4, 1) for i in range(100)],  # slow, but never late
    ],
    ids=["one client", "not in a handler", "garbage", "async"],
)
def test_synchronous_serving_is_silent(records):
    assert isinstance(judge(SynchronousServing(), records), Fine)


def test_few_requests_are_not_judged():
    assert isinstance(judge(SynchronousServing(), blocked(4, rounds=5)), NotMeasured)
    assert isinstance(judge(NoBatching(), blocked(4, rounds=5)), NotMeasured)


def test_no_requests_is_missing():
    with pytest.raises(Missing):
        recording([]).get(Requests)


def served(batch, in_flight, model=8, every=10):
    return [(signals.REQUEST, i * every, i * every + 60, in_flight, 1) for i in range(200)] + [
        (signals.MODEL_CALL, i * every, i * every + model, in_flight, batch) for i in range(200)
    ]


def test_one_row_a_call_with_many_in_flight_is_found():
    found = judge(NoBatching(), served(1, 8))
    assert isinstance(found, Finding)
    assert found.location.line == 20 and found.gain.basis == "capacity"
    # What of a call is fixed cannot be told from single rows: anything up to the ceiling of 8 rows a call may be.
    ceiling = 0.8 * (1 - 1 / 8)
    assert 0 < found.gain.low < 0.05 * ceiling and 0.95 * ceiling < found.gain.high < ceiling
    assert found.gain.confidence == 0.2 and found.detected_by == 0.6
    assert "measured" in found.gain.method and "single rows" in found.fix.summary
    compile(found.fix.snippet, "snippet", "exec")


def test_sizes_that_were_seen_are_fitted():
    records = served(1, 8) + [(signals.MODEL_CALL, i * 50, i * 50 + 9, 8, 2) for i in range(30)]
    found = judge(NoBatching(), records)
    assert found.gain.confidence == 0.8 and "0.88" in found.gain.method
    assert found.gain.high - found.gain.low <= 0.25 and "measured" not in found.gain.method
    assert found.detected_by == 1.0 and "single rows" not in found.fix.summary


@pytest.mark.parametrize(
    "records", [served(8, 8), served(1, 2), served(1, 8, model=1)], ids=["batched", "two at once", "cheap model"]
)
def test_no_batching_is_silent(records):
    assert isinstance(judge(NoBatching(), records), Fine)


def test_occupancy_covers_the_serving_time_once():
    times = [(0, 10), (5, 20), (50, 60)]
    requests = recording([(signals.REQUEST, t0, t1, 1, 1) for t0, t1 in times]).get(Requests)
    (handler, seconds, _), (idle, rest, _) = requests.occupancy(0)
    assert (handler, idle) == ("serve.handler", "serve.idle")
    assert seconds == pytest.approx(0.03) and rest == pytest.approx(0.03)
    assert requests.occupancy(1) == []
