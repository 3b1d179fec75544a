"""Reads the runs of a history."""

from __future__ import annotations

from collections.abc import Iterable

from ..comparison.sides import read
from ..recording.folder import RunError
from .series import Past


def read_all(runs: Iterable[str]) -> tuple[list[Past], list[str]]:
    """(the runs, one line for each that cannot be read). Raises nothing."""
    found, problems = list[Past](), list[str]()
    for run in runs:
        try:
            side = read(run)
        except RunError as error:
            problems.append(str(error))
        else:
            found.append(Past(side.figures, side.diagnosis.run.started))
    return found, problems
