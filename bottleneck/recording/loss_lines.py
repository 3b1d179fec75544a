"""Lines of the user's source that the loss is made of, found when a run has ended.

What lies between forward and backward is the training itself when the loss depends on it, and Python on the side when
it does not. Detectors read no files: what is found here goes to the facts as notes "loss_lines" {file, lines}.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..timeline.tables import Facts
from .sources import parse

_RETURN_THE_LOSS = ("training_step", "compute_loss")  # of Lightning and of transformers: the library calls backward
_MAX_FILES = 50
_Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Module


def add_loss_lines(facts: Facts) -> None:
    """Add one "loss_lines" note for each sampled file of the user's that computes a loss. Reads source files."""
    files = dict.fromkeys(frame.file for frames in facts.stacks.values() for frame in frames if frame.user)
    known = {fields["file"] for _, fields in facts.of("loss_lines")}
    for file in list(files)[:_MAX_FILES]:
        tree = None if file in known else parse(file)
        lines = set() if tree is None else find_loss_lines(tree)
        if lines:
            facts.notes.append((0, "loss_lines", {"file": file, "lines": sorted(lines)}))


def find_loss_lines(tree: ast.Module) -> set[int]:
    """Lines of all statements on which a loss depends: backwards from ``.backward()``, within its function."""
    found: set[int] = set()
    for scope in ast.walk(tree):
        if isinstance(scope, _Scope):
            found |= _slice(scope)
    return found


def _slice(scope: _Scope) -> set[int]:
    nodes = list(_own(scope))
    wanted: set[str] = set()
    lines: set[int] = set()
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "backward":
            # loss.backward(), scaler.scale(loss).backward(), accelerator.backward(loss)
            wanted |= set(_names(node.func.value)).union(*(_names(argument) for argument in node.args))
            lines |= _lines(node)
        elif isinstance(node, ast.Return) and node.value and getattr(scope, "name", "") in _RETURN_THE_LOSS:
            wanted |= set(_names(node.value))
            lines |= _lines(node)
    before = -1
    while wanted and len(wanted) + len(lines) != before:
        before = len(wanted) + len(lines)
        for node in nodes:
            targets = _targets(node)
            if any(name in wanted for target in targets for name in _names(target)):
                lines |= _lines(node)
                wanted |= set(_names(node.value)) if node.value is not None else set()  # type: ignore[attr-defined]
    return lines


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """All nodes of a scope, without those of functions and classes inside it."""
    for child in ast.iter_child_nodes(scope):
        yield child
        if not isinstance(child, _Scope | ast.ClassDef | ast.Lambda):
            yield from _own(child)


def _targets(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr) else []


def _names(node: ast.AST) -> Iterator[str]:
    """``x`` and ``self.x`` as they are written; of ``out.logits`` the variable ``out`` as well."""
    if isinstance(node, ast.Attribute):
        yield ast.unparse(node)
    elif isinstance(node, ast.Name) and node.id != "self":
        yield node.id
    for child in ast.iter_child_nodes(node):
        yield from _names(child)


def _lines(node: ast.AST) -> set[int]:
    first = getattr(node, "lineno", 0)
    return set(range(first, (getattr(node, "end_lineno", None) or first) + 1))
