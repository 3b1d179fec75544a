"""What a comparison of two sides says, on real recordings and on made-up figures."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from artifacts.recorded import golden
from bottleneck_profiler.comparison import document, page, terminal
from bottleneck_profiler.comparison.compare import compare
from bottleneck_profiler.comparison.figures import RunFigures, figures_of
from bottleneck_profiler.diagnosis.analysis import diagnose
from exporters.recordings import attacked
from exporters.samples import ATTACK
from rich.console import Console


@cache
def of(name: str) -> RunFigures:
    recording = golden(name)
    return figures_of(Path(name), recording, diagnose(recording))


def times(run: RunFigures, *factors: float) -> list[RunFigures]:
    """The run again, with a step of so many times its length."""
    return [replace(run, figures={**run.figures, "step": run.figures["step"] * factor}) for factor in factors]


def printed(found, width=100) -> str:
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    terminal.render(found, console)
    return console.export_text()


def test_one_run_against_one_shows_differences_and_no_verdict():
    found = compare([of("workers-zero/fires")], [of("workers-zero/silent")])
    assert found.answer == "cannot tell"
    assert "at least two runs" in found.sentence
    assert found.per == "step"
    assert found.phases[0].phase == "data_wait"
    assert found.phases[0].seconds < 0
    assert found.primary.within_old.low < found.primary.old < found.primary.within_old.high
    facts = {fact.label: (fact.old, fact.new) for fact in found.facts}
    assert facts["DataLoader(num_workers)"][0] == "0"
    assert [(row.detector, row.new) for row in found.findings if row.new is None] == [("workers-zero", None)]


def test_the_line_that_costs_more_is_named():
    found = compare([of("residual-python/silent")], [of("residual-python/fires")])
    assert found.lines[0].seconds > 0
    assert found.lines[0].location.file.endswith(".py")
    assert found.lines[0].new > found.lines[0].old


@pytest.mark.parametrize(
    ("old", "new", "answer"),
    [
        ((1.00, 1.01, 0.99), (1.30, 1.31, 1.29), "slower"),
        ((1.00, 1.01, 0.99), (0.60, 0.61, 0.59), "faster"),
        ((1.00, 1.01, 0.99), (1.00, 1.01, 0.99), "same"),
        ((1.00, 1.50, 0.70), (1.20, 0.80, 1.60), "cannot tell"),
    ],
)
def test_the_four_answers(old, new, answer):
    run = of("workers-zero/silent")
    found = compare(times(run, *old), times(run, *new))
    assert found.answer == answer
    assert found.primary.change is not None


def test_steps_of_another_batch_size_are_compared_by_the_sample():
    run = of("workers-zero/silent")
    half = replace(
        run,
        figures={**run.figures, "step": run.figures["step"] / 2},
        facts={**run.facts, "DataLoader(batch_size)": "1"},
    )
    assert compare([run], [half]).per == "sample"
    assert compare([run], [run]).per == "step"


def test_different_machines_get_no_verdict():
    run = of("workers-zero/silent")
    elsewhere = replace(run, machine={**run.machine, "cores": "64"})
    found = compare(times(run, 1.0, 1.01), times(elsewhere, 0.5, 0.51))
    assert found.answer == "cannot tell"
    assert "cores" in found.sentence


def test_figures_of_one_side_only_are_said_to_be_missing():
    found = compare([of("csv-instead-of-parquet/fires")], [of("workers-zero/silent")])
    assert found.per == "run"
    assert any("Only one side has these figures: mean step" in note for note in found.notes)
    assert any("different commands" in note for note in found.notes)


def test_a_run_against_itself_changes_nothing():
    run = of("synchronous-serving/fires")
    found = compare([run, run], [run, run])
    assert found.answer == "same"
    assert found.per == "request"
    assert found.phases == found.lines == found.facts == ()
    assert all(row.relative == 0 for row in found.rows)
    assert all(row.old == row.new for row in found.findings)


def test_reports_show_what_the_comparison_says():
    found = compare([of("workers-zero/fires")], [of("workers-zero/silent")])
    text = printed(found)
    assert "DataLoader(num_workers): 0 →" in text
    assert "waiting for data" in text
    document_ = json.loads(document.dumps(found))
    assert document_["schema"] == "bottleneck.comparison/1"
    assert document_["primary"]["key"] == "step"
    html = page.render(found, diagnose(golden("workers-zero/fires")), diagnose(golden("workers-zero/silent")))
    assert "<svg" in html
    assert "<script" not in html


def test_names_of_the_program_do_not_become_markup():
    diagnosis = attacked()
    bad = figures_of(Path("x" + ATTACK), golden("synchronous-serving/fires"), diagnosis)
    html = page.render(compare([bad], [of("synchronous-serving/silent")]), diagnosis, diagnosis)
    assert ATTACK not in html
