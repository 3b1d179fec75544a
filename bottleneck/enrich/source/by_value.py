"""Finds the files of functions that went to other processes by value (Dask, loky, Ray), after the run.

cloudpickle keeps the name, the lines and the bytecode of such a function, and no file. The user's files are compiled
and searched for the same. Detectors read no files, so what is found becomes a fact, ``ByValueFile``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from zlib import crc32

from ...diagnosis.findings import is_cell
from ...recording.facts.source import ByValue, ByValueFile
from ...recording.model import Recording
from ._code import MAX_FILES, parse, user_files


def enrich(run_dir: Path, recording: Recording) -> None:
    """Add a ``ByValueFile`` for each function that came by value. Reads source files."""
    facts = recording.facts
    if facts.of(ByValueFile):
        return
    wanted = dict.fromkeys(fact for _, fact in facts.of(ByValue))
    codes = list(_codes(user_files(facts))) if wanted else []
    for fact in wanted:
        files = _files(fact, codes)
        facts.add(0, ByValueFile(fact.function, fact.first, fact.last, files.pop() if len(files) == 1 else ""))


def _files(fact: ByValue, codes: list[tuple[str, CodeType]]) -> set[str]:
    """The files that hold such a function; the bytecode decides between several, if it is of this Python."""
    like = [
        (file, code)
        for file, code in codes
        if code.co_firstlineno == fact.first and fact.function.rpartition(".")[2] == code.co_name
    ]
    same = {file for file, code in like if crc32(code.co_code) == fact.checksum and _names(code) == fact.names}
    return same or {file for file, _ in like}


def _names(code: CodeType) -> tuple[str, ...]:
    return (*code.co_names, *code.co_varnames)[:50]


def _codes(files: list[str]) -> Iterator[tuple[str, CodeType]]:
    """The code objects of these files, and of the others in their folders: what was only called elsewhere is in none
    of this process's stacks."""
    folders = dict.fromkeys(Path(file).parent for file in files if not is_cell(file))
    beside = [str(path) for folder in folders for path in sorted(folder.glob("*.py"))[:MAX_FILES]]
    for file in list(dict.fromkeys([*files, *beside]))[: 2 * MAX_FILES]:
        tree = parse(file)
        if tree is not None:
            for code in _inside(compile(tree, file, "exec", dont_inherit=True)):
                yield file, code


def _inside(code: CodeType) -> Iterator[CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _inside(each)
