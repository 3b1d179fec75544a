"""Run folders of one job are put together, those of several hosts included; what is of another job is one line."""

from __future__ import annotations

import dataclasses
import tarfile
from pathlib import Path

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.agent.recorder import _LAUNCHERS, Recorder
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.distributed.ranks import Ranks
from bottleneck_profiler.artifacts.training.steps import Steps
from bottleneck_profiler.cli.report import command
from bottleneck_profiler.detectors.distributed.straggler import Straggler
from bottleneck_profiler.diagnosis.findings import Finding, NotMeasured
from bottleneck_profiler.recording.facts import Hello
from bottleneck_profiler.recording.folder import RunError
from bottleneck_profiler.recording.jobs import joined, of_one_job
from bottleneck_profiler.recording.model import Facts, Recording
from click.testing import CliRunner

from . import made_up
from .made_up import ranks

GOLDEN = Path(__file__).parents[1] / "goldens" / "straggler" / "fires.tar.gz"
NOON = 1_700_000_000_000_000_000


def alone(whole: Recording, process: int, began: int, command: str = "train.py") -> Recording:
    """What its host recorded of one rank: the monotonic clock there was at ``began`` when the run started."""
    mine = whole.steps["process"] == process
    steps = {name: column[mine].copy() for name, column in whole.steps.items()}
    steps["process"][:] = 0
    steps["t0"] += began
    steps["t1"] += began
    known = dataclasses.replace(whole.facts.processes[process], index=0, host=f"node{process}")
    facts = Facts(processes=[known])
    facts.attached |= whole.facts.attached
    facts.sites = {(0, number): site for (owner, number), site in whole.facts.sites.items() if owner == process}
    facts.loaders = {(0, number): loader for (owner, number), loader in whole.facts.loaders.items() if owner == process}
    facts.notes = [(0, fact) for owner, fact in whole.facts.notes if owner == process]
    run = {"command": command, "started_wall_ns": NOON, "machine": {"cores": 2, "hostname": f"node{process}"}}
    totals = {(0, *key[1:]): total for key, total in whole.totals.items() if key[0] == process}
    ended = began + whole.ended_ns
    return dataclasses.replace(
        whole, run=run, facts=facts, steps=steps, started_ns=began, ended_ns=ended, totals=totals
    )


def parts(whole: Recording) -> list[tuple[Path, Recording]]:
    return [(Path(f"/runs/{at}"), alone(whole, at, 7_000_000_000 * (at + 1))) for at in range(2)]


def test_two_hosts_are_judged_as_one_job():
    whole = ranks((2, 5, 10), (22, 5, 10))
    recordings, notes = of_one_job(parts(whole)[::-1])
    assert not notes and [each.facts.processes[0].rank for each in recordings] == [0, 1]
    job = joined(recordings, 1)
    assert job.host_name == "node1" and any("those of node1" in note for note in job.run["notes"])
    found = made_up.judge(job, Straggler())
    assert isinstance(found, Finding) and found.title == "All other ranks wait for rank 1"
    assert found.gain == made_up.judge(whole, Straggler()).gain
    steps, before = (Artifacts(each).get(Steps) for each in (job, whole))
    assert np.array_equal(steps.start_ns - job.started_ns, before.start_ns - whole.started_ns)
    assert np.array_equal(Artifacts(job).get(Ranks).own_seconds, Artifacts(whole).get(Ranks).own_seconds)
    assert job.facts.site(steps.process, 1) is not None and job.facts.loop_site(steps.process, 1) is not None


def test_what_is_no_part_of_the_job_is_one_line_each():
    whole = ranks((2, 5, 10), (22, 5, 10))
    first, second = parts(whole)
    later = dataclasses.replace(second[1], run={**second[1].run, "started_wall_ns": NOON + 10**13})
    plain = alone(ranks((2, 5, 10), numbers=(None,)), 0, 0)
    others = {
        "again": (alone(whole, 0, 5), "0 already holds rank 0"),
        "eval": (alone(whole, 1, 0, "eval.py"), "it ran eval.py, and 0 train.py"),
        "later": (later, "it did not run at the same time as 0"),
        "plain": (plain, "none of its processes has a rank"),
    }
    found = [first, *((Path(f"/runs/{name}"), each) for name, (each, _) in others.items()), second]
    recordings, notes = of_one_job(found)
    assert len(recordings) == 2
    assert notes == [f"/runs/{name} was left out: {why}." for name, (_, why) in others.items()]
    with pytest.raises(RunError, match="already holds rank 0"):
        of_one_job(found[:2])


def test_ranks_without_a_run_folder_may_be_the_last():
    made = ranks((2, 5, 10), (22, 5, 10))
    for process in range(2):
        made.facts.add(process, Hello(10 + process, 0, 0, "main", "", process, world_size="4"))
    outcome = made_up.judge(made, Straggler())
    assert outcome == NotMeasured("Only 2 of the job's 4 ranks were recorded: the last may be another one.")


def test_the_report_of_several_run_folders(tmp_path: Path):
    for name in ("node0", "again"):
        (tmp_path / name).mkdir()
        with tarfile.open(GOLDEN) as archive:
            archive.extractall(tmp_path / name, filter="data")
    done = CliRunner().invoke(command, [str(tmp_path / "node0"), str(tmp_path / "away")])
    assert done.exit_code == 0 and f"no run {tmp_path}/away: there is no such folder" in done.output
    assert "All other ranks wait for rank 1" in done.output
    done = CliRunner().invoke(command, [str(tmp_path / "node0"), str(tmp_path / "again")])
    assert (done.exit_code, done.output) == (
        2, f"bottleneck: {tmp_path}/again was left out: node0 already holds rank 0\n",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("launched", "rank"),
    [
        ({"RANK": "3", "WORLD_SIZE": "8", "SLURM_PROCID": "0", "SLURM_NTASKS": "2"}, ("3", "8")),
        ({"SLURM_PROCID": "1", "SLURM_NTASKS": "2"}, ("1", "2")),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "1"}, (None, None)),
        ({"OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "4"}, ("2", "4")),
        ({}, (None, None)),
    ],
)
def test_the_launcher_says_which_rank_a_process_is(tmp_path: Path, monkeypatch, launched, rank):
    for name in ("RANK", "WORLD_SIZE", *(name for pair in _LAUNCHERS for name in pair)):
        monkeypatch.delenv(name, raising=False)
    for name, value in launched.items():
        monkeypatch.setenv(name, value)
    (tmp_path / signals.LIVE).mkdir()
    recorder, noted = Recorder(str(tmp_path)), {}
    monkeypatch.setattr(recorder, "note", lambda kind, **fields: noted.update(fields))
    recorder.hello()
    assert (noted["rank"], noted["world_size"]) == rank
