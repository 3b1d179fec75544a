"""User loops that make the input of their own steps, in any framework, found after a run has ended.

The frames that stay are the loop's, and the lines that alternate are its statements. A statement that feeds a step
without depending on it could run ahead. Detectors read no files, so the loops become facts.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from ...artifacts import Artifacts, Missing
from ...artifacts.run.user_lines import UserLine, UserLines
from ...patterns import Source
from ...patterns.flow import LIBRARIES, Part, around, feeding, parts
from ...patterns.independence import comes_by_itself
from ...patterns.syntax import Loop, last_name
from ...recording.facts import UserLoop
from ...recording.model import Recording
from ._code import MAX_FILES, source_of

_MIN_SHARE = 0.2  # of the run, in a function with such a loop
_MIN_MADE = 0.1  # of the loop's time, in making the items
_MOSTLY = 0.5
#: What numpy code trains with: matrix products.
_PRODUCTS = ("dot", "matmul", "einsum", "tensordot", "inner", "vdot", "solve", "lstsq")
_THROUGH = 2  # functions of the file between the step and the library


def enrich(run_dir: Path, recording: Recording) -> None:
    """Add a ``UserLoop`` for each function that holds much of the run and has such a loop. Reads source files."""
    try:
        found = Artifacts(recording).get(UserLines)
    except Missing:
        return
    if recording.facts.of(UserLoop):
        return
    functions: dict[tuple[str, str], list[UserLine]] = {}
    for line in found.lines:
        if not line.beside and not line.apart:
            functions.setdefault((line.file, line.function), []).append(line)
    for (file, function), lines in list(functions.items())[:MAX_FILES]:
        source = source_of(file)
        if source is None or sum(map(found.share, lines)) < _MIN_SHARE:
            continue
        loops = {
            loop: None for line in lines for node in source.by_line.get(line.line, []) for loop in around(source, node)
        }
        facts = (_judge(source, loop, lines, file, function) for loop in loops)
        fact = next((each for each in facts if each is not None), None)
        if fact is not None:
            recording.facts.add(0, fact)


def _judge(source: Source, loop: Loop, lines: list[UserLine], file: str, function: str) -> UserLoop | None:
    """The loop, with the code that makes the items of its heaviest step; None if it is not such a loop."""
    if comes_by_itself(source, loop):
        return None  # no worker brings the next message sooner
    found = parts(source, loop)
    seconds = {part: sum(line.seconds for line in _of(part, lines)) for part in found}
    total = sum(seconds.values())
    for step in sorted((part for part in found if seconds[part] > 0), key=lambda part: -seconds[part]):
        library = _library(source, step, _of(step, lines))
        makes = feeding(found, step) if library else []
        if total > 0 and sum(seconds[part] for part in makes) >= _MIN_MADE * total:
            spans = [(part.first, part.last) for part in makes]
            last = loop.end_lineno or loop.lineno
            return UserLoop(file, loop.lineno, function, makes=spans, last=last, step=step.first, library=library)
    return None


def _of(part: Part, lines: list[UserLine]) -> list[UserLine]:
    return [line for line in lines if part.first <= line.line <= part.last]


def _library(source: Source, step: Part, lines: list[UserLine]) -> str:
    """The library that a statement is a step of, "" if none: judged by its frames, else by its source."""
    for name in sorted(LIBRARIES):
        whole = sum(line.thread_seconds for line in lines)
        inside = sum(
            line.thread_seconds * line.share_where(lambda way: any(f"/{name}/" in each.file for each in way.below))  # noqa: B023
            for line in lines
        )
        if inside >= _MOSTLY * whole:
            return name
    return _written_with(source, step.node, _THROUGH) or _of_other_files(source, lines)


def _written_with(source: Source, node: ast.AST, through: int) -> str:
    """The library called by a statement, or by a function of the file that it calls."""
    for each in ast.walk(node):
        if isinstance(each, ast.BinOp | ast.AugAssign) and isinstance(each.op, ast.MatMult):
            return "numpy"
        if not isinstance(each, ast.Call | ast.Name):
            continue
        paths = source.paths(each.func if isinstance(each, ast.Call) else each)
        root = next((root for path in paths if (root := path.partition(".")[0]) in LIBRARIES), "")
        if root:
            return root
        if isinstance(each, ast.Call) and _is_product(paths):
            return "numpy"
        for function in (
            source.functions.get(last_name(each.func), []) if isinstance(each, ast.Call) and through else ()
        ):
            inner = _written_with(source, function, through - 1)
            if inner:
                return inner
    return ""


def _is_product(paths: frozenset[str]) -> bool:
    return any(path.startswith(("numpy.", "scipy.linalg.")) and path.rpartition(".")[2] in _PRODUCTS for path in paths)


def _of_other_files(source: Source, lines: list[UserLine]) -> str:
    """The library used in the user's innermost function below the lines, if that is in another file."""
    for file in dict.fromkeys(_innermost_files(lines)):
        other = source_of(file)
        if other is not None and other is not source:
            roots = {origin.partition(".")[0] for origin in other.imports.values()}
            known = sorted(roots & LIBRARIES)
            if known:
                return known[0]
    return ""


def _innermost_files(lines: list[UserLine]) -> Iterator[str]:
    for line in lines:
        for way in list(line.ways)[:4]:
            yield from [frame.file for frame in way.below if frame.user][-1:]
