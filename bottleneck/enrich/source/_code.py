"""What the questions to the user's source share: the files, their syntax trees, a walk that knows where it is."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from ...diagnosis.findings import is_cell
from ...patterns import Source
from ...recording.model import Facts
from .._cells import statements_before

MAX_FILES = 50  # looked at for one question
_MAX_SOURCE_BYTES = 4 << 20
Function = ast.FunctionDef | ast.AsyncFunctionDef


def user_files(facts: Facts) -> list[str]:
    """The user's files that sampled stacks go through."""
    return list(dict.fromkeys(frame.file for frames in facts.stacks.values() for frame in frames if frame.user))


def parse(file: str) -> ast.Module | None:
    """The syntax tree of a source file or a notebook's cell, to be read only; None when it cannot be had."""
    try:
        if is_cell(file):
            lines = linecache.getlines(file)
            return _parsed_text("".join(lines)) if lines else None
        path = Path(file)
        status = path.stat()
        return None if status.st_size > _MAX_SOURCE_BYTES else _parsed(path, status.st_mtime_ns, status.st_size)
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None


@lru_cache(maxsize=16)  # several questions are asked of the same files when a run ends
def _parsed(path: Path, changed_ns: int, size: int) -> ast.Module:
    return ast.parse(path.read_bytes())


@lru_cache(maxsize=16)
def _parsed_text(text: str) -> ast.Module:
    return ast.parse(text)


def source_of(file: str) -> Source | None:
    """A source file as patterns ask it, a cell with the others of its notebook; None when it cannot be had."""
    tree = parse(file)
    return None if tree is None else _source(tree, file if is_cell(file) else "")


@lru_cache(maxsize=16)
def _source(tree: ast.Module, cell: str) -> Source:
    return Source(ast.Module([*statements_before(cell), *tree.body], []) if cell else tree)


def called_name(call: ast.Call) -> str:
    """The last part of the name that is called; "" where it has none."""
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def walk(node: ast.AST, function: str = "", depth: int = 0) -> Iterator[tuple[ast.AST, str, int]]:
    """(node, qualified function, number of loops around it)."""
    for child in ast.iter_child_nodes(node):
        inside, inner = function, depth
        if isinstance(child, Function | ast.ClassDef):
            inside, inner = (f"{function}.{child.name}" if function else child.name), 0
        elif isinstance(child, ast.For | ast.AsyncFor | ast.While):
            inner = depth + 1
        yield child, inside, inner
        yield from walk(child, inside, inner)
