"""What known slow lines cost and which of them are named, from made-up stacks and facts."""

from __future__ import annotations

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts.run.user_lines import UserLines
from bottleneck_profiler.detectors.run.hot_python import HotPython
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.diagnosis.findings import Finding, Findings, Fine, NotMeasured, Outcome
from bottleneck_profiler.patterns.known import PATTERNS
from bottleneck_profiler.recording.model import Recording, Site
from typed import add

from .made_up import Stood, library, recording, user

MAIN = user(9, "main")
APPLY = library("DataFrame.apply", "/site-packages/pandas/core/frame.py")


def known(recorded: Recording, line: int, pattern: str, function: str = "work", **more: object) -> None:
    fields = {"share": 1.0, "stage": "etl", **more}
    add(recorded.facts, "known_line", file="/home/ada/job.py", line=line, function=function, pattern=pattern, **fields)


def judged(recorded: Recording) -> Outcome:
    return HotPython().detect(recorded, UserLines.compute(recorded), None, None, None, None)


def findings(recorded: Recording) -> list[Finding]:
    outcome = judged(recorded)
    assert isinstance(outcome, Findings), outcome
    return list(outcome.all)


def place(finding: Finding) -> int:
    assert finding.location is not None
    return finding.location.line


def evidence(finding: Finding, label: str) -> float:
    return next(float(each.value) for each in finding.evidence if each.label == label)


def test_a_finding_carries_the_id_and_the_words_of_its_pattern():
    recorded = recording(Stood((APPLY, user(3), MAIN), 0, 4_000))
    known(recorded, 3, "row-apply")
    (finding,) = findings(recorded)
    assert (finding.detector, place(finding), finding.stage, finding.general) == ("row-apply", 3, "etl", True)
    assert "axis=1" in finding.title
    assert "columns" in finding.fix.summary
    assert evidence(finding, "share of the run") == pytest.approx(0.4)
    assert evidence(finding, "samples") == 80


@pytest.mark.parametrize("pattern", ["row-apply", "commit-per-row", "grow-own-argument", "lock-around-handler"])
@pytest.mark.parametrize("to_ms", [1_500, 5_000, 10_000])
@pytest.mark.parametrize("every_ms", [10, 50])
def test_the_gain_lies_in_its_range_and_in_the_run(pattern: str, to_ms: int, every_ms: int):
    recorded = recording(Stood((user(3),), 0, to_ms, every_ms=every_ms))
    known(recorded, 3, pattern)
    gain = findings(recorded)[0].gain
    assert gain is not None
    assert 0 <= gain.low <= gain.share <= gain.high <= 1
    besides = next(each for each in PATTERNS if each.id == pattern).price.besides
    assert gain.share <= to_ms / 10_000 * (1 + besides)


def test_workers_that_take_longer_to_start_than_they_save_are_no_finding():
    for to_ms, pays in ((4_000, False), (9_000, True)):
        recorded = recording(Stood((user(3),), 0, to_ms, every_ms=10))
        known(recorded, 3, "n-jobs-unset")
        assert isinstance(judged(recorded), Findings if pays else Fine)


def test_more_samples_give_a_narrower_range():
    ranges = []
    for every_ms in (10, 100):
        recorded = recording(Stood((user(3),), 0, 5_000, every_ms=every_ms))
        known(recorded, 3, "row-apply")
        gain = findings(recorded)[0].gain
        assert gain is not None
        ranges.append(gain.high - gain.low)
    assert ranges[0] < ranges[1]


def test_only_the_part_that_is_spent_in_the_pattern_is_priced():
    gains = []
    for share in (1.0, 0.6):
        recorded = recording(Stood((user(3),), 0, 5_000))
        known(recorded, 3, "row-apply", share=share)
        gain = findings(recorded)[0].gain
        assert gain is not None
        gains.append(gain.share)
    assert gains[1] == pytest.approx(0.6 * gains[0])


