"""Our own run folder, as ``bottleneck run`` leaves it."""

from __future__ import annotations

from pathlib import Path

from ..recording.model import Recording
from ..recording.read import load

name = "run folder"


def recognises(path: Path) -> bool:
    """Whether it has a run.json; whose that is and whether it can be read, ``read`` says."""
    return (path / "run.json").is_file()


def read(path: Path) -> Recording:
    """The recording of a run folder. Raises RunError naming the file that cannot be read."""
    return load(path)
