"""Ranks whose clocks differ are put on one clock by their collectives."""

from __future__ import annotations

from pathlib import Path

import pytest
from bottleneck_profiler.importers import kineto
from bottleneck_profiler.recording.model import DEVICE_KINDS, Recording

from .test_kineto import saved, trace

COLLECTIVE = DEVICE_KINDS.index("collective")


def job(folder: Path, clock_us: float, other: str = "ncclKernel_AllReduce") -> Recording:
    for rank in range(2):
        content = trace()
        content["distributedInfo"]["rank"] = rank
        for event in content["traceEvents"]:
            if rank and event["ph"] == "X":
                if event["name"].startswith("nccl"):
                    event.update(name=other, ts=event["ts"] + 100, dur=event["dur"] - 100)
                event["ts"] += clock_us
        saved(folder, content, f"{rank}.json")
    return kineto.read(folder)


def ends(recording: Recording, rank: int) -> list[int]:
    mine = (recording.device["process"] == rank) & (recording.device["kind"] == COLLECTIVE)
    return recording.device["t1"][mine].tolist()


@pytest.mark.parametrize("clock_us", [50_000.0, -50_000.0, 7_200e6])
def test_clocks_that_differ_are_set_by_the_collectives(tmp_path, clock_us):
    recording = job(tmp_path, clock_us)
    assert ends(recording, 0) == pytest.approx(ends(recording, 1), abs=2_000)
    assert min(recording.steps["t0"]) >= 0
    if abs(clock_us) < 60e6:  # else they begin at once, as clocks that say nothing do
        (note,) = recording.run["notes"]
        assert "The clock of one rank was set by the collectives" in note and "50.0 ms" in note


def test_one_clock_is_left_alone(tmp_path):
    recording = job(tmp_path, 20.0)
    assert not recording.run["notes"]
    assert ends(recording, 1)[0] - ends(recording, 0)[0] == 20_000


def test_other_collectives_say_nothing(tmp_path):
    recording = job(tmp_path, 50_000.0, "ncclKernel_SendRecv")
    assert not recording.run["notes"]
