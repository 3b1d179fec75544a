"""Run folders: make, find, list, remove. Errors are one line and name the path."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

from .. import signals

VERSION = 1
RUNS = Path(".bottleneck") / "runs"


class RunError(Exception):
    """A run folder that cannot be made, read or written; one line that names the file."""


def create(parent: Path | None, name: str, run_dir: Path | None) -> Path:
    """Make a run folder: ``run_dir`` (refused when not empty) or ``<parent>/.bottleneck/runs/<time>-<name>``.

    Raises RunError.
    """
    try:
        folder = _dated(parent or Path.cwd(), name) if run_dir is None else _given(run_dir)
        (folder / signals.LIVE).mkdir(parents=True, exist_ok=True)
        (folder / "tables").mkdir(exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise RunError(f"{error.filename or run_dir} is not a folder") from None
    except OSError as error:
        raise RunError(f"cannot write the run folder {error.filename or run_dir}: {error.strerror}") from None
    return folder.resolve()


def _given(run_dir: Path) -> Path:
    if run_dir.exists() and any(run_dir.iterdir()):
        raise RunError(f"{run_dir} is not empty; give --run-dir a new folder")
    return run_dir


def _dated(parent: Path, name: str) -> Path:
    base = parent / RUNS
    base.mkdir(parents=True, exist_ok=True)
    ignore = base.parent / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
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
    """run.json. Raises RunError naming the file when it is missing, damaged or of a newer version."""
    path = run_dir / "run.json"
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise RunError(f"{run_dir} is not a bottleneck run: it has no run.json") from None
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read: {error}") from None
    if not isinstance(run, dict) or run.get("format") != "bottleneck.run":
        raise RunError(f"{path} was not written by bottleneck")
    if int(run.get("version", 0)) > VERSION:
        raise RunError(f"{path} was written by a newer bottleneck (run version {run['version']}); upgrade to read it")
    return run


def write_json(path: Path, value: Any) -> None:
    """Write atomically: a reader sees the old file or the new one."""
    part = path.with_suffix(path.suffix + ".part")
    part.write_text(json.dumps(value, indent=1, default=str), encoding="utf-8")
    os.replace(part, path)


def all_runs(parent: Path | None = None) -> list[Path]:
    """Run folders under ``.bottleneck/runs``, newest first."""
    base = (parent or Path.cwd()) / RUNS
    return sorted((p for p in base.glob("*") if p.is_dir()), key=lambda p: p.name, reverse=True)


def find(run: str | None) -> Path:
    """The folder of a run by path, by name, or the newest. Raises RunError."""
    if run is None:
        runs = all_runs()
        if not runs:
            raise RunError("no runs in .bottleneck/runs; record one with: bottleneck run train.py")
        return runs[0]
    for candidate in (Path(run), Path.cwd() / RUNS / run):
        if candidate.is_dir():
            return candidate
    raise RunError(f"no run {run}: neither a folder nor a name in .bottleneck/runs")


def summary(folder: Path) -> str:
    """One line about a run, also when it cannot be read."""
    try:
        run = read_run(folder)
    except RunError:
        return f"{folder.name}  (not readable)"
    seconds = (int(run.get("ended_ns") or run["started_ns"]) - int(run["started_ns"])) / 1e9
    try:
        headline = json.loads((folder / "diagnosis.json").read_text(encoding="utf-8")).get("headline", "")
    except (OSError, ValueError):
        headline = ""
    return f"{folder.name}  {seconds:8.1f} s  exit {run.get('exit_code')}  {headline}"


def remove(folder: Path) -> None:
    """Delete a run folder; only one that looks like ours."""
    if (folder / "tables").is_dir():
        shutil.rmtree(folder, ignore_errors=True)
