"""A run that is still being recorded, as far as it has come, in a folder of its own.

What is made is the folder that a recording killed at this moment would have left, completed from the rings. They are
read where they are; nothing in the run's own folder is written or deleted but the file that asks the recorder for a
part.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from ..files import reason
from ..recording.folder import RunError, in_progress, is_held, read_run
from ..recording.notes import FACTS
from ..signals import LIVE, TRACE_SUFFIX
from . import resume
from .recovery import read_rings

_ATTEMPTS = 10
_LINKED = (f"{LIVE}/*.ring", f"{LIVE}/*.side", f"{LIVE}/*{TRACE_SUFFIX}", "tables/*.parquet")
_COPIED = (resume.FILE, FACTS)  # in this order: the standing tells how much of the facts counts


def is_running(run_dir: Path) -> bool:
    """Whether a run folder is still recorded into, so that a snapshot is all that can be had of it. Raises RunError."""
    return read_run(run_dir).get("ended_ns") is None and in_progress(run_dir)


def snapshot(run_dir: Path, folder: Path) -> Path | None:
    """A run folder inside ``folder`` with what ``run_dir`` holds now; None when its recording has ended. RunError."""
    run_dir = run_dir.resolve()
    if is_held(run_dir):
        resume.ask(run_dir)
    for attempt in range(_ATTEMPTS):
        run = read_run(run_dir)
        if run.get("ended_ns") is not None:
            return None
        copy, version = folder / str(attempt), resume.version(run_dir)
        try:
            _copy(run_dir, copy)
        except OSError as error:
            raise RunError(f"cannot copy {error.filename or run_dir}: {reason(error)}") from None
        read_rings(copy, {**run, "finished": False})
        if resume.version(run_dir) == version:  # else rings may have been deleted before they were read
            return copy
    raise RunError(f"{run_dir} is being written too fast to be read; try again")


def _copy(run_dir: Path, copy: Path) -> None:
    """A folder with copies of the files that grow or are replaced, and links to the others. Raises OSError."""
    for name in (LIVE, "tables"):
        (copy / name).mkdir(parents=True)
    for file in _COPIED:
        with suppress(FileNotFoundError):  # there is none before the first part
            shutil.copyfile(run_dir / file, copy / file)
    for pattern in _LINKED:
        for path in run_dir.glob(pattern):
            (copy / path.relative_to(run_dir)).symlink_to(path)
