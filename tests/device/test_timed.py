"""What the device did in the timed steps: busy and idle at least, and why it was idle."""

from __future__ import annotations

import numpy as np
import pytest
from bottleneck_profiler.artifacts import Artifacts, Missing
from bottleneck_profiler.artifacts.device.timed import Timed
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.exporters import html
from bottleneck_profiler.exporters.support import device_words
from bottleneck_profiler.recording.device_waits import name_device_waits
from bottleneck_profiler.recording.facts import (
    DataParallel,
    DeviceInUse,
    DeviceLines,
    DevicesHeld,
    FlowLines,
    Forward,
    Optimizer,
)
from bottleneck_profiler.recording.model import RECORD_DTYPE, Frame, Recording, Table
from bottleneck_profiler.recording.read import load
from goldens import regenerate

from .marked import Pair
from .record import HERE
from .test_waits import looked_at, train

COPY = Frame("main", "/home/ada/train.py", 12, True)


def timed(made: Recording) -> Timed:
    name_device_waits(made)
    return Artifacts(made).get(Timed)


def ms(seconds: float) -> float:
    return 1e3 * seconds


def test_a_loop_that_starves_its_device():
    found = timed(train(Pair(), 60, load=20.0, device=10.0, sync=True))
    assert ms(found.step_seconds) == pytest.approx(20.0 + 1.0 + 10.0, abs=1.0)
    assert ms(found.idle_seconds_by_cause["input"]) == pytest.approx(20.0, abs=0.2)
    assert ms(found.idle_seconds_by_cause["sync"]) < 0.5
    assert ms(found.busy_seconds) <= 10.0
    assert found.idle_share == pytest.approx(20 / 31, abs=0.05)


def test_a_device_that_is_always_busy():
    pair = Pair()
    pair.done = 200.0
    found = timed(train(pair, 60, load=20.0, device=26.0, sync=False))
    assert found.idle_share < 0.01
    assert found.busy_seconds == pytest.approx(found.step_seconds, rel=0.01)


def test_a_big_model_whose_loss_is_asked_for_in_every_step():
    found = timed(train(Pair(), 60, device=60.0))
    assert found.idle_share < 0.03
    assert ms(found.waited_seconds) == pytest.approx(55.0, abs=2.0)


def test_host_work_after_the_wait():
    made = train(Pair(), 60, device=30.0, after=10.0)
    looked_at(made, python_after=True)
    found = timed(made)
    assert ms(found.idle_seconds_by_cause["sync"]) == pytest.approx(10.0, abs=0.5)


def test_launches_that_the_device_keeps_up_with():
    made = train(Pair(), 60, device=0.1, sync=False)
    assert timed(made).kept_up_seconds == 0  # nothing says that the model is on the device
    optimizer(made, "cuda")
    found = timed(made)
    assert ms(found.kept_up_seconds) == pytest.approx(5.0, abs=0.3)
    assert found.idle_share < 0.1


def optimizer(made: Recording, device: str) -> None:
    fact = Optimizer("SGD", False, False, True, False, 1, device, [], "2.13")
    made.facts.notes += [(0, DeviceInUse("cuda")), (0, fact)]


def test_a_model_on_the_host_beside_a_device():
    made = train(Pair(), 60, device=0.1, sync=False)
    optimizer(made, "cpu")
    with pytest.raises(Missing, match="not trained on the accelerator"):
        timed(made)


def test_the_time_of_the_device_is_never_more_than_the_step():
    found = timed(train(Pair(), 60, load=5.0, python=3.0, device=17.0, after=4.0, copy=2.0))
    assert found.idle_seconds + found.busy_seconds <= found.step_seconds


