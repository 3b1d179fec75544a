"""A trial's result in the reports of its run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bottleneck_profiler.exporters.json import from_json, to_json
from bottleneck_profiler.exporters.support import words
from bottleneck_profiler.recording import kept
from bottleneck_profiler.recording.kept import TRIALS
from bottleneck_profiler.session import analyse
from goldens.regenerate import unpack

GOLDENS = Path(__file__).resolve().parent.parent / "goldens"
TRIAL = {
    "own": True,
    "answer": "faster",
    "detector": "workers-zero",
    "basis": "step",
    "obtained": {"share": 0.42, "low": 0.4, "high": 0.44},
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return unpack(GOLDENS / "workers-zero/fires.tar.gz", tmp_path / "run")


def worth(run: Path) -> str:
    """Of the first finding, as the reports say it."""
    diagnosis = analyse(run)[1]
    read_back = from_json(json.loads(json.dumps(to_json(diagnosis))))
    assert read_back.findings[0].finding.obtained == diagnosis.findings[0].finding.obtained
    return words.worth(diagnosis.findings[0].finding)


def test_what_was_obtained_stands_beside_what_was_predicted(run: Path) -> None:
    assert "obtained" not in worth(run)
    kept.add(run, TRIALS, TRIAL)
    assert worth(run).endswith("; `bottleneck try` obtained 42 % of each step (40 to 44 %)")


def test_the_latest_trial_counts(run: Path) -> None:
    kept.add(run, TRIALS, TRIAL)
    kept.add(run, TRIALS, {**TRIAL, "obtained": {"share": 0.1, "low": 0.0, "high": 0.2}, "basis": "run"})
    assert worth(run).endswith("obtained 10 % of the run (0 to 20 %)")


@pytest.mark.parametrize(
    "other", [{"own": False}, {"answer": "cannot tell"}, {"detector": "small-batch"}, {"basis": 7}]
)
def test_trials_that_say_nothing_of_the_finding(run: Path, other: dict[str, object]) -> None:
    kept.add(run, TRIALS, {**TRIAL, **other})
    assert "obtained" not in worth(run)


@pytest.mark.parametrize("text", ["", "{", "7", "[7]", '[{"own": true}]'])
def test_a_damaged_file_costs_nothing_else(run: Path, text: str) -> None:
    (run / TRIALS).write_text(text)
    assert "obtained" not in worth(run)
    kept.add(run, TRIALS, TRIAL)
    assert "obtained" in worth(run)


def test_twenty_are_kept(tmp_path: Path) -> None:
    for number in range(25):
        kept.add(tmp_path, TRIALS, {"number": number})
    assert [each["number"] for each in kept.read(tmp_path, TRIALS)] == list(range(5, 25))