def test_fewer_than_thirty_samples_are_no_finding():
    for samples, fires in ((29, False), (30, True)):
        recorded = recording(Stood((user(3),), 0, samples * 100, every_ms=100))
        known(recorded, 3, "row-apply")
        assert isinstance(judged(recorded), Findings) is fires


def test_half_as_many_samples_do_for_a_line_that_holds_most_of_a_server():
    for wall_ms, stage, fires in ((3_000, "serving", True), (8_000, "serving", False), (3_000, "etl", False)):
        recorded = recording(Stood((user(3),), 0, 2_000, every_ms=100), wall_ms=wall_ms)
        known(recorded, 3, "row-apply", stage=stage)
        assert isinstance(judged(recorded), Findings) is fires


def test_a_small_line_is_no_finding_and_the_share_is_told():
    recorded = recording(Stood((user(3),), 0, 450, every_ms=10), Stood((user(4),), 450, 9_000))
    known(recorded, 3, "row-apply")
    outcome = judged(recorded)
    assert isinstance(outcome, Fine)
    assert outcome.value == pytest.approx(0.045)


def test_lines_without_a_pattern_are_fine_and_no_source_is_not_measured():
    recorded = recording(Stood((user(3),), 0, 4_000))
    assert isinstance(judged(recorded), NotMeasured)
    known(recorded, 3, "")
    assert isinstance(judged(recorded), Fine)
    known(recorded, 4, "row-apply")  # a line that holds no time
    assert isinstance(judged(recorded), Fine)
    assert isinstance(judged(recording(Stood((APPLY,), 0, 4_000))), NotMeasured)


def test_a_pattern_of_another_version_is_passed_over():
    recorded = recording(Stood((user(3),), 0, 4_000))
    known(recorded, 3, "pattern-of-tomorrow", stage="of tomorrow")
    assert isinstance(judged(recorded), Fine)


def test_lines_of_one_function_are_one_finding_at_the_first_that_matters():
    recorded = recording(Stood((user(3),), 0, 500), Stood((user(4),), 500, 3_000), Stood((user(5),), 3_000, 6_000))
    for line in (3, 4, 5):
        known(recorded, line, "row-apply")
    (finding,) = findings(recorded)
    assert place(finding) == 4  # line 3 is a sixth of the heaviest
    assert evidence(finding, "time in this pattern") == pytest.approx(6.0)
    assert evidence(finding, "samples") == 120


def test_lines_with_few_samples_count_together():
    recorded = recording(*(Stood((user(line),), line * 1_000, line * 1_000 + 750) for line in (3, 4)))
    for line in (3, 4):
        known(recorded, line, "row-apply")
    (finding,) = findings(recorded)
    assert evidence(finding, "samples") == 30


def test_lines_of_other_functions_are_named_beside_the_heaviest():
    recorded = recording(Stood((user(3),), 0, 2_000), Stood((user(40, "other"),), 2_000, 5_000))
    known(recorded, 3, "row-apply")
    known(recorded, 40, "row-apply", "other")
    (finding,) = findings(recorded)
    assert place(finding) == 40
    assert "/home/ada/job.py:3" in [each.value for each in finding.evidence]


def test_lines_side_by_side_in_threads_are_not_more_than_the_run():
    both = [Stood((user(line),), 0, 10_000, thread=line) for line in (3, 4)]
    recorded = recording(Stood((MAIN,), 0, 1_000), *both)
    for line in (3, 4):
        known(recorded, line, "row-apply")
    (finding,) = findings(recorded)
    assert evidence(finding, "share of the run") == pytest.approx(1.0)
    assert finding.gain is not None and finding.gain.share <= finding.gain.high <= 1.0


def test_of_nested_lines_the_innermost_that_holds_the_time_is_named():
    def made(inner_ms: int) -> list[int]:
        inner = Stood((user(3, "deep"), user(4)), 0, inner_ms)
        recorded = recording(inner, Stood((user(4),), inner_ms, 6_000))
        known(recorded, 3, "row-apply", "deep")
        known(recorded, 4, "iterrows-loop")
        return [place(finding) for finding in findings(recorded)]

    assert made(5_000) == [3]
    assert sorted(made(2_000)) == [3, 4]  # most of the outer one is its own


