"""What is tried: a recorded run, the command behind it, and the change."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ..artifacts import Artifacts, Missing
from ..artifacts.training.checkpoints import Checkpoints
from ..artifacts.training.evaluations import Evaluations
from ..artifacts.training.steps import Steps
from ..capture.command import CommandError, resolve
from ..diagnosis.findings import Finding
from ..recording.facts.run import Wait
from ..recording.model import Recording
from .change import Change, NoChange, of_file, of_fix
from .measure import Measure, measure_of

T = TypeVar("T")
_SYSTEM = ("/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/run", "/sbin", "/sys", "/usr", "/var/lib")


@dataclass(frozen=True)
class Subject:
    """``folder``: where the command is started; ``project``: the repository around it. ``writable``: folders that it
    may expect to write to. ``own``: the change is the finding's, not a diff of the user's."""

    words: tuple[str, ...]
    folder: Path
    project: Path
    writable: tuple[Path, ...]
    change: Change
    measure: Measure
    own: bool


def subject(
    recording: Recording, finding: Finding, words: Sequence[str], patch: Path | None, more: Sequence[Path]
) -> Subject:
    """What to try. ``words``: the command, if the recording does not hold it. Raises NoChange and CannotTell."""
    run = recording.run
    if run.get("imported") or run.get("watched"):
        raise NoChange("this run was not recorded by `bottleneck run`, so there is no program to run again")
    folder = Path(run.get("cwd") or ".")
    if not folder.is_dir():
        raise NoChange(f"the folder that the program ran in is gone: {folder}")
    change = of_fix(finding.fix, run) if patch is None else of_file(patch, folder)
    known = tuple(words) or _recorded(run)
    _check(known, folder)
    artifacts = Artifacts(recording)
    measure = measure_of(
        finding,
        recording.wall_seconds,
        int(run["started_ns"]),
        recording.steps,
        _get(artifacts, Steps),
        _get(artifacts, Checkpoints),
        _get(artifacts, Evaluations),
    )
    return Subject(
        known,
        folder,
        project_of(folder),
        tuple(_writable(recording, known, folder, more)),
        change,
        measure,
        patch is None,
    )


def _get(artifacts: Artifacts, kind: type[T]) -> T | None:
    try:
        return artifacts.get(kind)
    except Missing:
        return None


def _recorded(run: Mapping[str, Any]) -> tuple[str, ...]:
    words = run.get("words")
    known = tuple(map(str, words)) if isinstance(words, list) else tuple(str(run.get("command", "")).split())
    if not known or known[-1] == "...":
        shown = shlex.join(known[:-1]) or "COMMAND"
        raise NoChange(
            f"the run's arguments were not recorded: add them, as in `bottleneck try RUN -- {shown} ARGUMENTS`"
        )
    return known


def _check(words: Sequence[str], folder: Path) -> None:
    """That the command can be started from its folder. Raises NoChange."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        resolve(words)
    except CommandError as error:
        raise NoChange(f"the program cannot be run again: {error}") from None
    finally:
        os.chdir(before)


def _writable(recording: Recording, words: Sequence[str], folder: Path, more: Sequence[Path]) -> list[Path]:
    """The project, the folders of files that the run wrote to, and those that its arguments name."""
    found = [project_of(folder), *more]
    for word in words:
        path = folder / word.rpartition("=")[2]
        if os.sep in word and path.exists():
            found.append(path if path.is_dir() else path.parent)
    for _, wait in recording.facts.of(Wait):
        if wait.what == "file" and wait.name.startswith("/"):
            found.append(Path(wait.name).parent)
    return [path for path in found if path.is_dir() and not _is_system(path)]


def _is_system(path: Path) -> bool:
    real = os.path.realpath(path)
    return real == "/" or any(real == each or real.startswith(each + "/") for each in _SYSTEM)


def project_of(folder: Path) -> Path:
    """The repository around a folder, or the folder."""
    real = folder.resolve()
    return next((each for each in (real, *real.parents) if (each / ".git").exists() and not _is_system(each)), real)
