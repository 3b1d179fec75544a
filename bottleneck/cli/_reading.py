"""How commands read the files of other tools: in parallel, and with a bar while that takes long."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..importers import Reading

_QUIET_SECONDS = 1.0  # what is read by then shows no bar


@contextmanager
def reading(paths: Sequence[Path], scheduler: str = "") -> Iterator[Reading]:
    """How to read ``paths``, with a bar on stderr if that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from ..collectors.host.limits import affinity
    from ..importers import Reading

    columns = (TextColumn("Reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task, began, read = bar.add_task("", total=sum(map(_bytes, paths))), time.monotonic(), dict[Path, int]()

    def show(path: Path, done: int, size: int) -> None:
        if not bar.live.is_started:
            if time.monotonic() - began < _QUIET_SECONDS:
                return
            bar.start()
        read[path] = done
        bar.update(task, completed=sum(read.values()))

    try:
        yield Reading(len(affinity()), scheduler, show if sys.stderr.isatty() else None)
    finally:
        if bar.live.is_started:
            bar.stop()


def _bytes(path: Path) -> int:
    """Of a file or of those in a folder; 0 for what cannot be read: who reads it says so."""
    try:
        return sum(map(_bytes, path.iterdir())) if path.is_dir() else path.stat().st_size
    except OSError:
        return 0
