"""Runs of made-up length, and a check that records nothing: its arms make empty folders."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from artifacts.recorded import golden
from bottleneck_profiler.comparison.figures import RunFigures, figures_of
from bottleneck_profiler.comparison.sides import Side
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.diagnosis.model import Diagnosis
from bottleneck_profiler.gate.judge import judge
from bottleneck_profiler.gate.model import Condition, Report
from bottleneck_profiler.pairs.interleaved import OutOfTime

STEADY = (1.00, 1.01, 0.99, 1.00, 1.01)


@cache
def diagnosis(name: str = "workers-zero/fires") -> Diagnosis:
    return diagnose(golden(name))


@cache
def of(name: str = "workers-zero/fires") -> RunFigures:
    return figures_of(Path(name), golden(name), diagnosis(name))


def times(*factors: float, run: RunFigures | None = None, figure: str = "step") -> list[RunFigures]:
    """The run again, with a step of so many times its length."""
    run = run or of()
    return [replace(run, figures={**run.figures, figure: run.figures[figure] * factor}) for factor in factors]


def report(*conditions: Condition, factor: float = 1.3, known: frozenset | None = frozenset()) -> Report:
    """Of a new version whose step takes ``factor`` times as long, with these conditions beside that one."""
    condition, comparison, _ = judge(times(*STEADY), times(*(factor * each for each in STEADY)), "main", 0.05, True)
    root = Path(of().run_hot[0].file).parent if of().run_hot else Path("/project")
    return Report(
        program="train",
        versions="main (1a2b3c4) → the working tree: 5d6e7f8",
        conditions=(condition, *conditions),
        comparison=comparison,
        findings=diagnosis().findings,
        known=known,
        root=root,
        script="train.py",
    )


class Recorded:
    """Instead of runs: ``factor(version, number)`` times the step of a golden, for the run in this folder.

    ``most``: the time is over after so many runs.
    """

    def __init__(self, monkeypatch, factor, most=1000):
        self.factor = factor
        self.most = most
        self.folders: list[Path] = []
        monkeypatch.setattr("bottleneck_profiler.gate.check.Command.record", self.record)
        monkeypatch.setattr("bottleneck_profiler.gate.check.read", self.read)
        monkeypatch.setattr("bottleneck_profiler.gate.measure.read", self.read)

    def record(self, folder: Path, until: float) -> None:
        if len(self.folders) == self.most:
            raise OutOfTime
        self.folders.append(folder)

    def read(self, path: str) -> Side:
        _, number, version = Path(path).name.split("-")
        figures = times(self.factor(version, int(number)))[0]
        return Side(replace(figures, name=Path(path).name), diagnosis())