@pytest.mark.parametrize("blocks", (True, False))
def test_copies_in_front_of_the_model(blocks):
    pair = Pair()
    made = train(pair, 60, copy=8.0) if blocks else train_with_queued_copies(pair)
    made.facts.notes.append((0, DeviceLines(COPY.file, [], [COPY.line])))
    made.facts.stacks[0, 1] = (COPY,)
    made.facts.notes.append((0, Forward([("main", COPY.file, COPY.line + 2)], True)))
    made.facts.attached.add("stacks")
    made.stacks = np.zeros(20, RECORD_DTYPE)
    made.stacks["arg"] = 1
    made.stacks["t1"] = (made.steps["t0"][10:30] + 4_000_000).astype("i8")
    made.stacks["t0"] = made.stacks["t1"] - 3_000_000
    found = timed(made)
    assert ms(found.copying_seconds) == pytest.approx(8.0, abs=0.5)
    assert ms(found.blocking_seconds) == pytest.approx(8.0 if blocks else 0.0, abs=0.5)
    assert found.copy is not None and found.copy.line == COPY.line


def test_work_in_front_of_the_model_that_is_no_copy():
    made = train_with_queued_copies(Pair())
    made.facts.notes += [
        (0, DeviceLines(COPY.file, [], [COPY.line])),
        (0, Forward([("main", COPY.file, COPY.line + 2)], True)),
        (0, FlowLines(COPY.file, [COPY.line, COPY.line + 1, COPY.line + 2])),
    ]
    assert timed(made).copying_seconds == 0


def train_with_queued_copies(pair: Pair) -> Recording:
    launch = pair.phase

    def phase(number, host, device):
        if number == 5:
            pair.launch(8.0)
        launch(number, host, device)

    pair.phase = phase  # type: ignore[method-assign]
    return train(pair, 60)


def test_without_marks_nothing_is_said():
    with pytest.raises(Missing, match="No accelerator was timed"):
        made = train(Pair(), 30)
        made.marks = made.marks[:0]
        timed(made)


def test_the_other_devices_of_the_process_are_not_timed():
    made = train(Pair(), 60, load=20.0, device=10.0)
    made.facts.notes += [
        (0, DataParallel(0, 2, (0, 1))),
        (0, DevicesHeld(1, (3,))),
    ]
    found = timed(made)
    assert (found.index, found.others) == (1, (0, 3))
    made.gpu = nvml(made, {0: 0.4, 1: 0.3})
    uses = diagnose(made).devices
    assert [(use.index, use.basis, use.nvml_share) for use in uses] == [
        (1, "events", pytest.approx(0.3)), (0, "nvml", pytest.approx(0.4)), (3, "not-measured", None),
    ]  # fmt: skip
    assert [use.busy_share for use in uses[1:]] == [use.idle_share for use in uses[1:]] == [None, None]
    said = [device.sentence for device in device_words.devices(diagnose(made))]
    assert said[0].startswith("In the steps, the device () 1 idles for at least")
    assert "NVML saw kernels run on it in 40 % of that time" in said[1] and "not timed" in said[1]
    assert said[2] == "The program also uses the device () 3, which was not measured."


def nvml(made: Recording, shares: dict[int, float]) -> Table:
    """What NVML would have sampled on each device."""
    times = np.linspace(made.steps["t0"][0], made.steps["t1"][-1], 60).astype(np.int64)
    columns = [(times, np.full(60, index), np.full(60, share)) for index, share in shares.items()]
    joined = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    return dict(zip(("time_ns", "index", "utilization"), joined, strict=True))


@pytest.mark.parametrize(
    ("program", "share", "said"),
    [
        ("starved", 0.9, "NVML also counts other streams and other programs."),
        ("big-model-with-item", 0.1, "NVML counts neither copies nor waits inside the queue."),
        ("big-model-with-item", 0.95, ""),
        ("starved", 0.24, ""),
    ],
)
def test_the_report_says_where_nvml_and_the_events_disagree(tmp_path, program, share, said):
    made = load(regenerate.unpack(HERE / "recorded" / f"{program}.tar.gz", tmp_path))
    made.gpu = nvml(made, {0: share})
    diagnosis = diagnose(made)
    for page in (html.render(diagnosis), " ".join(device.sentence for device in device_words.devices(diagnosis))):
        assert ("NVML disagrees" in page) == bool(said) and said in page
