"""A table that is read again and again: when it is reported, what that saves, and what is something else."""

from __future__ import annotations

import pytest
from bottleneck_profiler.detectors.etl.repeated_read import RepeatedRead
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotMeasured

from etl.test_detectors import judge, read, tried

SAME = tried("frame = pd.read_csv(PATH)")


def folds(**more):
    return [read(1 + 2 * fold, 1, fold + 1, **more) for fold in range(4)]


def test_all_reads_but_one_are_saved():
    found = judge(RepeatedRead, *folds(), SAME)
    assert isinstance(found, Finding)
    assert str(found.location) == "/home/me/train.py:12"
    assert found.gain.share == pytest.approx(0.3)
    assert found.gain.low < found.gain.share < found.gain.high <= 0.4


def test_other_files_other_tables_and_two_reads_are_fine():
    assert isinstance(judge(RepeatedRead, *(read(n, 1, n, path=f"/data/{n}.csv") for n in (1, 3, 5)), SAME), Fine)
    assert isinstance(judge(RepeatedRead, *(read(n, 1, n, rows=1000 + n) for n in (1, 3, 5)), SAME), Fine)
    assert isinstance(judge(RepeatedRead, *(read(n, 1, n, size_bytes=9000 + n) for n in (1, 3, 5)), SAME), Fine)
    assert isinstance(judge(RepeatedRead, *folds()[:2], SAME), Fine)


@pytest.mark.parametrize("call", ["pd.read_csv(PATH, skiprows=begin, nrows=1000)", "pd.read_csv(PATH, **options)"])
def test_a_part_of_the_file_may_be_another_one_each_time(call):
    assert isinstance(judge(RepeatedRead, *folds(), tried(f"frame = {call}")), NotMeasured)


def test_a_sheet_by_its_name_is_the_same_each_time_and_reads_at_the_same_time_count_once():
    call = 'pd.read_excel(PATH, sheet_name="articles")'
    excel = {"form": "excel", "call": "pandas.read_excel"}
    two_threads = [read(1 + fold // 2, 1, fold + 1, **excel) for fold in range(6)]
    found = judge(RepeatedRead, *two_threads, tried(f"frame = {call}"))
    assert isinstance(found, Finding)
    assert found.gain.share == pytest.approx(0.2), "three seconds of ten, of which one remains"
    by_name = "pd.read_excel(PATH, sheet_name=name)"
    assert isinstance(judge(RepeatedRead, *two_threads, tried(f"frame = {by_name}")), NotMeasured)


def test_a_call_that_was_not_seen_is_not_judged():
    assert isinstance(judge(RepeatedRead, *folds()), NotMeasured)


@pytest.mark.parametrize(
    "call, same",
    [('pd.read_hdf(PATH, "t")', True), ("pd.read_hdf(PATH, key)", False), ("pd.read_hdf(PATH, key=name)", False)],
)
def test_a_file_of_several_tables_gives_the_same_one_by_its_name(call, same):
    found = judge(RepeatedRead, *folds(form="hdf5", call="pandas.read_hdf"), tried(f"frame = {call}"))
    assert isinstance(found, Finding if same else NotMeasured)
