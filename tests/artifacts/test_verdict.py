"""What kind of answer a run gets: "fine" is said only where a detector saw what it judges."""

from __future__ import annotations

from pathlib import Path

from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.recording.model import Frame
from helpers import bottleneck

from . import made_up
from .recorded import golden

WORK = {10_000: (Frame("work", "/home/ada/simulate.py", 3, True),)}


def test_a_script_without_steps_reads_or_requests_gets_no_all_clear() -> None:
    diagnosis = diagnose(made_up.recording(WORK, (8_000, 8_000, 10_000)))
    assert diagnosis.verdict == "nothing to judge"
    assert diagnosis.headline == (
        "Nothing to judge: no steps, reads or requests recorded; 100 % of the run is work at /home/ada/simulate.py:3."
    )
    assert {row.outcome for row in diagnosis.checked} == {"not-applicable", "not-measured"}
    rows = {row.detector: row for row in diagnosis.checked}
    assert rows["workers-zero"].outcome == rows["no-batching"].outcome == "not-applicable"
    assert rows["throttled"].outcome == "not-measured"
    unknown = diagnose(made_up.recording(WORK))
    assert unknown.headline.endswith("most time is not attributed (100 %).")


def test_a_library_that_was_imported_and_read_nothing_is_no_answer() -> None:
    idle = made_up.recording(WORK, (8_000, 8_000, 10_000))
    idle.facts.attached.update(("pandas", "json"))
    diagnosis = diagnose(idle)
    assert diagnosis.verdict == "nothing to judge"
    rows = {row.detector: row for row in diagnosis.checked}
    assert rows["row-wise-python"].outcome == "not-applicable"
    assert rows["row-wise-python"].reason == "No files were read and no tables processed."


def test_a_real_script_that_only_computes_is_told_so(tmp_path: Path) -> None:
    script = tmp_path / "simulate.py"
    script.write_text("def work():\n    return sum(i * i % 7 for i in range(4_000_000))\n\n\nwork()\n")
    ran = bottleneck(tmp_path, script)
    assert ran.diagnosis["verdict"] == "nothing to judge"
    assert "Nothing worth fixing" not in ran.out + ran.err


def test_a_run_that_was_judged_and_is_well_is_fine() -> None:
    for name in ("workers-zero/silent", "no-batching/silent"):
        assert diagnose(golden(name)).verdict == "fine"


def test_a_run_that_mostly_writes_is_no_all_clear() -> None:
    """No detector judges how a table is written."""
    found = diagnose(golden("csv-instead-of-parquet/silent"))
    assert found.verdict == "unexplained" and not found.findings


def test_too_few_steps_are_no_reason_to_doubt_what_was_read() -> None:
    diagnosis = diagnose(golden("unused-columns/silent"))
    assert diagnosis.verdict == "too short to judge"
    rows = {row.detector: row for row in diagnosis.checked}
    for detector in ("csv-instead-of-parquet", "unused-columns", "row-wise-python"):
        assert rows[detector].outcome == "fine"
    assert rows["residual-python"].reason == "Fewer than 20 steps."


def test_detectors_of_accelerators_are_marked_by_what_they_need() -> None:
    marked = [row.detector for row in diagnose(golden("workers-zero/silent")).checked if row.needs_accelerator]
    assert {"idle-accelerator", "starved-gpu", "launch-bound", "sync-point"} <= set(marked)
    assert not {"workers-zero", "residual-python"} & set(marked)


def test_a_phase_below_a_millisecond_is_no_row() -> None:
    for name in ("cpu-bound-decode/silent", "csv-instead-of-parquet/fires", "memory-creep/fires"):
        assert min(row.seconds for row in diagnose(golden(name)).breakdown) >= 0.001
