"""Budgets: kept, missed, too close to say, and not measured."""

from __future__ import annotations

from dataclasses import replace

import pytest
from bottleneck_profiler.gate import budgets
from hypothesis import given
from hypothesis import strategies as st

from gate.made import STEADY, of, times


def test_a_step_time_is_kept_missed_or_too_close():
    step = of().figures["step"]
    runs = times(*STEADY)
    assert budgets.max_step_time(step * 1.2).judge(runs).outcome == "pass"
    missed = budgets.max_step_time(step * 0.8).judge(runs)
    assert missed.outcome == "fail"
    assert "over its budget: at most" in missed.sentence
    assert budgets.max_step_time(step * 1.003).judge(runs).outcome == "cannot tell"
    assert budgets.max_step_time(step * 1.2).judge(runs[:1]).outcome == "cannot tell"


def test_a_gpu_is_busy_enough_or_not():
    runs = [replace(of(), figures={**of().figures, "gpu_busy": 0.8 * factor}) for factor in STEADY]
    assert budgets.min_gpu_busy(0.7).judge(runs).outcome == "pass"
    missed = budgets.min_gpu_busy(0.9).judge(runs)
    assert missed.outcome == "fail"
    assert "under its budget: at least 90 %" in missed.sentence


def test_what_was_not_measured_is_never_within_the_budget():
    runs = times(*STEADY)
    found = budgets.min_gpu_busy(0.1).judge(runs)
    assert found.outcome == "cannot tell"
    assert "no accelerator was measured" in found.sentence
    without = [replace(run, figures={"run": 1.0}) for run in runs]
    assert budgets.max_step_time(100.0).judge(without).outcome == "cannot tell"
    assert budgets.max_data_wait(1.0).judge(without).outcome == "cannot tell"
    assert budgets.max_step_time(100.0).judge([*runs, without[0]]).outcome == "cannot tell"
    assert budgets.max_step_time(100.0).judge([]).outcome == "cannot tell"


def test_the_wait_for_data_is_a_share_of_the_step():
    runs = times(*STEADY)
    share = of().figures["data_wait"] / of().figures["step"]
    assert budgets.max_data_wait(min(1.0, share * 1.2)).judge(runs).outcome == "pass"
    assert budgets.max_data_wait(share * 0.8).judge(runs).outcome == "fail"


def test_a_finding_is_new_if_most_runs_have_it_and_the_old_version_has_not():
    sick, healthy = of("workers-zero/fires"), of("workers-zero/silent")
    key = next(iter(sick.findings))
    found = budgets.no_new_findings("critical", set(), [sick, sick, healthy], "main")
    assert found.outcome == "fail"
    assert "A finding that main does not have" in found.sentence
    assert found.location == sick.findings[key].finding.location
    assert budgets.no_new_findings("critical", {key}, [sick, sick, sick], "main").outcome == "pass"
    assert budgets.no_new_findings("critical", set(), [sick, healthy, healthy], "main").outcome == "pass"
    mild = replace(sick, findings={key: replace(sick.findings[key], severity="warning")})
    assert budgets.no_new_findings("critical", set(), [mild] * 3, "main").outcome == "pass"
    assert budgets.no_new_findings("warning", set(), [mild] * 3, "main").outcome == "fail"


@pytest.mark.parametrize(("text", "seconds"), [("250ms", 0.25), ("0.25", 0.25), ("2 s", 2.0), ("80us", 8e-5)])
def test_times(text, seconds):
    assert budgets.seconds_of(text) == pytest.approx(seconds)


@pytest.mark.parametrize(("text", "share"), [("80%", 0.8), ("0.8", 0.8), ("0 %", 0.0), ("100%", 1.0)])
def test_shares(text, share):
    assert budgets.share_of(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["", "nan", "-1s", "0s", "fast", "12 hours", "inf", "1e999s"])
def test_what_is_no_time(text):
    with pytest.raises(ValueError, match="is no time such as 250ms"):
        budgets.seconds_of(text)


@pytest.mark.parametrize("text", ["", "nan", "-1", "80", "101%", "1.2", "half"])
def test_what_is_no_share(text):
    with pytest.raises(ValueError, match="is no share such as 80%"):
        budgets.share_of(text)


@given(st.text())
def test_any_text_is_a_quantity_or_one_line(text):
    for parse in (budgets.seconds_of, budgets.share_of):
        try:
            assert parse(text) >= 0
        except ValueError as error:
            assert "such as" in str(error)
