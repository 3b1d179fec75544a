"""Who silences whom, what is severe, and the plan as a simulation."""

from __future__ import annotations

import pytest
from bottleneck_profiler.diagnosis import ranking
from bottleneck_profiler.diagnosis.findings import Changes, Finding, Fix, Gain, Location, StepModel

RUN = 100.0
MODEL = StepModel(0.040, 0.060, 0.001, 0.040, 4.0, queue_seconds=0.0, steps=1000)


def finding(name, share=None, step_share=None, low=None, confidence=0.8, ceiling=False, **fields):
    gain = None
    if share is not None:
        low = share * 0.8 if low is None else low
        gain = Gain(share, low, share * 1.2, share * RUN, "", "run", step_share, confidence, ceiling)
    return Finding(name, name, "training", (), fields.pop("fix", Fix("", "", 1)), gain=gain, **fields)


def names(rows):
    return [row.finding.detector for row in rows]


def rank(*findings, **explains):
    explained = {child.replace("_", "-"): parents for child, parents in explains.items()}
    return ranking.rank(list(findings), explained, RUN)


@pytest.mark.parametrize("parent", ["input-wait", "residual-python", "too-few-workers", "anything"])
def test_a_child_silences_what_it_explains_to_four_fifths(parent):
    order, aside, _ = rank(finding("child", 0.25), finding(parent, 0.30), child=(parent,))
    assert names(order) == ["child"]
    assert aside == []
    assert order[0].explains == (parent,)
    order, _, _ = rank(finding("child", 0.15), finding(parent, 0.30), child=(parent,))
    assert sorted(names(order)) == sorted(["child", parent])


def test_what_is_too_small_silences_nothing():
    order, aside, _ = rank(finding("child", 0.02), finding("parent", 0.02, step_share=0.5), child=("parent",))
    assert order == []
    assert sorted(names(aside)) == ["child", "parent"]


def test_a_hint_silences_nothing():
    order, aside, _ = rank(finding("child", 0.3, hint=True), finding("parent", 0.3), child=("parent",))
    assert names(order) == ["parent"]
    assert names(aside) == ["child"]


def test_a_child_without_a_gain_silences_nothing_that_has_one():
    creep = finding("memory-creep", exhaustion_seconds=60.0)
    order, _, _ = rank(creep, finding("memory-thrash", 0.3), memory_creep=("memory-thrash",))
    assert sorted(names(order)) == ["memory-creep", "memory-thrash"]


def test_a_sibling_is_silenced_only_by_what_takes_its_gain_away():
    """Collating half of the loading: workers would hide it all, and cheaper decoding is another half."""
    collate = finding("serial-collate", 0.30, changes=Changes(MODEL, load_seconds=-0.030))
    decode = finding("cpu-bound-decode", 0.28, changes=Changes(MODEL, load_seconds=-0.028))
    workers = finding("workers-zero", 0.36, changes=Changes(MODEL, workers=4))
    siblings = ("cpu-bound-decode", "workers-zero")
    order, _, _ = rank(collate, decode, workers, serial_collate=siblings)
    assert sorted(names(order)) == ["cpu-bound-decode", "serial-collate", "workers-zero"]
    # All of the loading is collating: nothing is left for the others.
    collate = finding("serial-collate", 0.57, changes=Changes(MODEL, load_seconds=-0.057))
    decode = finding("cpu-bound-decode", 0.58, changes=Changes(MODEL, load_seconds=-0.058))
    order, _, _ = rank(collate, decode, workers, serial_collate=siblings)
    assert names(order) == ["serial-collate"]


def test_a_symptom_claims_the_lower_end_of_its_gain_only():
    symptom = finding("input-wait", 0.54, low=0.36, detected_by=0.6)
    order, _, _ = rank(finding("workers-zero", 0.36), symptom, workers_zero=("input-wait",))
    assert names(order) == ["workers-zero"]


def test_a_large_part_of_the_steps_is_no_warning_where_the_steps_are_little_of_the_run():
    assert ranking.severity(finding("a", 0.04, step_share=0.60)) == "info"
    assert ranking.severity(finding("a", 0.08, step_share=0.45)) == "critical"
    assert ranking.severity(finding("a", 0.25)) == "critical"