def test_a_function_that_a_line_hands_over_is_part_of_that_line():
    """``frame.apply(lambda row: distance(row["x"], row["y"]), axis=1)`` over several lines: all of it goes."""
    inner = user(4, "work.<locals>.<lambda>")
    recorded = recording(Stood((inner, APPLY, user(3), MAIN), 0, 3_000), Stood((APPLY, user(3), MAIN), 3_000, 5_000))
    known(recorded, 3, "row-apply", cause=3)
    known(recorded, 4, "row-apply", "work.<locals>.<lambda>", cause=3)
    (finding,) = findings(recorded)
    assert place(finding) == 3
    assert evidence(finding, "time in this pattern") == pytest.approx(5.0)


def test_the_line_to_change_is_the_place():
    recorded = recording(Stood((user(3),), 0, 4_000))
    known(recorded, 3, "row-apply", cause=17)
    (finding,) = findings(recorded)
    assert place(finding) == 17


def test_the_place_may_be_in_another_file():
    recorded = recording(Stood((user(3),), 0, 4_000))
    known(recorded, 3, "row-apply", cause=17, cause_file="/home/ada/service.py")
    (finding,) = findings(recorded)
    assert str(finding.location) == "/home/ada/service.py:17"


def test_a_loop_of_a_loss_is_priced_with_the_backward_pass_through_it():
    recorded = recording(Stood((user(3),), 0, 2_000), Stood((user(5),), 2_000, 3_000), Stood((user(7),), 3_000, 9_000))
    forward = recorded.stacks["t1"] <= 3_000_000_000
    recorded.stacks["flags"] |= np.where(forward, signals.FORWARD, signals.BACKWARD).astype("u2")
    known(recorded, 3, "batch-python-loop", stage="training")
    (finding,) = findings(recorded)
    assert finding.gain is not None
    assert evidence(finding, "time in this pattern") == pytest.approx(6.0), "and two thirds of the backward pass"
    assert finding.gain.low < 0.2, "which may be about other operations"
    assert "backward pass" in finding.gain.method


def test_what_pandas_calls_for_each_row_is_the_cause_of_slow_rows():
    recorded = recording(Stood((user(3), APPLY, MAIN), 0, 4_000))
    known(recorded, 3, "strptime-per-row")
    assert "row-wise-python" in findings(recorded)[0].explains
    alone = recording(Stood((user(3), MAIN), 0, 4_000))
    known(alone, 3, "strptime-per-row")
    assert "row-wise-python" not in findings(alone)[0].explains


SERVES = library("finish_request", "/usr/lib/python3.11/http/server.py")
READS = library("SocketIO.readinto", "/usr/lib/python3.11/socket.py")


@pytest.mark.parametrize(
    ("server", "found"),
    [
        (Stood((user(5, "answer"), SERVES), 0, 6_000, thread=1, blocked=True), True),  # it sleeps, as a far one would
        (Stood((user(5, "answer"), SERVES), 0, 1_000, thread=1), False),
    ],
)
def test_a_client_of_the_programs_own_server_waits_for_a_latency_only_if_that_waits_too(server: Stood, found: bool):
    recorded = recording(Stood((READS, user(3), MAIN), 0, 6_000, blocked=True), server)
    known(recorded, 3, "serial-downloads")
    assert isinstance(judged(recorded), Findings) == found


def test_a_process_beside_counts_like_a_thread():
    children = [Stood((user(3),), 0, 5_000, process=process) for process in (1, 2)]
    recorded = recording(Stood((MAIN,), 0, 6_000, blocked=True), *children)
    known(recorded, 3, "strptime-per-row")
    (finding,) = findings(recorded)
    assert evidence(finding, "share of the run") == pytest.approx(0.5)


