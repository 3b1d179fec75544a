"""Ranks beside each other: for which one the others wait, and when nobody does."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from bottleneck_profiler.detectors import run
from bottleneck_profiler.detectors.distributed.straggler import Straggler
from bottleneck_profiler.findings import Finding, Fine, NotMeasured
from bottleneck_profiler.recording.steps import empty_steps
from bottleneck_profiler.timeline import Artifacts
from bottleneck_profiler.timeline.ranks import Ranks
from bottleneck_profiler.timeline.steps import Steps
from bottleneck_profiler.timeline.tables import RECORD_DTYPE, STEP_PHASES, Facts, Process, Recording
from helpers import PIPELINES, bottleneck

MS = 1_000_000


def ranks(*works, meet=True, numbers=None, steps=100):
    """Works: (loading, forward, backward) in ms of each rank, numbers or one array a step; they meet in the backward
    pass where ``meet``, so that a step takes as long as the slowest."""
    works = [[np.broadcast_to(np.asarray(part, float), steps) for part in work] for work in works]
    longest = np.max([sum(work) for work in works], axis=0)
    rows = {name: [] for name in ("process", "loader", "loop", "t0", "t1", "trained", "optimized", *STEP_PHASES)}
    for process, (loading, forward, backward) in enumerate(works):
        wall = longest if meet else loading + forward + backward
        end = np.cumsum(wall * MS).astype("i8")
        filled = {"data_wait": loading, "forward": forward, "backward": wall - loading - forward}
        rows["process"].append(np.full(steps, process, "i2"))
        rows["loader"].append(np.ones(steps, "i4"))
        rows["loop"].append(np.ones(steps, "i4"))
        rows["t0"].append(end - (wall * MS).astype("i8"))
        rows["t1"].append(end)
        rows["trained"].append(np.ones(steps, "?"))
        rows["optimized"].append(np.ones(steps, "?"))
        for name in STEP_PHASES:
            rows[name].append((filled.get(name, np.zeros(steps)) * 1000).astype("i4"))
    numbers = range(len(works)) if numbers is None else numbers
    facts = Facts(processes=[Process(index, 10 + index, rank=number) for index, number in enumerate(numbers)])
    facts.loaders.update({(index, 1): {"iter_site": 0, "num_workers": 0} for index in range(len(works))})
    table = {name: np.concatenate(parts) for name, parts in rows.items()}
    table = {name: table.get(name, column) for name, column in empty_steps().items()}
    empty = np.zeros(0, RECORD_DTYPE)
    return Recording({}, facts, table, empty, empty, empty, empty, {}, {}, 0, int(table["t1"].max()))


def judge(made):
    return run([Straggler()], Artifacts(made))["straggler"]


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
    assert Artifacts(made).get(Ranks).own.mean(axis=1) == pytest.approx([16, 46, 16] * np.array(1e-3), rel=0.02)
    assert found.gain.step_share == pytest.approx((46 - 26) / 46, abs=0.02)


def test_equal_ranks_and_a_chance_rank_are_fine():
    assert isinstance(judge(ranks((2, 5, 10), (2, 5, 10.5))), Fine)
    random = np.random.default_rng(0)
    turns = [np.where(random.integers(0, 2, 100) == rank, 30.0, 2.0) for rank in (0, 1)]
    assert isinstance(judge(ranks((turns[0], 5, 10), (turns[1], 5, 10))), Fine)
    assert Artifacts(ranks((2, 5, 10), (2, 5, 10.5))).get(Steps).process == 0


def test_processes_that_never_meet_do_not_wait_for_each_other():
    assert not isinstance(judge(ranks((2, 5, 10), (22, 5, 10), meet=False)), Finding)


def test_one_rank_and_processes_without_ranks_are_not_measured():
    assert isinstance(judge(ranks((2, 5, 10))), NotMeasured)
    assert isinstance(judge(ranks((2, 5, 10), (22, 5, 10), numbers=(None, None))), NotMeasured)


def test_a_rank_that_ended_early_is_not_compared():
    made = ranks((2, 5, 10), (22, 5, 10))
    keep = (made.steps["process"] == 1) | (np.arange(200) < 50)
    made.steps = {name: column[keep] for name, column in made.steps.items()}
    assert isinstance(judge(made), NotMeasured)


@pytest.mark.skipif(sys.platform != "linux", reason="starts ranks with torchrun")
@pytest.mark.parametrize(("script", "late"), [("slow", True), ("fixed", False)])
def test_two_real_ranks(tmp_path, script, late):
    ran = bottleneck(tmp_path, PIPELINES / "straggler" / f"{script}.py")
    assert ran.code == 0, ran.err
    assert ran.diagnosis["run"]["ranks"] == 2
    assert ran.found == (["straggler"] if late else [])
    assert not [note for note in ran.diagnosis["run"]["notes"] if "switched off" in note]