def test_the_plan_prices_the_rest_on_the_steps_that_remain():
    """C + L = 100 ms; workers hide the loading; then cheaper loading saves nothing more."""
    workers = finding("workers-zero", 0.60, changes=Changes(MODEL, workers=4))
    cheaper = finding("cpu-bound-decode", 0.30, changes=Changes(MODEL, load_seconds=-0.030))
    order, _, plan = rank(cheaper, workers)
    assert [(step.detector, step.wall_seconds_after) for step in plan] == [("workers-zero", pytest.approx(40.0))]
    assert names(order) == ["workers-zero", "cpu-bound-decode"]


def test_less_work_after_a_faster_loader_counts_in_full():
    slow = StepModel(0.040, 0.160, 0.001, 0.040, 4.0, queue_seconds=0.0, workers=2, steps=1000)
    loader = finding("too-few-workers", 0.40, changes=Changes(slow, workers=8))
    # While the loader sets the pace of 80 ms, 20 of 40 ms less work save nothing.
    less = finding("residual-python", 0.05, changes=Changes(slow, work_seconds=-0.020, work_cpu_seconds=-0.020))
    _, _, plan = rank(loader, less)
    assert [step.detector for step in plan] == ["too-few-workers", "residual-python"]
    assert plan[1].wall_seconds_after == pytest.approx(40.0)


def test_less_work_before_workers_leaves_less_to_hide():
    """One that only names a phase of the step makes the work less in the model too."""
    workers = finding("workers-zero", 0.40, fix=Fix("", "", 2), changes=Changes(MODEL, workers=1))
    other = finding("residual-python", 0.39, removes={"other": 39.0})
    _, _, plan = rank(workers, other)
    # C 1 ms + L 60 ms: with a worker the loading alone stays.
    assert [step.detector for step in plan] == ["residual-python"]
    assert plan[0].wall_seconds_after == pytest.approx(61.0)


def test_outside_the_steps_a_phase_goes_only_once():
    first = finding("csv-instead-of-parquet", 0.30, removes={"etl.read": 30.0})
    second = finding("unused-columns", 0.20, removes={"etl.read": 20.0})
    _, _, plan = rank(first, second)
    assert [step.detector for step in plan] == ["csv-instead-of-parquet"]


def test_the_plan_stops_under_the_dead_band():
    saved = [finding(f"f{i}", share, removes={f"etl.{i}": share * RUN}) for i, share in enumerate((0.3, 0.2, 0.06))]
    _, _, plan = rank(*saved)
    assert [round(step.wall_seconds_after) for step in plan] == [70, 50, 44]
    tiny = finding("tiny", 0.012, step_share=0.2, removes={"etl.t": 1.2})
    assert [step.detector for step in rank(saved[0], tiny)[2]] == ["f0"]


def test_a_wide_range_hides_no_large_gain():
    assert names(rank(finding("csv", 0.14, low=0.0))[0]) == ["csv"]
    assert names(rank(finding("csv", 0.06, low=0.0))[0]) == []


def test_a_flag_comes_first_only_where_it_saves_nearly_as_much():
    flag, lines, format_ = (Fix("", "", effort) for effort in (1, 2, 4))
    assert names(rank(finding("a", 0.10, fix=flag), finding("b", 0.16, fix=lines))[0]) == ["b", "a"]
    assert names(rank(finding("a", 0.10, fix=flag), finding("b", 0.13, fix=lines))[0]) == ["a", "b"]
    assert names(rank(finding("a", 0.10, fix=flag), finding("b", 0.22, fix=format_))[0]) == ["b", "a"]


def test_a_guess_is_never_critical():
    assert ranking.severity(finding("a", 0.6, confidence=0.4)) == "critical"
    assert ranking.severity(finding("a", 0.6, confidence=0.2)) == "warning"
    assert ranking.severity(finding("a", 0.6, confidence=0.3, detected_by=0.6)) == "warning"


def test_a_ceiling_comes_after_what_is_priced_and_is_no_step_of_the_plan():
    ceilings = [finding(name, share, low=low, ceiling=True) for name, share, low in (("c", 0.6, 0.1), ("d", 0.5, 0.3))]
    order, _, plan = rank(finding("priced", 0.06), *ceilings)
    assert names(order) == ["priced", "d", "c"]
    assert [step.detector for step in plan] == ["priced"]


def test_a_known_cause_silences_the_symptom_at_its_line_however_much_that_claims():
    here, there = Location("train.py", 7), Location("train.py", 9)
    cause = finding("frame-row", 0.2, location=here, explains=("repeat-transform", "residual-python"))
    symptoms = [finding("repeat-transform", 0.5, location=here), finding("residual-python", 0.5, location=there)]
    assert sorted(names(rank(cause, *symptoms)[0])) == ["frame-row", "residual-python"]
