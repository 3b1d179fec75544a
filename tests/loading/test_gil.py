"""Threads that run Python in turns: what processes would save, and threads that only look like them."""

from __future__ import annotations

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.loading.gil import Gil
from bottleneck_profiler.detectors import run_all
from bottleneck_profiler.detectors.loading.gil_threads import GilThreads
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotMeasured
from bottleneck_profiler.recording.model import RECORD_DTYPE, Frame
from training import programs
from typed import add

DECODE = programs.at(33, "decode")
BATCHES = Frame("Batches.__iter__", programs.FILE, 40, True, generator=True)
STEP_MS = 40


def pool(held=20, blocked=20, threads=4, main=0.25, others=0.7, idle=1.0, looked=True, root=77, cores=2):
    """200 steps of 40 ms, 20 of them waiting; per step ``blocked`` ms of that were sampled, ``held`` ms of those while
    another thread ran Python. CPU in cores."""
    program = programs.Program()
    rows = []
    waits = (BATCHES, programs.at(11))
    program.facts.stacks[0, 500], program.facts.stacks[0, 501] = (DECODE, programs.at(30, "load")), waits
    for _ in range(200):
        program.phase(signals.NONE, 20)
        end = program.now
        program.samples.append((0, 1, signals.STACK_BLOCKED, 0, end - blocked * programs.MS, end, 501))
        if held:
            rows.append((0, 1, signals.GIL_HELD, threads << 8, end - held * programs.MS, end, 500))
        program.phase(signals.FORWARD, 8, programs.at(12))
        program.phase(signals.BACKWARD, 8, programs.at(13))
        program.phase(signals.OPTIMIZER, 4, programs.at(14))
    if looked:
        add(program.facts, "gil", enabled=True)
    host = {"idle_cores": lambda at: idle, "busy_cores": lambda at: main + others}
    host |= {
        "main_cpu_ns_total": lambda at: (main + others) * at,
        "main_first_thread_cpu_ns_total": lambda at: main * at,
    }
    host |= {"cpu_ns_total": lambda at: (main + others) * at, "run_delay_ns_total": lambda at: 0}
    made = program.recording(host)
    made.samples = np.array(rows, RECORD_DTYPE)
    made.run |= {"pid": root, "machine": {"cores": cores, "memory_bytes": 1}}
    return made


def judge(made):
    return run_all([GilThreads()], Artifacts(made))["gil-threads"]


def test_processes_on_the_idle_core_are_priced_by_the_cpu_of_the_threads():
    made = pool()
    gil = Artifacts(made).get(Gil)
    assert (gil.threads, gil.place.function, gil.place.line) == (4, "decode", 33)
    assert gil.main_cpu_seconds == pytest.approx(0.25 * 0.040, rel=0.01)
    assert gil.threads_cpu_seconds == pytest.approx(0.028, rel=0.01)
    found = judge(made)
    assert isinstance(found, Finding) and found.location.line == 33
    # C = 10 ms and L = 28 ms: on two cores, with the queue of the processes, a step of some 20 ms.
    assert found.gain.step_share == pytest.approx(1 - 20 / 40, abs=0.04)
    assert found.gain.low < found.gain.share < found.gain.high
    assert "2 processes" in found.fix.summary
    compile(found.fix.snippet, "snippet", "exec")


def test_it_speaks_for_the_loop_that_waits():
    assert [ranked.finding.detector for ranked in diagnose(pool()).findings] == ["gil-threads"]


@pytest.mark.parametrize(
    "made",
    [
        pool(held=0),
        pool(held=1),
        pool(held=6),
        pool(others=1.6),
        pool(idle=0.1),
        pool(main=0.95, others=0.05),
    ],
    ids=[
        "threads that wait",
        "little of the step",
        "little of the waiting",
        "native code",
        "no idle core",
        "little CPU",
    ],
)
def test_other_threads_are_fine(made):
    assert isinstance(judge(made), Fine)


def test_one_thread_is_moved_to_one_process():
    assert "1 process " in judge(pool(threads=1)).fix.summary


def test_not_looked_at_is_not_measured():
    assert isinstance(judge(pool(looked=False)), NotMeasured)
    assert isinstance(judge(pool(root=5)), NotMeasured)  # the CPU times are those of another process
