"""Shared by the lookups in the user's source: files, syntax trees, and a walk that tracks its position."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path

from ...diagnosis.findings import is_cell
from ...patterns import Source
from ...recording.model import Facts
from .._cells import statements_before

MAX_FILES = 50  # most files searched by one lookup
_ABOVE = 3  # folders from a file upwards in which its imports may begin
_LIBRARIES = {"site-packages", "dist-packages"}
_MAX_SOURCE_BYTES = 4 << 20
Function = ast.FunctionDef | ast.AsyncFunctionDef


def user_files(facts: Facts) -> list[str]:
    """The user's files that appear in sampled stacks."""
    return list(dict.fromkeys(frame.file for frames in facts.stacks.values() for frame in frames if frame.user))


def parse(file: str) -> ast.Module | None:
    """The syntax tree of a source file or notebook cell, read-only; None if it is not available."""
    try:
        if is_cell(file):
            lines = linecache.getlines(file)
            return _parsed_text("".join(lines)) if lines else None
        path = Path(file)
        status = path.stat()
        return None if status.st_size > _MAX_SOURCE_BYTES else _parsed(path, status.st_mtime_ns, status.st_size)
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None


@lru_cache(maxsize=MAX_FILES)  # several lookups use the same files when a run ends
def _parsed(path: Path, changed_ns: int, size: int) -> ast.Module:
    return ast.parse(path.read_bytes())


@lru_cache(maxsize=MAX_FILES)
def _parsed_text(text: str) -> ast.Module:
    return ast.parse(text)


def source_of(file: str) -> Source | None:
    """A source file as patterns need it, a cell with the rest of its notebook; None if it is not available."""
    tree = parse(file)
    return None if tree is None else _source(tree, file)


@lru_cache(maxsize=MAX_FILES)
def _source(tree: ast.Module, file: str) -> Source:
    if is_cell(file):
        return Source(ast.Module([*statements_before(file), *tree.body], []))
    return Source(tree, partial(_module, Path(file).parent))


def _module(folder: Path, name: str) -> Source | None:
    """A module of the user's, by the name that a file in ``folder`` imports it by."""
    file = _module_file(folder, name)
    return None if file is None else source_of(file)  # which reads it again where it has changed


@lru_cache(maxsize=1024)
def _module_file(folder: Path, name: str) -> str | None:
    dots = len(name) - len(name.lstrip("."))
    parts = name.strip(".").split(".")
    if parts == [""]:
        return None
    # "from . import report" is written "..report": one dot is of the name.
    above = [folder, *folder.parents][max(0, dots - 2) : max(1, dots)] if dots else [folder, *folder.parents][:_ABOVE]
    for base in above:
        for file in (base.joinpath(*parts).with_suffix(".py"), base.joinpath(*parts, "__init__.py")):
            if file.is_file() and not _LIBRARIES & set(file.parts):
                return str(file)
    return None


def called_name(call: ast.Call) -> str:
    """The last part of the called name; "" if the callee has no name."""
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def walk(node: ast.AST, function: str = "", depth: int = 0) -> Iterator[tuple[ast.AST, str, int]]:
    """(node, qualified function name, number of enclosing loops)."""
    for child in ast.iter_child_nodes(node):
        inside, inner = function, depth
        if isinstance(child, Function | ast.ClassDef):
            inside, inner = (f"{function}.{child.name}" if function else child.name), 0
        elif isinstance(child, ast.For | ast.AsyncFor | ast.While):
            inner = depth + 1
        yield child, inside, inner
        yield from walk(child, inside, inner)