def test_a_line_that_is_known_to_be_slow_is_the_answer_of_the_whole_run():
    recorded = recording(Stood((APPLY, user(3), MAIN), 0, 6_000))
    known(recorded, 3, "row-apply")
    diagnosis = diagnose(recorded)
    assert diagnosis.verdict == "findings"
    assert [ranked.finding.detector for ranked in diagnosis.findings] == ["row-apply"]
    assert "/home/ada/job.py:3" in diagnosis.headline


def test_that_no_line_is_known_is_no_all_clear():
    recorded = recording(Stood((APPLY, user(3), MAIN), 0, 6_000))
    known(recorded, 3, "")
    assert diagnose(recorded).verdict == "nothing to judge"


def test_too_few_samples_of_a_known_line_are_a_suspicion_and_no_all_clear():
    stood = Stood((APPLY, user(3), MAIN), 0, 1_000), Stood((user(4), MAIN), 1_000, 4_000)
    recorded = recording(*stood, wall_ms=5_000)
    known(recorded, 3, "row-apply")
    outcome = judged(recorded)
    assert isinstance(outcome, NotMeasured)
    assert "20 of the 30 samples" in outcome.reason
    diagnosis = diagnose(recorded)
    assert diagnosis.verdict == "unexplained"
    assert "20 % of the run" in diagnosis.headline and "/home/ada/job.py:3" in diagnosis.headline
    little = recording(*stood, wall_ms=10_000)
    known(little, 3, "row-apply")
    assert isinstance(judged(little), Fine), "a tenth of the run"


def test_the_rest_of_a_loop_counts_with_the_line_that_is_known():
    parts = [Stood((user(number), MAIN), 1_000 * at, 1_000 * at + 1_000) for at, number in enumerate((3, 4, 5, 8))]
    recorded = recording(*parts)
    known(recorded, 4, "tensor-element-loop", loop=(3, 5))
    for line in (3, 5, 8):
        known(recorded, line, "")
    (finding,) = findings(recorded)
    assert (evidence(finding, "samples"), evidence(finding, "share of the run")) == (60, pytest.approx(0.3))
    assert place(finding) == 4


def test_a_loop_that_is_about_something_else_does_not_count():
    recorded = recording(Stood((user(4), MAIN), 0, 2_000), Stood((user(5), MAIN), 2_000, 9_500))
    known(recorded, 4, "tensor-element-loop", loop=(3, 5))
    known(recorded, 5, "")
    (finding,) = findings(recorded)
    assert evidence(finding, "share of the run") == pytest.approx(0.2)


def test_a_pattern_that_is_known_to_be_less_sure_says_so():
    recorded = recording(Stood((user(3),), 0, 5_000))
    sure = []
    for pattern in ("chunk-mismatch", "full-size-decode"):
        known(recorded, 3, pattern)
        gain = findings(recorded)[0].gain
        assert gain is not None
        sure.append(gain.confidence)
        recorded.facts.notes.clear()
    assert sure == [0.3, 0.6]


def test_an_engine_that_was_tried_on_the_file_replaces_the_published_factor():
    recorded = recording(Stood((library("read_excel", "/site-packages/pandas/io/excel/_base.py"), user(3)), 0, 4_000))
    known(recorded, 3, "excel-openpyxl")
    published = findings(recorded)[0].gain
    recorded.facts.sites[0, 1] = Site("/home/ada/job.py", 3, "work")
    times = {"wall_ns": 4_000_000_000, "cpu_ns": 0, "t0": 0, "t1": 0, "count": 1, "site": 1}
    add(recorded.facts, "read", id=5, call="pandas.read_excel", format="excel", **times)
    add(recorded.facts, "probe", read=5, engine_seconds=1.0)
    tried = findings(recorded)[0].gain
    assert published is not None and tried is not None
    assert tried.seconds == pytest.approx(4.0 * 0.75) and tried.confidence > published.confidence
    assert "tried on the file" in tried.method and "tried" not in published.method
