"""What a history says of runs: which belong together, since when they changed, and what changed with them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path

import numpy as np
from artifacts.recorded import golden
from bottleneck_profiler.comparison.figures import RunFigures, figures_of
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.history import document, page, plot, terminal
from bottleneck_profiler.history.model import History
from bottleneck_profiler.history.series import Past, series_of
from exporters.samples import ATTACK
from rich.console import Console

FIRST = datetime(2026, 3, 14, 9, 30, tzinfo=timezone(timedelta(hours=1)))


@cache
def of(name: str) -> RunFigures:
    recording = golden(name)
    return figures_of(Path(name), recording, diagnose(recording))


def past(at: int, factor: float = 1.0, name: str = "workers-zero/silent", **changes: object) -> Past:
    """The run again, ``at`` days later, with a step of so many times its length."""
    run = of(name)
    figures = {**run.figures, **{key: run.figures[key] * factor for key in ("step", "run") if key in run.figures}}
    made = replace(run, name=f"run-{at:02}", figures=figures, **changes)
    return Past(made, (FIRST + timedelta(days=at)).isoformat())


def noisy(*factors: float) -> list[Past]:
    noise = np.random.default_rng(5).normal(1, 0.01, len(factors))
    return [past(at, factor * noise[at]) for at, factor in enumerate(factors)]


def printed(history: History, width: int = 90, encoding: str = "utf-8") -> str:
    with open("/dev/null", "w", encoding=encoding) as nowhere:
        console = Console(width=width, record=True, file=nowhere)
        terminal.render(history, console)
        return console.export_text()


def test_a_change_comes_with_its_causes():
    runs = [
        replace(
            run, figures=replace(run.figures, facts={**run.figures.facts, "torch version": "9.8" if at < 8 else "9.9"})
        )
        for at, run in enumerate(noisy(*[1.0] * 8, *[1.3] * 8))
    ]
    (series,) = series_of(runs)
    (change,) = series.changes
    assert (series.key, change.at, change.comparison.answer) == ("step", 8, "slower")
    assert [fact.new for fact in change.comparison.facts] == ["9.9"]
    text = printed(History((series,)))
    assert "1 change in 16 runs; a step now takes" in text
    assert "since run-08 (2026-03-22 09:30): Slower: the mean step changed by +" in text
    assert "torch version: 9.8 → 9.9" in text
    assert [each[:2] for each in series.levels()] == [(0, 8), (8, 16)]


def test_runs_are_in_the_order_in_which_they_were_made():
    runs = noisy(*[1.0] * 8, *[0.7] * 8)
    (series,) = series_of(runs[::-1])
    assert [point.name for point in series.points] == [run.figures.name for run in runs]
    assert [change.comparison.answer for change in series.changes] == ["faster"]


def test_other_programs_and_other_machines_are_series_of_their_own():
    elsewhere = {**of("workers-zero/silent").machine, "cores": "64"}
    runs = [past(1), past(2, command="other.py"), past(3, machine=elsewhere), past(4)]
    found = series_of(runs)
    assert [[point.name for point in series.points] for series in found] == [
        ["run-01", "run-04"],
        ["run-03"],
        ["run-02"],
    ]
    text = printed(History(found))
    assert "64 cores" in text and "Too few runs to find a change" in text


def test_runs_without_the_figure_are_left_out():
    short = past(9)
    short = replace(short, figures=replace(short.figures, figures={"run": 3.0}))
    (series,) = series_of([past(1), past(2), past(3), short])
    assert len(series.points) == 3
    assert series.notes == ("Left out: 1 run that gave no mean step to judge.",)


def test_without_steps_the_run_itself_counts_unless_it_failed():
    runs = [past(at, name="csv-instead-of-parquet/fires") for at in range(4)]
    failed = replace(runs[3].figures, facts={**runs[3].figures.facts, "exit code": "1"})
    (series,) = series_of([*runs[:3], replace(runs[3], figures=failed)])
    assert (series.key, len(series.points)) == ("run", 3)
    assert series.notes == ("Left out: 1 run that failed, or whose recording was cut off.",)


def test_batches_of_another_size_are_judged_by_the_sample():
    runs = noisy(*[1.0] * 8, *[1.0] * 8)
    other = {**runs[0].figures.facts, "DataLoader(batch_size)": "1"}
    runs[8:] = [replace(run, figures=replace(run.figures, facts=other)) for run in runs[8:]]
    assert series_of(runs)[0].key == "sample"


def test_each_run_has_a_sign_and_old_ones_give_way():
    (series,) = series_of(noisy(*[1.0] * 20, *[1.5] * 20))
    text = printed(History((series,)))
    line = next(line for line in text.splitlines() if set(line.strip()) <= set("▁▂▃▄▅▆▇█") and line.strip())
    assert len(line.strip()) == 40 and line.strip()[-1] > line.strip()[0]
    narrow = printed(History((series,)), width=30)
    assert max(map(len, narrow.splitlines())) <= 30
    assert printed(History((series,)), encoding="ascii").isascii()


def test_noise_is_drawn_small():
    assert len(set(terminal.sparks([100.0, 100.5, 99.9]))) == 1
    assert terminal.sparks([1.0, 2.0]) == "▁█" and terminal.sparks([3.0]) == "▁" and terminal.sparks([0.0, 0.0]) == "▁▁"


def test_the_page_and_the_document():
    history = History(series_of(noisy(*[1.0] * 8, *[1.3] * 8)), ("x is not a run",))
    html = page.render(history)
    assert html.count("<circle") == 16 and "x is not a run" in html and "<script" not in html
    drawn = plot.plot(history.series[0])
    assert len(drawn.levels) == 2 and len(drawn.changes) == 1 and len(drawn.grid) >= 2
    assert drawn.dots[0].y > drawn.dots[-1].y and min(dot.y for dot in drawn.dots) > 0
    assert max(line.x2 for line in drawn.levels) < plot.WIDTH
    found = json.loads(document.dumps(history))
    assert found["schema"] == "bottleneck.history/1"
    assert found["series"][0]["changes"][0]["comparison"]["answer"] == "slower"
    assert found["problems"] == ["x is not a run"]


def test_names_of_the_program_do_not_become_markup():
    runs = [past(at, command="x" + ATTACK) for at in range(2)]
    assert ATTACK not in page.render(History(series_of(runs), (ATTACK,)))


def test_equal_values_and_single_runs_can_be_drawn():
    for runs in ([past(1)], [past(1), past(2)]):
        assert "<svg" in page.render(History(series_of(runs)))
