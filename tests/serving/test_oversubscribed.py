"""Requests computed with too many threads: when they take each other's cores, and whose delay is not theirs."""

import numpy as np
import pytest
import rings
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Missing
from bottleneck_profiler.artifacts.run.host import Host
from bottleneck_profiler.artifacts.run.machine import Machine
from bottleneck_profiler.artifacts.serving.operation_threads import OperationThreads
from bottleneck_profiler.artifacts.serving.processes import ServerProcesses
from bottleneck_profiler.detectors.loading.oversubscribed import Oversubscribed
from bottleneck_profiler.detectors.serving.oversubscribed_serving import OversubscribedServing
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotApplicable, NotMeasured
from bottleneck_profiler.recording.facts import Threads, ThreadsLine
from bottleneck_profiler.recording.model import RECORD_DTYPE, Facts, Process, Recording
from wsgi_servers import run

SECOND = 1_000_000_000
LENGTH = 10 * SECOND


def serving(first=1.0, beside=0.0, native=1.0, delay=2.0, others=0.0, *, cores=2, threads=2, processes=2, calls=2,
            at_once=2.0, length=LENGTH, but=()):  # fmt: skip
    """(artifact, server) of so many seconds. Cores in use: by first threads, by threads of Python ``beside`` them, and
    by others; ``delay``: threads that are ready and have no core; ``calls``: of the model, at once."""
    used = {"cpu_ns_total": first + beside + native, "first_thread_cpu_ns_total": first, "run_delay_ns_total": delay}
    table = {"time_ns": np.array([0, length]), "other_cores": np.array([others, others])}
    table.update({name: np.array([0.0, of * length]) for name, of in used.items() if name not in but})
    rows = np.zeros(2, RECORD_DTYPE)
    rows["kind"], rows["t1"] = signals.THREAD_CPU, (int(beside * length), 0)
    called = np.zeros(calls, RECORD_DTYPE)
    called["kind"], called["process"], called["t1"] = signals.MODEL_CALL, 1, length
    facts = Facts(processes=[Process(0, 100), Process(1, 101), Process(2, 102)])
    if threads is not None:
        facts.add(1, Threads(threads))
        facts.add(0, Threads(64))  # of a process that answers nothing
        facts.add(0, ThreadsLine("app.py", 7, "create_app"))
    nothing = np.zeros(0, RECORD_DTYPE)
    made = Recording({}, facts, {}, nothing, nothing, nothing, called, {}, {}, 0, length, threads=rows)
    served = ServerProcesses(frozenset(range(1, 1 + processes)), first + beside, at_once, 0.0, None, None, 0, length)
    return OperationThreads.compute(made, served, Host(table), Machine(cores, 0)), served


def judge(*cores, **options):
    return OversubscribedServing().detect(*serving(*cores, **options))


def test_workers_that_split_operations_over_all_cores_are_found():
    found = judge()
    assert isinstance(found, Finding) and (found.location.file, found.location.line) == ("app.py", 7)
    said = {item.label: item.value for item in found.evidence}
    assert said["threads per operation"] == 2 and said["server processes"] == 2
    assert said["runnable threads (run queue)"] == pytest.approx(4.0)
    assert said["CPU of the server outside of Python's threads"] == pytest.approx(0.5)
    assert "torch.set_num_threads(1)" in found.fix.snippet and "OMP_NUM_THREADS=1" in found.fix.snippet
    assert "1 thread" in found.fix.summary
    assert found.gain.basis == "capacity" and 0 < found.gain.low < found.gain.share < found.gain.high < 1
    assert found.gain.confidence <= 0.2 and "first estimate" in found.gain.method


@pytest.mark.parametrize(("processes", "calls", "threads"), [(2, 2, 4), (1, 4, 2), (1, 1, 8), (3, 1, 2)])
def test_each_caller_gets_its_share_of_the_cores(processes, calls, threads):
    found = judge(3.0, native=5.0, delay=12.0, cores=8, threads=64, processes=processes, calls=calls)
    assert isinstance(found, Finding) and f"torch.set_num_threads({threads})" in found.fix.snippet


def test_threads_of_one_process_that_answers_in_several_are_found():
    # Two threads of Python call the model, and each call has a thread of its own beside.
    assert isinstance(judge(0.1, beside=0.9, processes=1), Finding)


def test_libraries_that_nobody_asks_are_seen_by_their_threads():
    found = judge(threads=None, calls=0)
    assert isinstance(found, Finding) and found.location is None
    assert "threads per operation" not in {item.label for item in found.evidence}


@pytest.mark.parametrize(
    "options",
    [
        {"native": 0.0, "threads": 1},
        {"native": 0.0, "threads": None},
        {"threads": 2, "processes": 1, "calls": 1},
        {"processes": 1, "delay": 0.1, "threads": 8},
        {"first": 0.1, "beside": 1.9, "native": 0.0, "threads": None},
        {"first": 0.2, "native": 0.2, "delay": 0.5},
    ],
    ids=["one thread each", "no native threads", "one client", "room enough", "threads of Python", "hardly used"],
)
def test_look_alikes_are_fine(options):
    assert isinstance(judge(**options), Fine)


def test_the_load_of_others_and_what_was_not_counted_are_no_answer():
    assert isinstance(judge(others=1.1), NotMeasured)
    for column in ("run_delay_ns_total", "first_thread_cpu_ns_total"):
        with pytest.raises(Missing):  # which becomes "not measured"
            serving(but=(column,))
    with pytest.raises(Missing):
        serving(length=SECOND)


def test_a_service_has_one_judge():
    _, served = serving()
    assert isinstance(Oversubscribed().detect(None, None, None, None, served, None), NotApplicable)


MODEL = """
import sys
from bottleneck_profiler import WSGIMiddleware
from bottleneck_profiler.agent import bootstrap as child
child.start(sys.argv[1], "stacks=off")
import torch
model = torch.nn.Linear(2, 2)
def app(environ, start_response):
    with torch.inference_mode():
        model(torch.zeros(1, 2))
    start_response("200 OK", [])
    return [b""]
served = WSGIMiddleware(app)
for number in range(9):
    torch.set_num_threads(3 if number < 3 else 1)
    served({"PATH_INFO": "/", "REQUEST_METHOD": "GET"}, lambda *args: None)
"""


def test_torch_tells_its_threads_where_a_model_is_called(tmp_path):
    (tmp_path / "live").mkdir()
    run(tmp_path, MODEL, tmp_path)
    assert [fields["count"] for kind, fields in rings.notes(tmp_path) if kind == "threads"] == [3, 1]
    assert not rings.failures(tmp_path)
