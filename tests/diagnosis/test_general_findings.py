"""A general detector knows the line, not the library: who is silent where both speak."""

from __future__ import annotations

from bottleneck_profiler.diagnosis.findings import Finding, Location

from .test_ranking import finding, names, rank


def at(name: str, share: float, line: int, file: str = "/home/ada/job.py", **more: object) -> Finding:
    return finding(name, share, location=Location(file, line), **more)


def test_a_specific_finding_at_the_same_line_silences_the_general_one():
    order, aside, _ = rank(at("row-apply", 0.3, 7, general=True), at("row-wise-python", 0.3, 7))
    assert names(order) == ["row-wise-python"]
    assert aside == []


def test_at_other_lines_and_in_other_files_both_speak():
    general = at("row-apply", 0.3, 7, general=True)
    for other in (at("row-wise-python", 0.3, 8), at("row-wise-python", 0.3, 7, "/home/ada/other.py")):
        order, _, _ = rank(general, other)
        assert sorted(names(order)) == ["row-apply", "row-wise-python"]


def test_a_specific_finding_that_explains_little_silences_nothing():
    order, _, _ = rank(at("row-apply", 0.4, 7, general=True), at("row-wise-python", 0.1, 7))
    assert names(order) == ["row-apply", "row-wise-python"]


def test_a_specific_finding_that_is_not_worth_acting_on_silences_nothing():
    hint = at("row-wise-python", 0.3, 7, hint=True)
    order, aside, _ = rank(at("row-apply", 0.3, 7, general=True), hint)
    assert (names(order), names(aside)) == (["row-apply"], ["row-wise-python"])


def test_a_general_finding_silences_its_symptoms_wherever_they_are():
    child = at("frame-row-in-getitem", 0.4, 7, general=True, explains=("input-wait", "workers-zero"))
    order, _, _ = rank(child, at("input-wait", 0.45, 30), finding("workers-zero", 0.3))
    assert names(order) == ["frame-row-in-getitem"]
    assert set(order[0].explains) == {"input-wait", "workers-zero"}


def test_a_symptom_of_which_much_is_left_speaks_beside_it():
    child = at("frame-row-in-getitem", 0.2, 7, general=True, explains=("input-wait",))
    order, _, _ = rank(child, at("input-wait", 0.5, 30))
    assert sorted(names(order)) == ["frame-row-in-getitem", "input-wait"]


def test_two_general_findings_at_one_line_leave_each_other_alone():
    order, _, _ = rank(at("row-apply", 0.3, 7, general=True), at("iterrows-loop", 0.2, 7, general=True))
    assert names(order) == ["row-apply", "iterrows-loop"]


def test_a_general_finding_that_a_specific_one_silences_gives_way_with_its_symptoms_told():
    """The symptoms of the general one are the specific one's too: nothing else is left to say."""
    general = at("row-apply", 0.3, 7, general=True, explains=("residual-python",))
    order, _, _ = rank(general, at("row-wise-python", 0.3, 7), at("residual-python", 0.3, 9))
    assert names(order) == ["row-wise-python"]
