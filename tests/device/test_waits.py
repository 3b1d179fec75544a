"""From marks: when the device got to the borders, and where the host waited for it."""

from __future__ import annotations

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.recording.device_waits import name_device_waits
from bottleneck_profiler.recording.marks import marks_of
from bottleneck_profiler.recording.model import RECORD_DTYPE, Recording
from hypothesis import given
from hypothesis import strategies as st

from .marked import BACKWARD, DATA_WAIT, FORWARD, OPTIMIZER, Pair, recording, rows

END = signals.DEVICE_END


def train(pair: Pair, steps: int, *, load=0.5, python=0.0, device=30.0, sync=True, after=0.0, copy=0.0) -> Recording:
    """A loop whose host needs 5 ms a step to launch ``device`` ms of work; all times in ms."""
    for step in range(steps + 1):
        pair.mark(DATA_WAIT, False)
        pair.host(load, "data_wait")
        pair.mark(DATA_WAIT, True)
        if step:
            pair.step()
        pair.phases = {}
        pair.host(python)
        if copy:
            pair.launch(copy)
            pair.wait()
        pair.phase(FORWARD, 1.0, device / 3)
        pair.phase(BACKWARD, 3.0, device / 2)
        pair.phase(OPTIMIZER, 1.0, device / 6)
        if sync:
            pair.wait()
        pair.host(after)
    return pair.recording()


def per_step(made: Recording, name: str) -> float:
    return float(np.mean(made.steps[name][3:])) / 1e3


@pytest.mark.parametrize("drift", (0.0, 2e-5, -2e-5))
def test_a_wait_in_each_step_is_a_phase_of_its_own(drift):
    pair = Pair(drift=drift)
    made = train(pair, 100)
    before = per_step(made, "other")
    name_device_waits(made)
    assert before > 20
    assert per_step(made, "sync") == pytest.approx(before, abs=0.2)
    assert per_step(made, "other") < 0.2


