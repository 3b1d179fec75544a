"""The mechanical part of a fix as a patch of the user's file.

Detectors read no files: they give a change as data (``findings.Arguments``, ``findings.Cadence``). Here it becomes a
unified diff, where the file is there, was not changed since the run, and holds what was recorded at that line. Where
there is no patch, ``NoPatch`` says why in one line.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..diagnosis.findings import Arguments, Cadence, Fix
from ..diagnosis.model import Diagnosis, Ranked
from . import arguments, cadence, unified
from .source import AlreadySo, NoPatch, Source, replaced

__all__ = ["NoPatch", "Patch", "add_patches", "make", "write"]


@dataclass(frozen=True)
class Patch:
    """A file, links followed, as it is and as it should be."""

    file: Path
    before: bytes
    after: bytes

    def diff(self, folder: Path) -> str:
        """A unified diff for ``git apply`` or ``patch -p1`` in ``folder``, or in / where the file is not below it."""
        root = folder.resolve()
        name = self.file.relative_to(root if self.file.is_relative_to(root) else "/").as_posix()
        return unified.diff(name, self.before.decode(), self.after.decode())


def add_patches(diagnosis: Diagnosis, run: Mapping[str, Any]) -> Diagnosis:
    """The diagnosis with a patch in every fix that can have one. ``run``: what run.json says."""

    def patched(ranked: Ranked) -> Ranked:
        fix = ranked.finding.fix
        try:
            diff = make(fix, run).diff(Path(run.get("cwd") or "/"))
        except NoPatch:
            return ranked
        return replace(ranked, finding=replace(ranked.finding, fix=replace(fix, patch=diff)))

    return replace(
        diagnosis,
        findings=tuple(map(patched, diagnosis.findings)),
        also_noticed=tuple(map(patched, diagnosis.also_noticed)),
    )


def make(fix: Fix, run: Mapping[str, Any]) -> Patch:
    """The patch of a fix, tried: it applies, and what it gives compiles. Raises NoPatch."""
    if run.get("imported"):
        raise NoPatch("the run was recorded by another tool, perhaps on another machine")
    if fix.edit is None:
        raise NoPatch("this change is not mechanical: read what the report says about it")
    try:
        return _make(fix.edit, run)
    except NoPatch:
        raise
    except Exception as error:  # the file may hold anything, and the diagnosis is worth more than its patch
        raise NoPatch(f"the patch could not be made: {type(error).__name__}: {error}".partition("\n")[0]) from error


def _make(edit: Arguments | Cadence, run: Mapping[str, Any]) -> Patch:
    with warnings.catch_warnings():  # about the user's own code, which was compiled before
        warnings.simplefilter("ignore")
        source = Source.read(edit.file, int(run["started_wall_ns"]))
        if isinstance(edit, Arguments) and "num_workers" in edit.values and _starts_again(source, run):
            raise NoPatch(f'{source.name} needs `if __name__ == "__main__":` first: each worker would run it again')
        changes = arguments.changes(source, edit) if isinstance(edit, Arguments) else cadence.changes(source, edit)
        text = replaced(source.text, changes)
        if text == source.text:
            raise AlreadySo(f"{source.name}:{edit.line} says so already")
        compile(text, source.name, "exec", dont_inherit=True)
    patch = Patch(source.file, source.data, source.mark + text)
    if unified.applied(patch.diff(source.file.parent), patch.before.decode()) != patch.after.decode():
        raise NoPatch(f"the patch of {source.name} does not apply")
    return patch


def _starts_again(source: Source, run: Mapping[str, Any]) -> bool:
    """Whether a worker would run the whole script: one that is not forked imports it, and nothing prevents that."""
    python = str(run.get("versions", {}).get("python", "")).split(".")
    forked = run.get("machine", {}).get("os") == "linux" and tuple(map(int, python[:2])) < (3, 14)
    started = source.name in (Path(word).name for word in str(run.get("command", "")).split())
    return started and not forked and not source.guarded


def write(patch: Patch) -> None:
    """Put the new text in the file's place: a reader sees the old file or the new one. Raises NoPatch."""
    part = None
    try:
        if patch.file.read_bytes() != patch.before:
            raise NoPatch(f"{patch.file.name} is being changed by somebody else")
        if not os.access(patch.file, os.W_OK):
            raise NoPatch(f"{patch.file} is write-protected")
        status = patch.file.stat()
        descriptor, part = tempfile.mkstemp(prefix=f".{patch.file.name}.", dir=patch.file.parent)
        with open(descriptor, "wb") as file:
            file.write(patch.after)
        os.chmod(part, status.st_mode & 0o7777)
        if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
            os.chown(part, status.st_uid, status.st_gid)
        os.replace(part, patch.file)
        part = None
    except OSError as error:
        raise NoPatch(f"cannot write {patch.file}: {error.strerror}") from None
    finally:
        if part is not None:
            Path(part).unlink(missing_ok=True)
