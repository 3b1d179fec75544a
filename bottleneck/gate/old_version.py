"""The old version beside the new one: its files, its command, and the environment in which it imports itself."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlparse

from ..artifacts.run.stacks import Hot
from ..comparison.figures import RunFigures
from ..diagnosis.model import Ranked
from ..pairs.command import Command
from .git import VersionError, check_out, submodules


@dataclass(frozen=True)
class OldVersion:
    """``tree``: its files; ``root``: those of the new version, the working tree."""

    tree: Path
    root: Path
    notes: tuple[str, ...]

    def command(self, words: Sequence[str], cwd: Path) -> Command:
        """The command of the new version, run in the same folder of the old one. Raises VersionError."""
        inside = cwd.resolve().relative_to(self.root)
        if not (self.tree / inside).is_dir():
            raise VersionError(f"the old version has no folder {inside}")
        moved = [self._moved(word, self.tree / inside, cwd) for word in words]
        return Command("the old version", moved, self.tree / inside, self._environment())

    def _moved(self, word: str, there: Path, here: Path) -> str:
        """An argument that names a file of the new version names that of the old one, if it has it."""
        if os.path.isabs(word) and word.startswith(f"{self.root}{os.sep}"):
            moved = self.tree / os.path.relpath(word, self.root)
            return str(moved) if moved.exists() else word
        if os.sep in word and not (there / word).exists() and os.access(here / word, os.X_OK):
            return str(here / word)  # a program that git does not track, such as .venv/bin/python
        return word

    def _environment(self) -> dict[str, str]:
        """``PYTHONPATH`` with which the old version imports its own modules.

        A package that is installed in place (``pip install -e .``) would be imported from the new version.
        """
        places = [str(self._twin(place)) for place in _installed_in_place(self.root)]
        given = os.environ.get("PYTHONPATH", "")
        places += [str(self._twin(Path(entry))) if entry else "" for entry in given.split(os.pathsep)] if given else []
        return {"PYTHONPATH": os.pathsep.join(places)} if places else {}

    def _twin(self, place: Path) -> Path:
        try:
            return self.tree / place.resolve().relative_to(self.root)
        except ValueError:
            return place

    def strangers(self, run: RunFigures) -> list[str]:
        """Files of the new version in which a run of the old one spent time."""
        files = {hot.file for hot in (*run.run_hot, *run.step_hot)}
        new, old = f"{self.root}{os.sep}", f"{self.tree}{os.sep}"
        return sorted(file for file in files if file.startswith(new) and not file.startswith(old))

    def as_if_here(self, run: RunFigures) -> RunFigures:
        """The run with the paths that its files have in the new version: the copy is gone when somebody looks."""
        return replace(
            run,
            step_hot=tuple(map(self._hot, run.step_hot)),
            run_hot=tuple(map(self._hot, run.run_hot)),
            findings={key: self._ranked(ranked) for key, ranked in run.findings.items()},
        )

    def _hot(self, hot: Hot) -> Hot:
        return replace(hot, file=self._here(hot.file))

    def _ranked(self, ranked: Ranked) -> Ranked:
        place = ranked.finding.location
        if place is None:
            return ranked
        return replace(ranked, finding=replace(ranked.finding, location=replace(place, file=self._here(place.file))))

    def _here(self, file: str) -> str:
        old = f"{self.tree}{os.sep}"
        return str(self.root / file.removeprefix(old)) if file.startswith(old) else file


@contextmanager
def checked_out(root: Path, commit: str, folder: Path, shared: Sequence[str]) -> Iterator[OldVersion]:
    """The files of ``commit`` in ``folder``, until the block ends. Raises VersionError.

    ``shared``: paths in the working tree that git does not track and both versions use; they become links.
    """
    root = root.resolve()
    try:
        try:
            check_out(root, commit, folder)
            for path in shared:
                _link(root, folder, path)
        except OSError as error:
            raise VersionError(f"cannot write {error.filename or folder}: {error.strerror}") from None
        yield OldVersion(folder.resolve(), root, tuple(_notes(root, commit)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _link(root: Path, tree: Path, path: str) -> None:
    try:
        inside = (Path.cwd() / path).absolute().relative_to(root)
    except ValueError:
        raise VersionError(f"cannot share {path}: it is outside {root}, where both versions find it anyway") from None
    if not (root / inside).exists():
        raise VersionError(f"cannot share {path}: there is no such file or folder")
    link = tree / inside
    if link.exists():
        raise VersionError(f"cannot share {path}: the old version has its own")
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(root / inside)


def _notes(root: Path, commit: str) -> Iterator[str]:
    for name in sorted(name for name, _, in_place in _installed_from(root) if not in_place):
        yield (
            f"{name} is installed as a copy, which both versions import: a change of it does not show. "
            "Install it in place (pip install -e .)."
        )
    found = submodules(root, commit)
    if found:
        yield f"Submodules are empty in the old version: {', '.join(found)} (--share uses those of the working tree)."


def _installed_in_place(root: Path) -> list[Path]:
    """Folders in ``root`` from which installed packages are imported."""
    places = [folder for _, place, in_place in _installed_from(root) if in_place for folder in (place / "src", place)]
    return [place for place in dict.fromkeys(places) if place.is_dir()]


def _installed_from(root: Path) -> Iterator[tuple[str, Path, bool]]:
    """(name, folder, whether in place) of the packages that were installed from folders in ``root``."""
    for package in metadata.distributions():
        try:
            source = json.loads(package.read_text("direct_url.json") or "{}")
            place = Path(unquote(urlparse(source.get("url", "")).path)).resolve()
            if "dir_info" in source and place.is_relative_to(root):
                yield package.metadata["Name"], place, bool(source["dir_info"].get("editable"))
        except (OSError, ValueError, AttributeError, KeyError):
            continue
