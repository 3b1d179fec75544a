"""Finds out why nothing was recorded when no process of a run reported."""

from __future__ import annotations

import ast
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..signals import LIVE

_PYTHON = re.compile(r"^(python|pypy)[0-9.]*[dt]?$")
_CLEANING = {
    "sudo",
    "su",
    "doas",
    "runuser",
    "ssh",
    "docker",
    "podman",
    "nerdctl",
    "kubectl",
    "singularity",
    "apptainer",
}
_FLAGS = {
    "I": "-I (isolated mode) makes Python ignore PYTHONPATH",
    "E": "-E makes Python ignore PYTHONPATH",
    "S": "-S keeps Python from reading its start-up files",
}


def said_hello(run_dir: Path) -> bool:
    """Whether any process of the run began to record (its side file must still exist)."""
    return any(kind == "hello" for kind, _ in _lines(run_dir, "*.side"))


def attachment_problem(run_dir: Path, argv: Sequence[str], hello_seen: bool | None = None) -> str | None:
    """Why no process of the run recorded anything, worded to follow "nothing was recorded: "; None if one did.

    Pass ``hello_seen`` when the side files were already drained and deleted; None checks the folder.
    """
    if said_hello(run_dir) if hello_seen is None else hello_seen:
        return None
    if not (run_dir / LIVE).is_dir():
        return f"the program deleted {run_dir / LIVE} before its records were read."
    for kind, fields in _lines(run_dir, "*.side"):
        if kind == "failed":
            return f"recording failed to start in the program ({fields.get('error')})."
    reasons = {fields.get("reason"): fields for kind, fields in _lines(run_dir, "skipped") if kind == "skipped"}
    if "old" in reasons:
        return f"the program ran under Python {reasons['old'].get('python')}; recording needs 3.9 or newer."
    return f"{_reason(argv, 'helper' in reasons)}."


def watched_problem(run_dir: Path) -> str | None:
    """One sentence if processes reported but used no library that we watch; None otherwise."""
    kinds = {kind for kind, _ in _lines(run_dir, "*.side")}
    if "hello" not in kinds or "attached" in kinds:
        return None
    return "The program imported none of the supported libraries, so only its call stacks were recorded."


def is_python(program: str) -> bool:
    """Whether a program's name is that of a Python interpreter."""
    return bool(_PYTHON.match(os.path.basename(program)))


def _reason(argv: Sequence[str], only_helpers: bool) -> str:
    words = _interpreted(argv)
    name = os.path.basename(words[0]) if words else ""
    if is_python(name):
        flag = _ignoring_flag(words)
        if flag:
            return _FLAGS[flag]
        if only_helpers:
            return "only helper programs ran (installers, trackers, compilers)"
        return "Python exited before it read its start-up files, or another environment replaced ours"
    if name in _CLEANING or (name == "env" and any(w in ("-i", "-", "--ignore-environment") for w in words[1:])):
        return f"{_shown(name)} starts the program in another environment; put `bottleneck run` after it, not before"
    if only_helpers:
        return f"{_shown(name)} started only helper programs in Python (installers, trackers, compilers)"
    if _is_binary(words):
        return f"{_shown(name)} is not a Python program, and no Python process it started reported"
    return (
        f"no Python process started by {_shown(name)} reported (possible causes: -I, -E or -S, a cleared "
        "environment, another machine)"
    )


def _interpreted(argv: Sequence[str]) -> list[str]:
    """The command line that the kernel executes after resolving `#!` lines and `/usr/bin/env`."""
    words = list(argv)
    for _ in range(4):
        if not words:
            break
        if os.path.basename(words[0]) == "env" and len(words) > 1 and "=" not in words[1]:
            if words[1].startswith("-") and words[1] != "-S":
                break
            words = words[1:] if words[1] != "-S" else words[2:]
            continue
        line = _first_line(words[0])
        if not line.startswith(b"#!"):
            break
        words = [*line[2:].decode("utf-8", "replace").split(), *words]
    return words


def _first_line(command: str) -> bytes:
    path = shutil.which(command) or command
    try:
        with open(path, "rb") as file:
            return file.read(256).split(b"\n", 1)[0]
    except OSError:
        return b""


def _is_binary(words: Sequence[str]) -> bool:
    return bool(words) and _first_line(words[0])[:4] in (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")


def _ignoring_flag(words: Sequence[str]) -> str | None:
    """The first of -I, -E, -S among the interpreter's own flags."""
    position = 1
    while position < len(words):
        word = words[position]
        position += 1
        if word in ("-", "--") or not word.startswith("-"):
            return None
        if word.startswith("--"):
            continue
        for index, letter in enumerate(word[1:], 2):
            if letter in _FLAGS:
                return letter
            if letter in "cm":
                return None
            if letter in "WX":
                position += index == len(word)
                break
    return None


def _lines(run_dir: Path, pattern: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((run_dir / LIVE).glob(pattern)):
        try:
            text = path.read_text("utf-8", "replace")
        except OSError:
            continue
        for line in text.splitlines():
            try:
                kind, fields = ast.literal_eval(line)
            except (ValueError, SyntaxError, TypeError):
                continue  # the process was killed in the middle of this line
            if isinstance(kind, str) and isinstance(fields, dict):
                yield kind, fields


def _shown(word: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in word)
