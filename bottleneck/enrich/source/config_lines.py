"""The configuration lines that name the files which a library read without a line of the user's.

A pipeline tool such as Kedro reads what its catalogue names: the entry there is what the user can change.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from ...recording.facts import ConfigLine, Read
from ...recording.model import Recording

MAX_FILES = 200
MAX_DEPTH = 5  # folders below the one that the program was started in
MAX_BYTES = 256 * 1024
_ENDINGS = (".yml", ".yaml", ".toml", ".json", ".ini", ".cfg")
_SKIPPED = frozenset(("node_modules", "site-packages", "__pycache__"))
_KEY = re.compile(r"""\s*(?:-\s+)?["']?([\w./-]+)["']?\s*[:=]""")
_SECTION = re.compile(r"\s*\[+([\w.-]+)\]+\s*$")


def enrich(run_dir: Path, recording: Recording) -> None:
    """Add a ``ConfigLine`` for each file that was read without a line of the user's, if one names it."""
    facts = recording.facts
    reads = [read for process, read in facts.of(Read) if facts.site(process, read.site) is None]
    known = {fact.path for _, fact in facts.of(ConfigLine)}
    paths = {read.path for read in reads if read.path} - known
    cwd = str(recording.run.get("cwd") or "")
    if paths and os.path.isabs(cwd):
        for found in find_config_lines(Path(cwd), paths):
            facts.add(0, found)


def find_config_lines(root: Path, paths: Collection[str]) -> Iterator[ConfigLine]:
    """For each path the first line below ``root`` that has it, or else its file name, as a value."""
    texts = list(_texts(root)) if root.is_dir() else []
    for path in sorted(paths):
        names = dict.fromkeys((path, os.path.relpath(path, root), os.path.basename(path)))
        places = (place for name in names for place in _lines_with(name, texts))
        for file, lines, at in places:
            yield ConfigLine(str(file), at + 1, _entry(lines, at), path=path)
            break


def _texts(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """The configuration files below a folder, with their lines."""
    count = 0
    for folder, below, names in os.walk(root):
        deep = len(Path(folder).relative_to(root).parts) >= MAX_DEPTH or "pyvenv.cfg" in names
        below[:] = [] if deep else sorted(name for name in below if name[0] != "." and name not in _SKIPPED)
        for name in sorted(names):
            file = Path(folder) / name
            if count < MAX_FILES and name.endswith(_ENDINGS) and name != "pyvenv.cfg":
                count += 1
                try:
                    if file.is_file() and file.stat().st_size <= MAX_BYTES:
                        yield file, file.read_text("utf-8", "replace").splitlines()
                except OSError:
                    continue


def _lines_with(name: str, texts: list[tuple[Path, list[str]]]) -> Iterator[tuple[Path, list[str], int]]:
    whole = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w./-])")
    for file, lines in texts:
        for at, line in enumerate(lines):
            if whole.search(line) and not line.lstrip().startswith(("#", ";", "//")):
                yield file, lines, at


def _entry(lines: list[str], at: int) -> str:
    """The name of the entry that a line is in: the key above with less indentation, or the section."""
    indent = _indent(lines[at])
    for line in reversed(lines[:at]):
        if section := _SECTION.match(line):
            return section[1]
        if line.strip() and _indent(line) < indent and (key := _KEY.match(line)):
            return key[1]
    return ""


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
