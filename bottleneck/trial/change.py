"""What a trial changes: files of the program, or the arguments of one call."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import patching
from ..diagnosis.findings import Arguments, Fix
from ..patching import NoPatch, unified
from ..patching.source import AlreadySo, Source

_FILE = re.compile(r"^--- (?P<old>[^\t\n]+).*\n\+\+\+ (?P<new>[^\t\n]+).*\n", re.MULTILINE)


class NoChange(Exception):
    """Why there is nothing to try: one line."""


@dataclass(frozen=True)
class Change:
    """``before``, ``after``: path -> its bytes in the program as it is, and with the fix; a new file has no before.

    ``override``: what ``collectors/support/trial.py`` takes: a call, and the arguments that it gets in memory.
    """

    before: dict[Path, bytes] = field(default_factory=dict)
    after: dict[Path, bytes] = field(default_factory=dict)
    override: dict[str, Any] | None = None

    @property
    def words(self) -> str:
        """What is changed, in a few words."""
        if self.override is not None:
            values = ", ".join(f"{name}={value!r}" for name, value in self.override["values"].items())
            return f"{values} given to {self.override['function'].rpartition('.')[2]} in memory"
        return f"a patch of {', '.join(sorted(path.name for path in self.after))}"


def of_fix(fix: Fix, run: Mapping[str, Any]) -> Change:
    """The mechanical part of a fix. Raises NoChange."""
    try:
        patch = patching.make(fix, run)
    except AlreadySo as reason:
        raise NoChange(str(reason)) from None
    except NoPatch as reason:
        return Change(override=_override(fix, run, reason))
    return Change({patch.file: patch.before}, {patch.file: patch.after})


def _override(fix: Fix, run: Mapping[str, Any], reason: NoPatch) -> dict[str, Any]:
    """For a call that is in the file, but whose arguments come from elsewhere."""
    edit = fix.edit
    if run.get("imported") or not isinstance(edit, Arguments):
        raise NoChange(str(reason))
    try:
        source = Source.read(edit.file, int(run["started_wall_ns"]))
        values = {name: ast.literal_eval(value) for name, value in edit.values.items()}
    except (NoPatch, ValueError, SyntaxError):
        raise NoChange(str(reason)) from None
    return {"file": edit.file, "line": edit.line, "function": edit.function, "values": values, "real": str(source.file)}


def of_file(path: Path, folder: Path) -> Change:
    """A unified diff of the user's, applied to ``folder`` with the first part of its names dropped. Raises NoChange."""
    try:
        text = path.read_bytes().decode()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not in UTF-8"
        raise NoChange(f"cannot read {path}: {why}") from None
    heads = list(_FILE.finditer(text))
    change = Change()
    ends = [*(head.start() for head in heads[1:]), len(text)]
    for head, end in zip(heads, ends[: len(heads)], strict=True):
        part = text[head.start() : end]
        part = re.split(r"^(?:diff|index) ", part, flags=re.MULTILINE)[0]
        _apply(part, head["old"], head["new"], folder, change)
    if not change.after:
        raise NoChange(f"{path} is no unified diff")
    return change


def _apply(part: str, old: str, new: str, folder: Path, change: Change) -> None:
    name = new.partition("/")[2]
    if new == "/dev/null" or not name:
        raise NoChange(f"a diff that deletes {old.partition('/')[2]} cannot be tried")
    file = (folder / name).resolve()
    if not file.is_relative_to(folder.resolve()):
        raise NoChange(f"{name} is outside {folder}")
    try:
        data = b"" if old == "/dev/null" else file.read_bytes()
        change.after[file] = unified.applied(part, data.decode()).encode()
    except OSError as error:
        raise NoChange(f"the patch does not apply: {name}: {error.strerror}") from None
    except (ValueError, IndexError) as error:
        raise NoChange(f"the patch does not apply to {name}: {error}") from None
    if old != "/dev/null":
        change.before[file] = data
