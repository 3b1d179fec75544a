"""Ranks beside each other: for which one the others wait, and when nobody does."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.distributed.ranks import Ranks
from bottleneck_profiler.artifacts.training.steps import Steps
from bottleneck_profiler.detectors.distributed.straggler import Straggler
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotApplicable, NotMeasured
from bottleneck_profiler.recording.model import RECORD_DTYPE
from helpers import PIPELINES, bottleneck

from . import made_up
from .made_up import MS, ranks


def judge(made):
    return made_up.judge(made, Straggler())


def test_the_rank_that_loads_longer_is_named_and_its_steps_are_judged():
    made = ranks((2, 5, 10), (22, 5, 10))
    found = judge(made)
    assert isinstance(found, Finding) and found.title.endswith("rank 1") and "loads longer" in found.fix.summary
    # 37 ms a step; evenly dealt out it takes 27.
    assert found.gain.step_share == pytest.approx(10 / 37, abs=0.02)
    assert Artifacts(made).get(Steps).process == 1


def test_a_rank_that_computes_longer_is_seen_through_the_wait_of_the_others():
    made = ranks((1, 5, 10), (1, 15, 30), (1, 5, 10))
    found = judge(made)
    assert isinstance(found, Finding) and "computes longer" in found.fix.summary
    assert Artifacts(made).get(Ranks).own_seconds.mean(axis=1) == pytest.approx([16, 46, 16] * np.array(1e-3), rel=0.02)
    assert found.gain.step_share == pytest.approx((46 - 26) / 46, abs=0.02)


def test_equal_ranks_and_a_chance_rank_are_fine():
    assert isinstance(judge(ranks((2, 5, 10), (2, 5, 10.5))), Fine)
    random = np.random.default_rng(0)
    turns = [np.where(random.integers(0, 2, 100) == rank, 30.0, 2.0) for rank in (0, 1)]
    assert isinstance(judge(ranks((turns[0], 5, 10), (turns[1], 5, 10))), Fine)
    assert Artifacts(ranks((2, 5, 10), (2, 5, 10.5))).get(Steps).process == 0


def test_processes_that_never_meet_do_not_wait_for_each_other():
    assert not isinstance(judge(ranks((2, 5, 10), (22, 5, 10), meet=None)), Finding)


def test_one_rank_and_processes_without_ranks_are_not_compared():
    assert isinstance(judge(ranks((2, 5, 10))), NotApplicable)
    assert isinstance(judge(ranks((2, 5, 10), (22, 5, 10), numbers=(None, None))), NotApplicable)


def test_a_rank_that_ended_early_is_not_compared():
    made = ranks((2, 5, 10), (22, 5, 10))
    keep = (made.steps["process"] == 1) | (np.arange(200) < 50)
    made.steps = {name: column[keep] for name, column in made.steps.items()}
    assert isinstance(judge(made), NotMeasured)


def test_ranks_that_meet_in_collectives_of_their_own_are_compared_there():
    found = judge(ranks((2, 5, 10), (22, 5, 10), meet="sync", exchange=1.0))
    assert isinstance(found, Finding) and found.title.endswith("rank 1")
    assert found.gain.step_share == pytest.approx(10 / 38, abs=0.02)


def crowded(cores_ms, works_ms=None):
    """Rank 1 is 20 ms late in each step, in which the ranks together wait ``cores_ms`` for a core.

    ``works_ms``: what each is seen to run in a step.
    """
    made = ranks((2, 5, 10), (2, 15, 20), host={"run_delay_ns_total": np.array([0.0, cores_ms * MS * 100])})
    if works_ms is not None:
        starts = made.steps["t0"][made.steps["process"] == 0].tolist()
        runs = [
            (process, 1, signals.STACK_CPU, signals.BACKWARD, t0, t0 + int(work * MS), 1)
            for process, work in enumerate(works_ms)
            for t0 in starts
        ]
        made.stacks = np.array(runs, RECORD_DTYPE)
    return judge(made)


def test_a_lag_that_may_be_waiting_for_cores_needs_call_stacks():
    assert isinstance(crowded(10), Finding)
    assert isinstance(crowded(50), NotMeasured)


def test_who_gets_no_core_on_a_full_machine_is_late_by_chance():
    equal = crowded(50, (14, 16))
    assert isinstance(equal, Fine) and equal.value == pytest.approx(0.125)


def test_who_has_more_work_is_late_on_a_full_machine_too():
    assert isinstance(crowded(50, (8, 16)), Finding)


@pytest.mark.parametrize(("kind", "advice"), [(signals.STACK_CPU, "Balance"), (signals.STACK_BLOCKED, "Find")])
def test_a_rank_that_is_blocked_has_not_more_to_do(kind, advice):
    made = ranks((2, 5, 10), (22, 5, 10))
    starts = made.steps["t0"][made.steps["process"] == 1].tolist()
    waits = [(1, 1, kind, signals.DATA_WAIT, t0, t0 + 20 * MS, 1) for t0 in starts]
    made.stacks = np.array([(0, 1, signals.STACK_CPU, signals.FORWARD, 500 * MS, 504 * MS, 1), *waits], RECORD_DTYPE)
    assert judge(made).fix.summary.startswith(advice)


def uneven_loading(cores):
    """Rank 1 loads 20 ms longer; each rank keeps a core busy."""
    host = {"busy_cores": 2.0, "idle_cores": cores - 2.0, "cpu_ns_total": 0.0, "run_delay_ns_total": 0.0}
    made = ranks((2, 5, 10), (22, 5, 10), host={name: np.full(200, value) for name, value in host.items()})
    made.run["machine"]["cores"] = cores
    return made


def test_workers_come_first_where_they_hide_the_loading_that_makes_a_rank_late():
    diagnosis = diagnose(uneven_loading(cores=8))
    assert [ranked.finding.detector for ranked in diagnosis.findings] == ["workers-zero"]
    assert "straggler" in diagnosis.findings[0].explains


def test_the_late_rank_is_named_where_no_core_is_left_for_workers():
    found = [ranked.finding.detector for ranked in diagnose(uneven_loading(cores=2)).findings]
    assert found[:1] == ["straggler"] and "input-wait" not in found


@pytest.mark.skipif(sys.platform != "linux", reason="starts ranks with torchrun")
@pytest.mark.parametrize(("script", "late"), [("slow", True), ("fixed", False)])
def test_two_real_ranks(tmp_path, script, late):
    ran = bottleneck(tmp_path, PIPELINES / "straggler" / f"{script}.py")
    assert ran.code == 0, ran.err
    assert ran.diagnosis["run"]["ranks"] == 2
    assert ran.found == (["straggler"] if late else [])
    assert not [note for note in ran.diagnosis["run"]["notes"] if "switched off" in note]
