"""The recordings of the goldens, for tests that judge more than their findings."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from bottleneck_profiler.recording.model import Recording
from bottleneck_profiler.recording.read import load
from goldens import regenerate as _regenerate

_FOLDER = Path(__file__).resolve().parent.parent / "goldens"
GOLDENS = sorted(f"{path.parent.name}/{path.name.partition('.')[0]}" for path in _FOLDER.glob("*/*.tar.gz"))


@cache
def golden(name: str) -> Recording:
    """One recording, such as "input-wait/fires"."""
    with tempfile.TemporaryDirectory() as folder:
        return load(_regenerate.unpack(_FOLDER / f"{name}.tar.gz", Path(folder)))
