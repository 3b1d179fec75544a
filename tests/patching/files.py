"""Files as a run left them, and what an edit makes of them."""

from __future__ import annotations

import os
from pathlib import Path

from bottleneck_profiler import patching
from bottleneck_profiler.diagnosis.findings import Arguments, Fix

RUN = {"started_wall_ns": 2_000_000_000 * 10**9, "versions": {"python": "3.12.1"}, "machine": {"os": "linux"}}
IMPORT = "from torch.utils.data import DataLoader\n"


def written(folder: Path, text: str | bytes, name: str = "train.py") -> Path:
    """A file that was last changed before the run began."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    os.utime(path, ns=(10**18, 10**18))
    return path


def made(path: Path, line: int, function: str = "torch.utils.data.DataLoader", **values: str) -> patching.Patch:
    """The patch of these arguments in a line."""
    return patching.make(Fix("", "", effort=1, edit=Arguments(str(path), line, function, values)), RUN)


def after(folder: Path, text: str, line: int, function: str = "torch.utils.data.DataLoader", **values: str) -> str:
    """The whole file once changed."""
    return made(written(folder, text), line, function, **values).after.decode()


def refused(folder: Path, text: str | bytes, line: int, function: str = "torch.utils.data.DataLoader", **values: str):
    """Why there is no patch, as one line."""
    try:
        made(written(folder, text), line, function, **values)
    except patching.NoPatch as reason:
        assert "\n" not in str(reason)
        return str(reason)
    raise AssertionError("a patch was made")
