"""Copies a run that is still being recorded, up to this moment, into a separate folder.

The copy is the folder that a recording killed right now would leave, completed from the rings. The rings are read in
place. The only file written to the run's own folder is the one that asks the recorder for a part.
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
_COPIED = (resume.FILE, FACTS)  # in this order: the saved state says how many bytes of the facts are valid


def is_running(run_dir: Path) -> bool:
    """Whether a run is still being recorded, so that only a snapshot of it can be read. Raises RunError."""
    return read_run(run_dir).get("ended_ns") is None and in_progress(run_dir)


def snapshot(run_dir: Path, folder: Path) -> Path | None:
    """Copy the current state of ``run_dir`` into ``folder``; None if its recording has ended. Raises RunError."""
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
        if resume.version(run_dir) == version:  # otherwise a ring may have been deleted before we read it
            return copy
    raise RunError(f"{run_dir} is being written too fast to be read; try again")


def _copy(run_dir: Path, copy: Path) -> None:
    """Make a folder with copies of the files that still change and links to the rest. Raises OSError."""
    for name in (LIVE, "tables"):
        (copy / name).mkdir(parents=True)
    for file in _COPIED:
        with suppress(FileNotFoundError):  # it does not exist before the first part
            shutil.copyfile(run_dir / file, copy / file)
    for pattern in _LINKED:
        for path in run_dir.glob(pattern):
            (copy / path.relative_to(run_dir)).symlink_to(path)
