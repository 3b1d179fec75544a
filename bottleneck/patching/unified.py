"""Unified diffs that ``git apply`` and ``patch`` take, and the same applied in memory."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

_NO_END = "\\ No newline at end of file\n"
_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@")


def diff(name: str, before: str, after: str) -> str:
    """The diff of a file called ``name``, for ``-p1``."""
    tab = "\t" if " " in name else ""  # what ends a name with spaces in it
    lines = difflib.unified_diff(_lines(before), _lines(after), f"a/{name}{tab}", f"b/{name}{tab}")
    return "".join(line if line.endswith("\n") else f"{line}\n{_NO_END}" for line in lines)


def applied(text: str, before: str) -> str:
    """What the diff makes of ``before``. Raises ValueError when it does not fit."""
    old, at = _lines(before), 0
    made: list[str] = []
    for line in _marked_ends(_lines(text)[2:]):
        hunk = _HUNK.match(line)
        if hunk:
            start = max(0, int(hunk[1]) - (hunk[2] != "0"))
            made += old[at:start]
            at = start
            continue
        if line[0] in " -":
            if at >= len(old) or old[at] != line[1:]:
                raise ValueError(f"line {at + 1} is another one")
            at += 1
        if line[0] in " +":
            made.append(line[1:])
    return "".join(made + old[at:])


def _marked_ends(lines: list[str]) -> Iterator[str]:
    """The lines of a diff, those without an end as they are in the file."""
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line != _NO_END:
            yield line.removesuffix("\n") if following == _NO_END else line


def _lines(text: str) -> list[str]:
    # str.splitlines also splits at form feeds and others, which end no line for patch.
    return re.findall(r"[^\n]*\n|[^\n]+", text)
