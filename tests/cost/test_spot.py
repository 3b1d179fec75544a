"""Checkpoints on machines that are taken away: Young's and Daly's laws."""

from __future__ import annotations

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Absent, Artifacts
from bottleneck_profiler.artifacts.training.saves import Saves
from bottleneck_profiler.diagnosis.cost.spot import best_interval, spot_costs, time_factor
from bottleneck_profiler.recording.model import RECORD_DTYPE, Recording
from hypothesis import given
from hypothesis import strategies as st
from memory.recordings import SECOND, recording

HOUR = 3600.0


def test_the_interval_by_hand() -> None:
    # Young: sqrt(2 x 2 s x 3600 s) = 120 s. Daly: 120 (1 + sqrt(2/7200)/3 + (2/7200)/9) - 2 = 118.67 s.
    assert best_interval(2.0, HOUR) == pytest.approx(118.670, abs=0.001)
    assert best_interval(9000.0, HOUR) == HOUR  # a save that takes longer than the machine stays


def test_the_time_by_hand() -> None:
    # 3600/118.67 x e^(30/3600) x (e^(120.67/3600) - 1) = 30.336 x 1.00837 x 0.034088 = 1.0427
    assert time_factor(118.670, 2.0, 30.0, HOUR) == pytest.approx(1.0427, abs=0.0001)


@given(st.floats(0.01, 600), st.floats(0, 600), st.floats(0.5, 100))
def test_no_other_interval_is_quicker(save: float, restart: float, hours: float) -> None:
    between = hours * HOUR
    best = time_factor(best_interval(save, between), save, restart, between)
    others = [time_factor(best_interval(save, between) * by, save, restart, between) for by in (0.5, 0.8, 1.25, 2.0)]
    assert best >= 1.0 and all(best <= other * (1 + 1e-3) for other in others)


def test_when_it_pays_by_hand() -> None:
    costs = spot_costs(Saves(10, 2.0, 58.0, 30.0, None), 3.60, 1.20, None)
    assert [each.hours_between for each in costs] == [1.0, 4.0, 24.0]
    first = costs[0]
    # A machine that stays spends 2 s on saving for every 118.67 s of work: 1.01685 times. On spot it is 1.04274 times.
    assert first.pays_below_share == pytest.approx(1.01685 / 1.04274, abs=1e-4)
    assert first.pays_below_per_hour == pytest.approx(3.5106, abs=0.0005)
    assert first.saves_per_hour == pytest.approx(3.60 - 1.20 * 1.04274 / 1.01685, abs=0.0005)
    assert first.factor_now is not None and first.factor_now > first.factor
    rarer = spot_costs(Saves(10, 2.0, 998.0, 30.0, None), 3.60, None, 1.0)[0]
    assert rarer.pays_below_share == pytest.approx(1.00200 / 1.04274, abs=1e-4)  # 2 s for every 998 s
    (own,) = spot_costs(Saves(1, 2.0, None, 30.0, None), 3.60, None, 6.0)
    assert own.hours_between == 6.0 and own.factor_now is None and own.saves_per_hour is None


def with_saves(count: int) -> Recording:
    """A save of 0.2 s every 2 s of a loop of 20 s; each writes 100 MB."""
    made = recording(1000, 0.02, host={"write_bytes_total": lambda done: 0.0})
    made.facts.attached.add("training")
    events = np.zeros(count, RECORD_DTYPE)
    events["kind"], events["arg"] = signals.CHECKPOINT, 1
    events["t0"] = SECOND * 3 + np.arange(count) * 2 * SECOND
    events["t1"] = events["t0"] + SECOND // 5
    made.events = events
    done = np.searchsorted(events["t1"], made.host["time_ns"], side="right")
    made.host["write_bytes_total"] = done * 100e6
    return made


def test_saves_and_what_they_write() -> None:
    saves = Artifacts(with_saves(8)).get(Saves)
    assert (saves.count, saves.seconds) == (8, pytest.approx(0.2))
    assert saves.interval_seconds == pytest.approx(1.8) and saves.start_seconds == pytest.approx(1.0)
    assert saves.bytes == pytest.approx(100e6, rel=0.05)
    assert Artifacts(with_saves(1)).get(Saves).interval_seconds is None
    with pytest.raises(Absent):
        Artifacts(with_saves(0)).get(Saves)
