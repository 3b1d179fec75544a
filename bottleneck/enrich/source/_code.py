"""What the questions to the user's source share: the files, their syntax trees, a walk that knows where it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from ...patterns import Source
from ...recording.model import Facts

MAX_FILES = 50  # looked at for one question
_MAX_SOURCE_BYTES = 4 << 20
Function = ast.FunctionDef | ast.AsyncFunctionDef


def user_files(facts: Facts) -> list[str]:
    """The user's files that sampled stacks go through."""
    return list(dict.fromkeys(frame.file for frames in facts.stacks.values() for frame in frames if frame.user))


def parse(file: str) -> ast.Module | None:
    """The syntax tree of a source file, to be read only; None when it cannot be had."""
    try:
        path = Path(file)
        status = path.stat()
        return None if status.st_size > _MAX_SOURCE_BYTES else _parsed(path, status.st_mtime_ns, status.st_size)
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None


@lru_cache(maxsize=16)  # several questions are asked of the same files when a run ends
def _parsed(path: Path, changed_ns: int, size: int) -> ast.Module:
    return ast.parse(path.read_bytes())


def source_of(file: str) -> Source | None:
    """A source file as patterns ask it; None when it cannot be had."""
    tree = parse(file)
    return None if tree is None else _source(tree)


@lru_cache(maxsize=16)
def _source(tree: ast.Module) -> Source:
    return Source(tree)


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
