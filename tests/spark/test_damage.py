"""Whatever values a log holds, it is read or refused in one line, and no detector fails on it."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.importers import spark
from bottleneck_profiler.recording.folder import RunError

from .test_detectors import FIRES

VALUES = (None, -1, 0, 1e300, 2**63, 2**70, "x", "", [], {}, True, -(2**40), [None], {"a": 1})


def damaged(value: Any, chance: random.Random) -> Any:
    """The same with some values replaced and some keys missing."""
    if chance.random() < 0.02:
        return chance.choice(VALUES)
    if isinstance(value, dict):
        return {key: damaged(each, chance) for key, each in value.items() if chance.random() > 0.01}
    return [damaged(each, chance) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("seed", range(8))
def test_damaged_values(seed, tmp_path):
    chance = random.Random(seed)
    events = list(FIRES.values())[seed % len(FIRES)]().events
    lines = "\n".join(json.dumps(damaged(event, chance), separators=(",", ":")) for event in events)
    log = tmp_path / "log"
    log.write_text(lines[: len(lines) - seed * 10])
    try:
        diagnosis = diagnose(spark.read(log))
    except RunError as error:
        assert "\n" not in str(error)
    else:
        assert [each for each in diagnosis.checked if "the detector failed" in each.reason] == []


def test_a_time_that_cannot_be_is_a_line_that_cannot_be_read(tmp_path):
    log = next(iter(FIRES.values()))()
    log.events[4]["Submission Time"] = 2**62
    recording = log.recording(tmp_path)
    assert "1 line of the log could not be read" in recording.run["notes"][0]
