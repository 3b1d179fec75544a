"""Serving detectors on recordings built here: when they speak, where they point, and when they are silent."""

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.detectors.serving.no_batching import NoBatching
from bottleneck_profiler.detectors.serving.synchronous_serving import SynchronousServing
from bottleneck_profiler.findings import Finding, Fine, NotMeasured
from bottleneck_profiler.timeline import Artifacts, Missing
from bottleneck_profiler.timeline.requests import Requests
from bottleneck_profiler.timeline.tables import RECORD_DTYPE, Facts, Frame, Process, Recording, Site

MS = 1_000_000
LOOP = Frame("_run", "/x/asyncio/events.py", 80, False)
HANDLER = (
    Frame("sleep", "/lib/socket.py", 3, False),
    Frame("score", "app.py", 12, True),
    Frame("_run", "/x/asyncio/events.py", 80, False),
)
OUTSIDE = (LOOP, Frame("main", "app.py", 90, True))


def recording(records, cores=2):
    rows = np.zeros(len(records), RECORD_DTYPE)
    for row, (kind, t0, t1, flags, arg) in zip(rows, records, strict=True):
        row["kind"], row["t0"], row["t1"], row["flags"], row["arg"] = kind, t0 * MS, t1 * MS, flags, arg
    facts = Facts(
        processes=[Process(0, 100)],
        strings={(0, 1): "GET /score/{user} 200"},
        sites={(0, 7): Site("app.py", 20, "score")},
        stacks={(0, 1): HANDLER, (0, 2): OUTSIDE},
        notes=[(0, "model_call", {"site": 7, "count": 4})],
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
    assert found.gain.confidence == 0.2 and found.gain.high - found.gain.low <= 0.25
    compile(found.fix.snippet, "snippet", "exec")


def test_sizes_that_were_seen_are_fitted():
    records = served(1, 8) + [(signals.MODEL_CALL, i * 50, i * 50 + 9, 8, 2) for i in range(30)]
    found = judge(NoBatching(), records)
    assert found.gain.confidence == 0.8 and "0.88" in found.gain.method


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
