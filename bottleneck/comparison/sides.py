"""Reads the runs that are compared."""

from __future__ import annotations

from dataclasses import dataclass

from ..diagnosis.model import Diagnosis
from ..recording.folder import find
from ..session import analyse
from .figures import RunFigures, figures_of


@dataclass(frozen=True)
class Side:
    """One run, as the comparison and its page need it."""

    figures: RunFigures
    diagnosis: Diagnosis


def read(run: str) -> Side:
    """The run of this name, in this folder, or the recording of another tool in this file. Raises RunError."""
    path = find(run)
    recording, diagnosis = analyse(path)
    return Side(figures_of(path, recording, diagnosis), diagnosis)
