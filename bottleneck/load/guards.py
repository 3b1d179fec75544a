"""Which locks and semaphores a line is executed under, from the source of its file."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

_LOCKS = ("Lock", "RLock", "Condition", "FileLock")
_COUNTED = ("Semaphore", "BoundedSemaphore", "CapacityLimiter", "AsyncLimiter")
_NAMED_AS_ONE = re.compile(r"(?:^|_)(?:lock|mutex)s?$", re.IGNORECASE)


class Guard(NamedTuple):
    """``places``: how many may be inside at once."""

    file: str
    name: str
    places: int


class Guards(NamedTuple):
    """``held``: line -> the guards around it, outermost first; ``taken``: line -> the guards that it waits for."""

    held: dict[int, tuple[Guard, ...]]
    taken: dict[int, tuple[Guard, ...]]


@cache
def guards_of(file: str) -> Guards:
    """Of a file's source; none if it cannot be read."""
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, ValueError, SyntaxError, RecursionError):
        return Guards({}, {})
    return in_source(tree, file)


def in_source(tree: ast.AST, file: str) -> Guards:
    made = _made(tree)
    held: dict[int, tuple[Guard, ...]] = {}
    taken: dict[int, tuple[Guard, ...]] = {}
    for node in ast.walk(tree):  # outer statements come before those inside them
        if isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                name = ast.unparse(item.context_expr)
                places = made.get(name.rpartition(".")[2])
                if places is None and _NAMED_AS_ONE.search(name):
                    places = 1
                if places is not None:
                    guard = Guard(file, name, places)
                    taken[item.context_expr.lineno] = (*taken.get(item.context_expr.lineno, ()), guard)
                    for line in range(node.body[0].lineno, (node.body[-1].end_lineno or 0) + 1):
                        held[line] = (*held.get(line, ()), guard)
    return Guards(held, taken)


def _made(tree: ast.AST) -> dict[str, int]:
    """The last part of each name that is given a lock or semaphore, and how many may hold it."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            called = ast.unparse(node.value.func).rpartition(".")[2]
            first = node.value.args[0] if node.value.args else None
            count = first.value if isinstance(first, ast.Constant) and isinstance(first.value, int) else None
            places = 1 if called in _LOCKS else (count or 1) if called in _COUNTED else None
            if places is not None:
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    found[ast.unparse(target).rpartition(".")[2]] = places
    return found
