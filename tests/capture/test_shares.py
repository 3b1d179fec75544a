"""The live shares of phases, also where only some steps are recorded in full."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.capture.recorder import Recorder

MS = 1_000_000
FULL = [
    (7, signals.IMPORT, signals.NONE, 3, 1_000 * MS),
    (7, signals.FORWARD, signals.NONE, 10, 100 * MS),
    (7, signals.OPTIMIZER, signals.NONE, 10, 50 * MS),
    (7, signals.CHECKPOINT, signals.NONE, 1, 200 * MS),
]


def shares(totals: list[tuple[int, int, int, int, int]]) -> tuple[dict[str, float], int | None]:
    cells: dict[int, dict[tuple[int, int], tuple[int, int]]] = {}
    for pid, phase, outer, count, ns in totals:
        cells.setdefault(pid, {})[phase, outer] = count, ns
    recorder = SimpleNamespace(drain=SimpleNamespace(live_totals=lambda: iter(cells.items())))
    return Recorder.shares(cast(Recorder, recorder), 4.0)


def test_every_step_is_recorded():
    found, steps = shares(FULL)
    assert steps == 10
    assert found == pytest.approx({"import": 0.25, "forward": 0.025, "optimizer": 0.0125, "checkpoint": 0.05})


def test_a_step_in_full_stands_for_those_that_are_not():
    found, steps = shares([*FULL, (7, signals.NONE, signals.IMPORT, 190, 2_500 * MS)])
    assert steps == 200
    assert found == pytest.approx({"import": 0.25, "forward": 0.5, "optimizer": 0.25, "checkpoint": 0.05})