def looked_at(made: Recording, python_after: bool) -> None:
    """Give each step a look while the device works, in the call that waits, and one after that."""
    marks = marks_of(made, 0)
    last = np.flatnonzero(marks.ends & (marks.phase == OPTIMIZER))
    begin, done = marks.host[last], marks.device[last]
    made.looks = np.zeros(2 * len(last), RECORD_DTYPE)
    made.looks["kind"] = signals.MAIN_RUNS
    made.looks["arg"] = np.repeat([1, 2 if python_after else 1], len(last))
    made.looks["t1"] = np.concatenate([(begin + done) // 2, done + 2_000_000])
    made.looks["t0"] = made.looks["t1"] - np.repeat([50_000, 5_000_000 if python_after else 50_000], len(last))


def test_python_after_the_wait_stays_python_where_the_samples_say_so():
    """The host resumes when the device is done, and goes on: here no border says that it waited."""
    made = train(Pair(), 60, after=8.0)
    looked_at(made, python_after=True)
    name_device_waits(made)
    assert per_step(made, "sync") == pytest.approx(25.0, abs=1.5)
    assert per_step(made, "other") == pytest.approx(8.0, abs=0.5)


def test_the_call_that_waits_may_take_longer_than_the_device():
    """It copies the result, or the host has no core free when the device is done."""
    made = train(Pair(), 60, after=8.0)
    looked_at(made, python_after=False)
    name_device_waits(made)
    assert per_step(made, "sync") == pytest.approx(33.0, abs=1.5)


def test_a_wait_follows_the_device_however_long_that_takes():
    """Without any sample: what the host does after the wait takes the same time, and the device does not."""
    random, pair = np.random.default_rng(3), Pair()
    for step in range(61):
        pair.mark(DATA_WAIT, True)
        if step:
            pair.step()
        pair.phases = {}
        pair.phase(FORWARD, 1.0, random.uniform(10, 30))
        pair.phase(OPTIMIZER, 1.0, random.uniform(10, 30))
        pair.wait()
        pair.host(12.0)
    made = pair.recording()
    waited = 1e3 * pair.waited / len(pair.steps)
    name_device_waits(made)
    assert per_step(made, "sync") == pytest.approx(waited / 1e3, rel=0.1)
    assert per_step(made, "other") == pytest.approx(12.0, rel=0.1)


def test_python_that_runs_while_the_device_works_is_no_wait():
    """Nobody waits: the device is done long before the host, and that is what a step takes."""
    made = train(Pair(), 60, device=10.0, sync=False, after=40.0)
    name_device_waits(made)
    assert per_step(made, "sync") == 0
    assert per_step(made, "other") == pytest.approx(40.0, abs=0.2)


def test_python_behind_a_busy_device_costs_nothing():
    """Before the host waits, and while the device has work, the host may do what it likes."""
    pair = Pair()
    for step in range(61):
        pair.mark(DATA_WAIT, True)
        if step:
            pair.step()
        pair.phases = {}
        pair.phase(FORWARD, 1.0, 30.0)
        pair.host(4.0)
        pair.phase(BACKWARD, 3.0, 30.0)
        pair.phase(OPTIMIZER, 1.0, 5.0)
        pair.wait()
    made = pair.recording()
    name_device_waits(made)
    assert per_step(made, "other") < 0.2


def test_a_loader_behind_a_busy_device_is_no_wait_for_data():
    """The device never runs dry: the host is a step ahead."""
    pair = Pair()
    pair.done = 200.0
    made = train(pair, 60, load=20.0, device=26.0, sync=False)
    name_device_waits(made)
    assert per_step(made, "data_wait") < 0.2
    assert per_step(made, "sync") == pytest.approx(20.0, abs=0.2)


def test_a_loader_that_starves_the_device_is_one():
    made = train(Pair(), 60, load=20.0, device=10.0, sync=False)
    name_device_waits(made)
    hidden = 10.0 - 5.0  # of the device's work, when the host begins to wait
    assert per_step(made, "data_wait") == pytest.approx(20.0 - hidden, abs=3.0)


def test_launches_that_the_device_keeps_up_with_are_no_wait():
    made = train(Pair(), 60, device=0.5, sync=False)
    name_device_waits(made)
    assert per_step(made, "sync") < 0.2


def test_a_step_that_was_not_timed_is_like_the_others():
    whole, half = train(Pair(), 100), train(Pair(), 100)
    begins = half.steps["t0"]
    odd = np.searchsorted(begins, half.marks["t0"], side="left") % 2 == 0
    half.marks = half.marks[~odd | np.isin(half.marks["t0"], begins)]  # a step has the first mark of the next one, too
    half.marks["arg"] = np.searchsorted(begins[::2], half.marks["t0"], side="right")
    name_device_waits(whole)
    name_device_waits(half)
    assert per_step(half, "sync") == pytest.approx(per_step(whole, "sync"), rel=0.1)


def test_the_total_of_a_step_stays():
    made = train(Pair(), 30, load=3.0, python=2.0, copy=4.0)
    names = [name for name in signals.PHASES if name in made.steps]
    before = sum(made.steps[name] for name in names)
    name_device_waits(made)
    assert (sum(made.steps[name] for name in names) == before).all()
    assert all((made.steps[name] >= 0).all() for name in names)


def test_no_marks():
    made = recording()
    name_device_waits(made)
    assert marks_of(made, 0).count == 0


@given(
    st.lists(st.tuples(st.floats(0.1, 50), st.floats(0, 60)), min_size=1, max_size=40),
    st.floats(-3e-5, 3e-5),
    st.floats(-1e4, 1e4),
)
def test_the_device_is_never_behind_its_work_nor_ahead_of_the_host(pauses, drift, ahead):
    """Whatever the clocks do, a mark is reached no earlier than it was made; at its latest by when it truly was."""
    pair = Pair(ahead=ahead + 1e5, drift=drift)
    truth = []
    for pause, work in pauses:
        pair.host(pause)
        pair.launch(work)
        truth.append(max(pair.done, pair.now))
        pair.mark(FORWARD, True)
    found = marks_of(pair.recording(), 0)
    assert (found.device >= found.host).all()
    assert (found.device / 1e6 <= np.array(truth) + 0.05 + 1e-4 * (pair.now - 100)).all()


def test_a_device_that_was_never_idle_was_seen_busy():
    """Each mark is a second behind the host; the host saw how far each was from being done half a second later."""
    marks = [(100.0 + 10 * n, 1100.0 + 10 * n, FORWARD | END) for n in range(50)]
    made = recording(marks=rows(marks))
    assert marks_of(made, 0).empty.all()  # nothing says otherwise
    made.marks["arg"] |= np.uint64(500_000 << signals.WAITED_AT)
    found = marks_of(made, 0)
    assert not found.empty.any()
    assert (found.device - found.host) / 1e6 == pytest.approx(500.0, abs=1.0)
