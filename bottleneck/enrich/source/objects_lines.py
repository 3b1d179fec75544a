"""The line that fills the attribute in which a dataset holds its Python objects, found in the class's source.

Detectors read no files, so the line becomes a fact, ``ObjectsLine``.
"""

from __future__ import annotations

import ast
from pathlib import Path

from ...recording.facts import Objects, ObjectsLine
from ...recording.model import Recording
from ._code import parse, walk
from .growth_lines import find_growth


def enrich(run_dir: Path, recording: Recording) -> None:
    """Add one fact for each loader whose dataset has such an attribute, if a line that fills it is found."""
    facts = recording.facts
    done = {(process, line.loader) for process, line in facts.of(ObjectsLine)}
    for process, objects in facts.of(Objects):
        tree = parse(objects.file) if objects.name and (process, objects.loader) not in done else None
        place = None if tree is None else find_objects_line(tree, objects.owner, objects.name)
        if place is not None:
            facts.add(process, ObjectsLine(objects.file, *place, loader=objects.loader))


def find_objects_line(tree: ast.Module, owner: str, name: str) -> tuple[int, str] | None:
    """(line, function) of the last assignment of the attribute with content, in a method of the class ``owner``.

    If all assignments are empty displays, the line that grows it.
    """
    attribute = name.rpartition(".")[2]
    found = [
        (node.lineno, inside, _is_empty(node.value))
        for node, inside, _ in walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign) and owner in inside.split(".") and node.value is not None
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Attribute) and target.attr == attribute
    ]
    filled = [(line, inside) for line, inside, empty in found if not empty]
    if filled:
        return filled[-1]
    return (find_growth(tree, "self." + attribute) or found[-1][:2]) if found else None


def _is_empty(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return not value.args and not value.keywords and getattr(value.func, "id", "") in ("list", "dict")
    return isinstance(value, ast.List | ast.Dict) and not ast.unparse(value)[1:-1]
