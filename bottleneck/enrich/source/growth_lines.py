"""Finds the line in the user's source that makes a container grow, when a recording is loaded.

Detectors read no files, so the line becomes a fact, ``GrowthLine``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from ...recording.facts import Container, GrowthLine
from ...recording.model import Recording
from ._code import Function, called_name, parse, walk

_GROWING = frozenset(
    ("append", "appendleft", "extend", "extendleft", "insert", "add", "update", "setdefault", "__setitem__")
)


def enrich(run_dir: Path, recording: Recording) -> None:
    """Add one ``GrowthLine`` for every noted container whose growing line is found. Reads source files.

    There is no fact if the source is missing, no longer parses, or does not grow the container.
    """
    facts = recording.facts
    trees: dict[str, ast.Module | None] = {}
    done = {(process, line.name, line.file) for process, line in facts.of(GrowthLine)}
    for process, container in facts.of(Container):
        name, file = container.name, container.file
        site = facts.site(process, container.site)
        loop_file = site.file if site is not None else file
        if (process, name, file) in done:
            continue
        done.add((process, name, file))
        for candidate in dict.fromkeys((file, loop_file)):
            if candidate not in trees:
                trees[candidate] = parse(candidate)
            tree = trees[candidate]
            function = site.function if site is not None and container.scope == "local" else ""
            found = None if tree is None else find_growth(tree, name, function)
            if found is not None:
                facts.add(process, GrowthLine(candidate, *found, name=name, container_file=file))
                break


def find_growth(tree: ast.Module, name: str, function: str = "") -> tuple[int, str] | None:
    """(line, function) of the statement that grows ``name`` ("losses" or "model.history"); inside loops first.

    ``function``: the qualified name of the function that a local name belongs to. Functions that it passes the
    container to are searched as well. None if nothing grows it.
    """
    attribute = name.rpartition(".")[2] if "." in name else ""
    wanted = {(function.rpartition(".")[2] if function != "<module>" else "", name)}
    if function and not attribute:
        wanted |= set(_handed_on(tree, name, function.rpartition(".")[2]))
    best: tuple[int, int, str] | None = None
    for node, inside, depth in walk(tree, "", 0):
        target = _grown(node)
        if target is None:
            continue
        if attribute:
            fits = isinstance(target, ast.Attribute) and target.attr == attribute
        elif isinstance(target, ast.Name):
            here = inside.rpartition(".")[2]
            fits = any(target.id == known and (not function or here == where) for where, known in wanted)
        else:
            fits = False
        depth -= inside.endswith("__init__")  # created there, but grown elsewhere
        if fits and (best is None or depth > best[0]):
            best = (depth, getattr(node, "lineno", 0), inside)
    return None if best is None else (best[1], best[2] or "<module>")


def _grown(node: ast.AST) -> ast.expr | None:
    """The expression that a call, an augmented assignment or an item assignment makes longer."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _GROWING:
        # history["loss"].append(x) and defaultdict[key].append(x) grow the outermost container.
        return _base(node.func.value)
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add | ast.BitOr):
        return _base(node.target)
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Subscript):
                return _base(target)
        value = node.value  # losses = losses + [loss]
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
            for target in node.targets:
                if isinstance(target, ast.Name | ast.Attribute) and ast.dump(value.left).replace(
                    "Load", "Store"
                ) == ast.dump(target):
                    return target
    return None


def _base(node: ast.expr) -> ast.expr:
    while isinstance(node, ast.Subscript):
        node = node.value
    return node


def _handed_on(tree: ast.Module, name: str, function: str) -> Iterator[tuple[str, str]]:
    """(function, parameter) pairs through which calls inside ``function`` pass ``name`` on."""
    definitions = {node.name: node for node in ast.walk(tree) if isinstance(node, Function)}
    for node, inside, _ in walk(tree, "", 0):
        if not isinstance(node, ast.Call) or inside.rpartition(".")[2] != function.replace("<module>", ""):
            continue
        called = called_name(node)
        definition = definitions.get(called)
        if definition is None:
            continue
        parameters = [argument.arg for argument in definition.args.posonlyargs + definition.args.args]
        if isinstance(node.func, ast.Attribute) and parameters[:1] == ["self"]:
            parameters = parameters[1:]
        for position, argument in enumerate(node.args[: len(parameters)]):
            if isinstance(argument, ast.Name) and argument.id == name:
                yield called, parameters[position]
        for keyword in node.keywords:
            if keyword.arg and isinstance(keyword.value, ast.Name) and keyword.value.id == name:
                yield called, keyword.arg
