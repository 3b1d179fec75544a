"""starved-gpu and idle-accelerator on made-up samples, marked simulated; and their silence without an accelerator."""

from __future__ import annotations

import pytest
from bottleneck_profiler.detectors.device.idle_accelerator import IdleAccelerator
from bottleneck_profiler.detectors.device.starved_gpu import StarvedGpu
from bottleneck_profiler.diagnosis import ranking
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotMeasured
from memory import recordings

judge, recording, gpu_table = recordings.judge, recordings.recording, recordings.gpu_table


def test_idle_inside_the_wait_is_a_starved_accelerator():
    made = gpu_table(recording(wait_share=0.6), lambda share, device: 0.4)
    outcome = judge(StarvedGpu(), made)
    assert isinstance(outcome, Finding)
    assert outcome.gain.step_share == pytest.approx(0.6, abs=0.02)
    assert any(item.value == "simulated" for item in outcome.evidence)


def test_idle_outside_the_wait_is_something_else():
    made = gpu_table(recording(wait_share=0.1), lambda share, device: 0.4)
    outcome = judge(StarvedGpu(), made)
    assert isinstance(outcome, Fine) and outcome.value == pytest.approx(0.1 / 0.6, abs=0.02)


def test_a_busy_accelerator_is_fine():
    outcome = judge(StarvedGpu(), gpu_table(recording(wait_share=0.05), lambda share, device: 0.97))
    assert isinstance(outcome, Fine)


def test_the_busiest_of_several_devices_counts():
    made = gpu_table(recording(wait_share=0.6), lambda share, device: (0.96, 0.1)[device], devices=2)
    assert isinstance(judge(StarvedGpu(), made), Fine)


def test_too_few_samples_are_not_judged():
    made = gpu_table(recording(wait_share=0.6), lambda share, device: 0.4, every=2.0)
    assert isinstance(judge(StarvedGpu(), made), NotMeasured)


def test_unknown_utilization_is_not_idleness():
    made = gpu_table(recording(wait_share=0.6), lambda share, device: float("nan"))
    assert isinstance(judge(StarvedGpu(), made), NotMeasured)


def test_the_price_of_idling():
    made = gpu_table(recording(wait_share=0.6), lambda share, device: 0.4, devices=2)
    outcome = judge(IdleAccelerator(), made, price=20.0)  # of the machine, with both
    assert isinstance(outcome, Finding)
    values = {item.label: item.value for item in outcome.evidence}
    assert values["cost of idling per hour of this run"] == pytest.approx(12.0)
    assert values["cost of idling in this run"] == pytest.approx(12.0 * made.wall_seconds / 3600, abs=1e-5)
    # The saved time is the cause's: this is the bill, shown aside, with no command for a fix.
    assert outcome.gain is None and outcome.hint and not outcome.removes and not outcome.fix.snippet
    assert "60 %" in outcome.fix.summary
    order, aside, plan = ranking.rank([outcome, judge(StarvedGpu(), made)], {}, made.wall_seconds)
    assert [r.finding.detector for r in order] == ["starved-gpu"] == [step.detector for step in plan]
    assert [r.finding.detector for r in aside] == ["idle-accelerator"]
    assert isinstance(judge(IdleAccelerator(), made), NotMeasured)  # no price
    busy = gpu_table(recording(), lambda share, device: 0.95)
    assert isinstance(judge(IdleAccelerator(), busy, price=10.0), Fine)


@pytest.mark.parametrize("detector", [StarvedGpu(), IdleAccelerator()])
def test_without_an_accelerator_there_is_no_verdict_and_no_sentence_about_a_gpu(detector):
    outcome = judge(detector, recording(wait_share=0.6), price=10.0)
    assert isinstance(outcome, NotMeasured) and "gpu" not in outcome.reason.lower()
