"""When forwards without gradients are evaluation, how many evaluations there are, where, and what rarer ones save."""

from __future__ import annotations

import re

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.run.machine import Settings
from bottleneck_profiler.artifacts.training.evaluations import Evaluations
from bottleneck_profiler.detectors import run_all
from bottleneck_profiler.detectors.memory.memory_thrash import MemoryThrash
from bottleneck_profiler.detectors.training.eval_heavy import EvalHeavy
from bottleneck_profiler.detectors.training.residual_python import ResidualPython
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotApplicable

from training import programs

Program, at = programs.Program, programs.at


def judge(program, detector=None, **more):
    artifacts = Artifacts(program.recording(**more))
    artifacts.put(Settings())
    detector = detector or EvalHeavy()
    return run_all([detector], artifacts)[detector.id]


def evaluations(program):
    return Artifacts(program.recording()).get(Evaluations)


def training(every, evaluate, steps=60):
    program = Program()
    program.loader(1)
    program.loader(2, site=2, iter_site=2)
    program.epoch(steps, after=lambda step: evaluate(program) if step % every == 0 else None)
    return program


@pytest.mark.parametrize(
    "evaluate",
    [
        lambda program: program.evaluation(2, 10, ends=True),
        lambda program: program.evaluation(2, 10, ends=False),
        lambda program: program.evaluation(0, 10),
        lambda program: (program.evaluation(2, 5), program.evaluation(2, 5)),
    ],
    ids=["over a loader", "left by a break", "on tensors", "over two loaders"],
)
def test_every_form_of_evaluation_counts_once_and_stands_where_it_is_called(evaluate):
    program = training(10, evaluate)
    assert evaluations(program).count == 6
    found = judge(program)
    assert isinstance(found, Finding)
    assert (found.location.line, found.location.function) == (16, "train")
    assert found.gain.step_share > found.gain.share > 0.1
    assert re.search("now after about 10 steps", found.fix.snippet) and "eval_every" not in found.fix.snippet


def test_evaluations_between_epochs_count_and_one_long_test_at_the_end_does_not():
    program = Program()
    program.loader(1)
    for _ in range(5):
        program.epoch(20)
        program.evaluation(0, 20)
    assert evaluations(program).count == 5
    program.evaluation(0, 200)
    assert evaluations(program).count == 4
    assert evaluations(program).total_seconds == pytest.approx(4 * 20 * 0.006)


def test_where_one_function_trains_and_evaluates_the_two_lines_that_call_it_differ():
    program = Program()
    program.loader(1)
    for _ in range(4):
        for _ in range(20):
            program.phase(signals.FORWARD, 3, at(31, "run_epoch"), at(12))
            program.phase(signals.BACKWARD, 4, at(32, "run_epoch"), at(12))
            program.phase(signals.OPTIMIZER, 2, at(33, "run_epoch"), at(12))
        program.phase(signals.EVAL, 100, at(31, "run_epoch"), at(13))
    assert evaluations(program).site.line == 13


def acting(program):
    program.phase(signals.EVAL, 400, at(70, "Policy.act"), at(40, "rollout"), at(11))


@pytest.mark.parametrize(
    ("every", "evaluate"),
    [(1, lambda program: program.evaluation(0, 1)), (10, acting)],
    ids=["a teacher or a target network in each step", "a policy that acts"],
)
def test_look_alikes_are_silent(every, evaluate):
    assert isinstance(judge(training(every, evaluate)), NotApplicable)


def test_an_evaluation_over_a_loader_after_each_step_is_one():
    assert judge(training(1, lambda program: program.evaluation(2, 3), steps=40)).evidence[0].value == 40


def test_python_inside_an_evaluation_is_not_blamed_a_second_time():
    def evaluate(program):
        program.evaluation(0, 10)
        program.phase(signals.NONE, 200, at(33, "evaluate"), at(16))

    assert isinstance(judge(training(10, evaluate), ResidualPython()), Fine)


def test_what_lies_beside_a_wait_does_not_explain_it():
    assert not {"input-wait"} & {*EvalHeavy.explains, *ResidualPython.explains}


def test_the_factor_is_bounded_and_said_without_names_of_ours():
    fix = judge(training(2, lambda program: program.evaluation(0, 400), steps=100)).fix
    assert "20 times less often" in fix.summary
    compile(fix.snippet, "snippet", "exec")


def taken_in(program, kind):
    """Host columns of a program that takes 100,000 pages a second, all in one phase and all in the kernel."""
    spans = np.array([row[4:6] for row in program.rows if row[2] == kind], float)
    done = np.cumsum(np.diff(spans.reshape(-1), prepend=spans[0, 0]) * (np.arange(spans.size) % 2))

    def nanoseconds(time):
        return float(np.interp(time, spans.reshape(-1), done))

    return {
        "main_minor_faults_total": lambda time: nanoseconds(time) / 1e4,
        "main_system_ns_total": nanoseconds,
        "main_cpu_ns_total": float,
    }


@pytest.mark.parametrize(("kind", "fires"), [(signals.EVAL, False), (signals.BACKWARD, True)])
def test_memory_that_evaluations_take_is_not_priced_a_second_time(kind, fires):
    program = Program()
    program.loader(1)

    def after(step):
        if step % 10 == 0:
            program.evaluation(0, 10, ms=60)
        elif step % 5 == 0:
            program.phase(signals.BACKWARD, 600, at(13))

    program.epoch(200, after=after)
    found = judge(program, MemoryThrash(), host=taken_in(program, kind))
    assert isinstance(found, Finding) == fires


@pytest.mark.parametrize("workers", [0, 2])
def test_kernel_time_lies_where_the_process_runs_loading_included_unless_workers_do_it(workers):
    program = Program()
    program.loader(1, num_workers=workers)

    def load(step):
        program.phase(signals.DATA_WAIT, 20, at(90, "Data.__getitem__"), at(11), arg=1)

    program.epoch(100, wait=0, after=load)
    host = taken_in(program, signals.DATA_WAIT)
    host["main_minor_faults_total"] = lambda time: time / 1e4
    removes = judge(program, MemoryThrash(), host=host).removes
    assert (removes.get("data_wait", 0) > 0.5 * sum(removes.values())) == (workers == 0)
    assert set(removes) - {"data_wait"} == {"forward", "backward", "optimizer"}


def test_evaluations_between_the_epochs_are_priced_on_the_run_alone():
    program = Program()
    program.loader(1)
    program.loader(2, site=2, iter_site=2)
    for _ in range(6):
        program.epoch(10)
        program.evaluation(2, 20)
    found = judge(program)
    assert found.gain.step_share is None and found.gain.share > 0.1


def test_several_evaluations_after_the_loop_are_no_cadence():
    program = Program()
    program.loader(1)
    for number in (2, 3, 4):
        program.loader(number, site=2, iter_site=2)
    program.epoch(60)
    for number in (2, 3, 4):
        program.evaluation(number, 50)
    assert not isinstance(judge(program), Finding)
