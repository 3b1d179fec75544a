"""Creates, finds, lists and removes run folders. Errors are one line and name the path."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

from .. import signals
from ..files import write_text
from .run import Run, check

VERSION = 1
RUNS = Path(".bottleneck") / "runs"
LOADS = Path(".bottleneck") / "loads"
_LOCK = Path(signals.LIVE) / "lock"


class RunError(Exception):
    """A run folder that cannot be created, read or written; the message is one line that names the file."""


def create(parent: Path | None, name: str, run_dir: Path | None, below: Path = RUNS) -> Path:
    """Create a run folder: ``run_dir`` (refused if not empty) or ``<parent>/.bottleneck/runs/<time>-<name>``.

    ``below``: another folder for what is no run.

    Raises RunError.
    """
    try:
        folder = _dated((parent or Path.cwd()) / below, name) if run_dir is None else _given(run_dir)
        folder.mkdir(parents=True, exist_ok=True)
        if below == RUNS:
            (folder / signals.LIVE).mkdir(exist_ok=True)
        (folder / "tables").mkdir(exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise RunError(f"{error.filename or run_dir} is not a folder") from None
    except OSError as error:
        raise RunError(f"cannot write the run folder {error.filename or run_dir}: {error.strerror}") from None
    return folder.resolve()


def _given(run_dir: Path) -> Path:
    if run_dir.exists() and any(run_dir.iterdir()):
        raise RunError(f"{run_dir} is not empty; --run-dir needs a new or empty folder")
    return run_dir


def _dated(base: Path, name: str) -> Path:
    base.mkdir(parents=True, exist_ok=True)
    ignore = base.parent / ".gitignore"
    if not ignore.exists():
        try:
            write_text(ignore, "*\n")
        except OSError:
            pass  # the disk is full: run the program anyway
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.") or "run"
    stamp = time.strftime("%Y%m%d-%H%M%S")
    for attempt in range(1000):
        folder = base / (f"{stamp}-{safe}" + (f"-{attempt}" if attempt else ""))
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise RunError(f"too many runs named {safe} in {base}")


def read_run(run_dir: Path) -> dict[str, Any]:
    """Read run.json. Raises RunError naming the file if it is missing, damaged or from a newer version."""
    path = run_dir / "run.json"
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise RunError(f"{run_dir} is not a bottleneck run: it has no run.json") from None
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"{path} cannot be read: {error}") from None
    if not isinstance(run, dict) or run.get("format") != "bottleneck.run":
        raise RunError(f"{path} was not written by bottleneck")
    version = run.get("version")
    if isinstance(version, int) and version > VERSION:
        raise RunError(f"{path} was written by a newer bottleneck (run version {version}); upgrade to read it")
    try:
        check(run, Run)
        if run.get("ended_ns") is not None and run["ended_ns"] < run["started_ns"]:
            raise ValueError("the run ends before it starts")
    except ValueError as error:
        raise damaged(path, error) from None
    return run


def damaged(path: Path, why: object) -> RunError:
    """The one-line error for a file that cannot be used."""
    return RunError(f"{path} is damaged: {str(why).partition(chr(10))[0]}")


def hold(run_dir: Path) -> None:
    """Mark ``run_dir`` as being recorded by this process until it ends, however it ends. Never raises."""
    try:
        import fcntl

        # We never close it: the kernel releases the lock when the process ends, even by SIGKILL.
        fcntl.flock(os.open(run_dir / _LOCK, os.O_RDWR | os.O_CREAT, 0o600), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        pass  # a file system without locks: the run's processes are checked instead


def in_progress(run_dir: Path) -> bool:
    """Whether a run folder is still being recorded, or a process of an unfinished run is still alive."""
    if is_held(run_dir):
        return True
    try:
        if read_run(run_dir).get("ended_ns") is not None:
            return False
    except RunError:
        pass
    return any(map(is_written_by, (run_dir / signals.LIVE).glob("*.side")))


def is_held(run_dir: Path) -> bool:
    """Whether a process has marked the run folder as being recorded."""
    try:
        import fcntl

        descriptor = os.open(run_dir / _LOCK, os.O_RDWR)
    except (ImportError, OSError):
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)


def is_written_by(side: Path) -> bool:
    """Whether the process that writes a side file is still alive, and its pid was not reused."""
    import psutil

    try:
        process = psutil.Process(int(side.stem))
        return bool(process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= side.stat().st_mtime + 1)
    except (psutil.Error, OSError, ValueError):
        return False


def all_runs(parent: Path | None = None) -> list[Path]:
    """Run folders under ``.bottleneck/runs``, newest first."""
    base = (parent or Path.cwd()) / RUNS
    return sorted((p for p in base.glob("*") if p.is_dir()), key=lambda p: p.name, reverse=True)


def find(run: str | None) -> Path:
    """The folder of a run or other recording: by path, by name, or the newest. Raises RunError."""
    if run is None:
        runs = all_runs()
        if not runs:
            raise RunError("no runs in .bottleneck/runs; record one with: bottleneck run train.py")
        return runs[0]
    for candidate in (Path(run), Path.cwd() / RUNS / run):
        if candidate.exists():
            return candidate
    raise RunError(f"no run {run}: there is no such folder, and no such name in .bottleneck/runs")


def run_name(folder: Path) -> str:
    """The name by which `find` knows a folder; empty if only its path works."""
    return folder.name if folder.parent == (Path.cwd() / RUNS).resolve() else ""


def summary(folder: Path) -> str:
    """One line about a run, even if it cannot be read."""
    try:
        run = read_run(folder)
    except RunError:
        return f"{folder.name}  (unreadable)"
    if run.get("ended_ns") is None:
        state = "still being recorded" if in_progress(folder) else "cut off; `bottleneck report` reads what there is"
        return f"{folder.name}  ({state})"
    seconds = (int(run["ended_ns"]) - int(run["started_ns"])) / 1e9
    try:
        headline = json.loads((folder / "diagnosis.json").read_text(encoding="utf-8")).get("headline", "")
    except (OSError, ValueError, AttributeError):
        headline = ""
    end = next((word for word in ("watched", "imported") if run.get(word)), f"exit {run.get('exit_code')}")
    end = end if run.get("finished", True) else "stopped"
    return f"{folder.name}  {seconds:8.1f} s  {end}  {headline}"


def remove(folder: Path) -> bool:
    """Delete a run folder, if it looks like ours and is not being recorded. Returns whether it is gone."""
    if not (folder / "tables").is_dir() or in_progress(folder):
        return False
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()
