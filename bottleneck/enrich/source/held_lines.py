"""The line that writes the second part of a message, for a connection that held it back; found after the run.

``http.server`` sends the headers with ``end_headers()`` and the body with the write that follows, as two packets,
unless the handler buffers its writes or disables Nagle's algorithm. Over plain sockets it is a second ``sendall``.
Detectors read no files, so the line becomes a fact, ``HeldLine``. Connections of asyncio need none: asyncio disables
Nagle's algorithm.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...recording.facts.source import HeldLine
from ...recording.model import Facts, Recording
from ._code import MAX_FILES, Function, called_name, parse, user_files

_HANDLERS = ("HTTPRequestHandler", "StreamRequestHandler")  # the ends of the names of their classes
_HTTP = "HTTPRequestHandler"
_FILE = "self.wfile"


def enrich(run_dir: Path, recording: Recording) -> None:
    """Add the fact, if the kernel was seen to hold data back. Reads the source files that appear in call stacks."""
    facts = recording.facts
    held = recording.host.get("connections_held")
    if held is None or not np.nansum(held.astype(float)) or facts.of(HeldLine):
        return
    holders = {process.index for process in facts.processes if process.pid in _holding(recording)}
    places = []
    for file in user_files(facts)[:MAX_FILES]:
        tree = parse(file)
        if tree is not None:
            places += [(file, line, function, True) for line, function in find_handler_writes(tree)]
            places += [(file, line, function, False) for line, function in find_second_sends(tree)]
    if places:
        file, line, function, handler = max(places, key=lambda place: _looks(facts, holders, place[0], place[2]))
        facts.add(min(holders, default=0), HeldLine(file, line, function, handler))


def find_handler_writes(tree: ast.Module) -> list[tuple[int, str]]:
    """(line, function) of each first write after the headers, or second write, of handlers that send both at once."""
    classes = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    set_outside = _set_outside(tree)
    found = []
    for name, node in classes.items():
        line = list(_ancestry(node, classes))
        bases = [_last_name(base) for each in line for base in each.bases]
        if not any(base.endswith(_HANDLERS) for base in bases):
            continue
        values: dict[str, ast.expr] = {}
        for each in line:
            values = {**_assigned(each), **set_outside.get(each.name, {}), **values}
        if _is_true(values.get("disable_nagle_algorithm")) or _buffers(values.get("wbufsize")):
            continue
        if any(base.endswith(_HTTP) for base in bases) and not _keeps_alive(values.get("protocol_version")):
            continue  # the connection ends with the reply, and all of it is sent then
        found += [(at, f"{name}.{function}") for at, function in _writes(node)]
    return sorted(found)


def find_second_sends(tree: ast.Module) -> list[tuple[int, str]]:
    """(line, function) of each second ``sendall`` on one socket in a function, if the file never sets TCP_NODELAY."""
    if any(isinstance(node, ast.Attribute | ast.Name) and _last_name(node) == "TCP_NODELAY" for node in ast.walk(tree)):
        return []
    found = []
    for function in (node for node in ast.walk(tree) if isinstance(node, Function)):
        seen = set[str]()
        for call in _calls(function):
            if called_name(call) == "sendall" and isinstance(call.func, ast.Attribute):
                socket = ast.unparse(call.func.value)
                if socket in seen:
                    found.append((call.lineno, function.name))
                    break
                seen.add(socket)
    return sorted(found)


def _writes(handler: ast.ClassDef) -> Iterator[tuple[int, str]]:
    methods = [node for node in handler.body if isinstance(node, Function)]
    calls = {method.name: list(_calls(method)) for method in methods}
    sends = {"end_headers"} | {
        name
        for name, every in calls.items()
        if any(called_name(call) == "end_headers" for call in every) and not any(map(_writes_body, every))
    }
    for method in methods:
        sent = False
        for call in calls[method.name]:
            if _writes_body(call):
                if sent:
                    yield call.lineno, method.name
                    break
                sent = True
            elif called_name(call) in sends:
                sent = True


def _writes_body(call: ast.Call) -> bool:
    """``self.wfile.write(...)``, or a call that is given ``self.wfile``, such as ``json.dump``."""
    if any(ast.unparse(argument) == _FILE for argument in call.args):
        return True
    return called_name(call) in ("write", "writelines") and ast.unparse(call.func).startswith(f"{_FILE}.")


def _calls(function: ast.AST) -> list[ast.Call]:
    """In the order in which they are written."""
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    return sorted(calls, key=lambda call: (call.end_lineno or 0, call.end_col_offset or 0))


def _ancestry(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> Iterator[ast.ClassDef]:
    """The class and those of its file that it inherits from, the nearest first."""
    todo, seen = [node], set[str]()
    while todo:
        each = todo.pop(0)
        if each.name not in seen:
            seen.add(each.name)
            yield each
            todo += [classes[name] for base in each.bases if (name := _last_name(base)) in classes]


def _assigned(node: ast.ClassDef) -> dict[str, ast.expr]:
    found: dict[str, ast.expr] = {}
    for each in node.body:
        if isinstance(each, ast.Assign):
            found.update({target.id: each.value for target in each.targets if isinstance(target, ast.Name)})
        elif isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and each.value is not None:
            found[each.target.id] = each.value
    return found


def _set_outside(tree: ast.Module) -> dict[str, dict[str, ast.expr]]:
    """Class -> what ``Class.name = value`` sets."""
    found: dict[str, dict[str, ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
                    found.setdefault(target.value.id, {})[target.attr] = node.value
    return found


def _last_name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def _is_true(value: ast.expr | None) -> bool:
    return value is not None and not (isinstance(value, ast.Constant) and not value.value)


_buffers = _is_true  # 0, the default, writes at once


def _keeps_alive(value: ast.expr | None) -> bool:
    return value is not None and not (isinstance(value, ast.Constant) and value.value == "HTTP/1.0")


def _holding(recording: Recording) -> set[int]:
    pids = recording.host["connections_held_pid"].astype(float)
    return {int(pid) for pid in np.unique(pids[~np.isnan(pids)])}


def _looks(facts: Facts, processes: set[int], file: str, function: str) -> int:
    """How many stacks of these processes the function is in."""
    name = function.rpartition(".")[2]
    stacks = (frames for (process, _), frames in facts.stacks.items() if process in processes)
    return sum(
        any(frame.file == file and frame.function.rpartition(".")[2] == name for frame in frames) for frames in stacks
    )
