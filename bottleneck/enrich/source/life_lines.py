"""The lines that limit how long the worker processes of a server or a pool live, found after a run.

Detectors read no files, so each becomes a fact, ``LifeLine``: ``--max-requests`` of gunicorn, ``limit_max_requests`` of
uvicorn, ``maxtasksperchild`` and ``max_tasks_per_child`` of the standard library's pools.
"""

from __future__ import annotations

import ast
import os
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from ...recording.facts import LifeLine
from ...recording.model import Facts, Recording
from ._code import MAX_FILES, called_name, parse, user_files, walk

_OF_SERVERS = ("max_requests", "limit_max_requests")
_OF_POOLS = ("maxtasksperchild", "max_tasks_per_child")
_POSITION = 3  # of Pool's maxtasksperchild
_GUNICORN = "gunicorn.conf.py"  # which it reads from the folder that it is started in
_WORDS = re.compile(r"(?<![\w-])(--(?:limit-)?max-requests)(?:[= ]+(\d+))?(?![\w-])")
Found = tuple[int, str, str, int]  # line, function, option, limit


def enrich(run_dir: Path, recording: Recording) -> None:
    """Add a ``LifeLine`` for each such line, if a process started others. Reads the files that appear in stacks."""
    facts = recording.facts
    if facts.of(LifeLine) or not _starts_others(facts):
        return
    cwd = str(recording.run.get("cwd") or "")
    own = [os.path.join(cwd, _GUNICORN)] if os.path.isabs(cwd) else []
    for file in dict.fromkeys((*user_files(facts)[:MAX_FILES], *own)):
        tree = parse(file)
        for line, function, option, limit in () if tree is None else find_life_lines(tree, Path(file).name):
            facts.add(0, LifeLine(file, line, function, option=option, limit=limit, pool=option in _OF_POOLS))
    for option, value in _WORDS.findall(str(recording.run.get("command", ""))):
        if value:
            facts.add(0, LifeLine("", 0, "", option=option, limit=int(value), pool=False))


def find_life_lines(tree: ast.Module, name: str = "") -> list[Found]:
    """(line, function, option, limit) of each option with a value that the source tells; ``name``: of the file."""
    numbers = {
        target.id: value
        for node in tree.body
        if isinstance(node, ast.Assign) and (value := _number(node.value, {})) is not None
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found = [
        (line, inside or "<module>", option, limit)
        for node, inside, _ in walk(tree)
        for line, option, limit in _options(node, numbers)
    ]
    if name == _GUNICORN and "max_requests" in numbers:
        assigned = (node for node in tree.body if isinstance(node, ast.Assign))
        named = (node for node in assigned for t in node.targets if isinstance(t, ast.Name) and t.id == "max_requests")
        found += [(node.lineno, "<module>", "max_requests", numbers["max_requests"]) for node in named]
    return sorted({each for each in found if each[3] > 0})  # gunicorn's 0 is no limit


def _options(node: ast.AST, numbers: dict[str, int]) -> Iterator[tuple[int, str, int]]:
    if isinstance(node, ast.Call):
        for keyword in node.keywords:
            limit = _number(keyword.value, numbers)
            if keyword.arg in (*_OF_SERVERS, *_OF_POOLS) and limit is not None:
                yield keyword.value.lineno, keyword.arg, limit
        limit = _number(node.args[_POSITION], numbers) if len(node.args) > _POSITION else None
        if called_name(node) == "Pool" and limit is not None:
            yield node.lineno, _OF_POOLS[0], limit
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            limit = _number(value, numbers)
            if isinstance(key, ast.Constant) and key.value in (*_OF_SERVERS, *_OF_POOLS) and limit is not None:
                yield value.lineno, str(key.value), limit
    elif isinstance(node, ast.List | ast.Tuple):
        for word, after in pairwise([*node.elts, ast.Constant(None)]):
            option = _WORDS.fullmatch(_text(word))
            limit = _number(after, numbers) if option is not None and option[2] is None else None
            if option is not None and limit is not None:
                yield word.lineno, option[1], limit
    elif isinstance(node, ast.Constant):
        for name, value in _WORDS.findall(_text(node)):
            if value:
                yield node.lineno, name, int(value)


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _number(node: ast.expr | None, numbers: dict[str, int]) -> int | None:
    """The value of 30, "30", str(LIMIT) or LIMIT; None if the source does not tell."""
    if isinstance(node, ast.Call) and called_name(node) == "str" and len(node.args) == 1:
        node = node.args[0]
    if isinstance(node, ast.Name):
        return numbers.get(node.id)
    if isinstance(node, ast.Constant) and not isinstance(node.value, bool):
        text = str(node.value)
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
    return None


def _starts_others(facts: Facts) -> bool:
    """Whether a recorded process started several others."""
    known = {(process.host, process.pid) for process in facts.processes}
    started = Counter((each.host, each.parent_pid) for each in facts.processes if each.pid)
    return any(count > 1 and parent in known for parent, count in started.items())
