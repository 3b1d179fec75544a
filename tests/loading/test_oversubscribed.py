"""Workers that bring threads of their own: when they take each other's cores, and whose delay is not theirs."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.run.cpu_contention import CpuContention
from bottleneck_profiler.detectors.loading.oversubscribed import Oversubscribed
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotApplicable, NotMeasured
from bottleneck_profiler.recording.model import Process
from memory import recordings
from typed import add


def crowded(main=0.2, first=0.9, extra=0.9, delay=2.0, others=0.0, workers=2, ranks=0, but=()):
    """Ten seconds of 500 steps on two cores. Cores in use: by the first process, by the workers' first threads and by
    their other ones; ``delay``: threads that are ready and have none."""
    used = {
        "cpu_ns_total": main + first + extra,
        "main_cpu_ns_total": main,
        "first_thread_cpu_ns_total": main + first,
        "main_first_thread_cpu_ns_total": main,
        "run_delay_ns_total": delay,
    }
    host = {name: (lambda share, of=of: of * share * 10e9) for name, of in used.items() if name not in but}
    host["other_cores"] = lambda share: others
    made = recordings.recording(count=500, wait_share=0.8, host=host)
    add(made.facts, "loader", id=1, num_workers=workers, site=1)
    if ranks:
        made.facts.processes[:] = [Process(index, 77 + index, rank=index) for index in range(ranks)]
        rows = made.steps["t0"].size
        for name, column in made.steps.items():
            made.steps[name] = column.repeat(ranks)
        made.steps["process"] = (list(range(ranks)) * rows) + made.steps["process"] * 0
    return made


def judge(made):
    return recordings.judge(Oversubscribed(), made)


def test_threads_beside_the_first_of_each_worker_are_found():
    found = judge(crowded())
    assert isinstance(found, Finding)
    values = {item.label: item.value for item in found.evidence}
    assert values["runnable threads (run queue)"] == pytest.approx(4.0, abs=0.1)
    assert values["worker CPU outside their main threads"] == pytest.approx(0.5, abs=0.01)
    # A step of 20 ms on two cores; half of the first threads' 18 ms and the loop's own 4 ms remain.
    assert found.gain.step_share == pytest.approx(1 - (9 + 4) / 2 / 20, abs=0.01)
    assert 0 < found.gain.low < found.gain.share < found.gain.high <= 0.99
    assert found.gain.confidence <= 0.2 and "first estimate" in found.gain.method
    compile(found.fix.snippet, "snippet", "exec")


@pytest.mark.parametrize(
    "made",
    [
        crowded(extra=0.0, first=1.8),  # four workers of one thread: they need the cores that they use
        crowded(delay=0.3),  # everybody runs nearly all of the time
        crowded(main=0.2, first=0.35, extra=0.35, delay=2.0, others=1.1),  # a neighbour has the cores
        crowded(main=0.9, first=0.9, extra=0.0),  # the threads are those of the training itself
    ],
    ids=["one thread each", "room enough", "neighbours", "no threads in workers"],
)
def test_who_has_no_threads_too_many_is_fine(made):
    assert isinstance(judge(made), Fine)


def test_ranks_get_their_share_of_the_cores():
    found = judge(crowded(main=0.0, first=1.0, extra=0.9, ranks=2))
    assert isinstance(found, Finding) and "set_num_threads(1)" in found.fix.snippet
    assert {"ranks"} <= {item.label for item in found.evidence}


@pytest.mark.parametrize("column", ["run_delay_ns_total", "first_thread_cpu_ns_total"])
def test_what_was_not_counted_is_not_measured(column):
    assert isinstance(judge(crowded(but=(column,))), NotMeasured)


def pool(**cores):
    """The same, of a program without steps: its worker processes are a pool's."""
    made = crowded(**cores)
    made.steps.update({name: column[:0] for name, column in made.steps.items()})
    made.facts.loaders.clear()
    made.facts.processes[:] = [Process(index, 77 + index) for index in range(3)]
    return made


def test_a_pool_of_processes_is_judged_without_steps():
    found = judge(pool())
    assert isinstance(found, Finding) and found.stage == "etl" and "Dataloader" not in found.title
    values = {item.label: item.value for item in found.evidence}
    assert values["worker processes"] == 2
    # Half of the first threads' 0.9 cores and the first process's 0.2 remain, on two cores, of nearly 10 s.
    assert found.gain.seconds == pytest.approx(9.8 * (1 - (0.45 + 0.2) / 2), rel=0.05)
    assert found.gain.step_share is None and not found.removes


@pytest.mark.parametrize(
    "made",
    [pool(extra=0.0, first=1.8), pool(delay=0.3), pool(first=0.35, extra=0.35, others=1.1)],
    ids=["one thread each", "room enough", "neighbours"],
)
def test_a_pool_that_is_busy_as_it_should_be_is_fine(made):
    assert isinstance(judge(made), Fine)


def test_a_program_whose_other_processes_do_not_compute_has_no_pool():
    assert isinstance(judge(pool(main=1.8, first=0.05, extra=0.05)), NotApplicable)


@pytest.mark.parametrize(("beside", "kind"), [(True, Fine), (False, Finding)], ids=["own threads", "library's threads"])
def test_threads_that_run_the_programs_own_code_are_not_those_of_a_library(beside, kind):
    made = pool()
    line = SimpleNamespace(
        file="client.py", line=3, function="ask", processes={1}, thread_seconds=5.0, own_share=1.0, beside=beside
    )
    contention = Artifacts(made).get(CpuContention)
    assert isinstance(Oversubscribed().detect(None, contention, None, SimpleNamespace(lines=[line]), None, made), kind)
