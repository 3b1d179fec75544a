"""The recordings of the goldens, for tests that judge more than their findings."""

from __future__ import annotations

import importlib.util
import tempfile
from functools import cache
from pathlib import Path

from bottleneck_profiler.recording.model import Recording
from bottleneck_profiler.recording.read import load

_FOLDER = Path(__file__).resolve().parent.parent / "goldens"
_spec = importlib.util.spec_from_file_location("regenerate", _FOLDER / "regenerate.py")
assert _spec is not None and _spec.loader is not None
_regenerate = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_regenerate)

GOLDENS = sorted(f"{path.parent.name}/{path.name.partition('.')[0]}" for path in _FOLDER.glob("*/*.tar.gz"))


@cache
def golden(name: str) -> Recording:
    """One recording, such as "input-wait/fires"."""
    with tempfile.TemporaryDirectory() as folder:
        return load(_regenerate.unpack(_FOLDER / f"{name}.tar.gz", Path(folder)))
