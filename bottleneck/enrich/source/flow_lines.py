"""User source lines that produce the model's input and the loss, found after a run has ended.

A line that the forward pass depends on feeds the model. A line that the loss depends on, from the forward onwards, is
the training itself. Anything else in the loop is Python on the side. Detectors read no files, so the lines become
facts.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Set
from pathlib import Path

from ...artifacts.training.loop_samples import forwards
from ...recording.facts import FlowLines
from ...recording.model import Recording
from ._code import MAX_FILES, parse, user_files

_RETURN_THE_LOSS = ("training_step", "compute_loss")  # in Lightning and transformers: the library calls backward
_Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Module


def enrich(run_dir: Path, recording: Recording) -> None:
    """Add one ``FlowLines`` for each sampled user file that feeds a model. Reads source files."""
    facts = recording.facts
    known = {fact.file for _, fact in facts.of(FlowLines)}
    forwards = _forward_lines(recording)
    for file in user_files(facts)[:MAX_FILES]:
        tree = None if file in known else parse(file)
        lines = set() if tree is None else find_flow_lines(tree, forwards.get(file, frozenset()))
        zeroing = set() if tree is None else find_zeroing_lines(tree)
        if lines or zeroing:
            facts.add(0, FlowLines(file, sorted(lines), tuple(sorted(zeroing))))


def _forward_lines(recording: Recording) -> dict[str, Set[int]]:
    """File -> user lines that call into a forward pass."""
    found: dict[str, set[int]] = {}
    for _, frames in forwards(recording):
        for _, file, line in frames:
            found.setdefault(file, set()).add(line)
    return dict(found)


def find_flow_lines(tree: ast.Module, forwards: Set[int] = frozenset()) -> set[int]:
    """Lines of all statements that a forward (on one of the lines ``forwards``) or a loss depends on, per function.

    The loss is the object or argument of ``.backward()``, or the value returned by the step of a Lightning module.
    """
    found: set[int] = set()
    for scope in ast.walk(tree):
        if isinstance(scope, _Scope):
            found |= _slice(scope, forwards)
    return found


def find_zeroing_lines(tree: ast.Module) -> set[int]:
    """Lines of all calls to ``zero_grad``: training without a phase of its own. Memory is freed there."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute))
    return {line for call in calls if call.func.attr == "zero_grad" for line in _lines(call)}  # type: ignore[attr-defined]


def _slice(scope: _Scope, forwards: Set[int]) -> set[int]:
    """Lines of this scope that its forwards and losses depend on, including their own lines."""
    nodes = list(_own(scope))
    wanted: set[str] = set()
    lines: set[int] = set()
    for node in nodes:
        made_of = _made_of(node, scope, forwards)
        if made_of:
            wanted.update(*map(_names, made_of))
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


def _made_of(node: ast.AST, scope: _Scope, forwards: Set[int]) -> list[ast.expr]:
    """The expressions that a loss or forward in this node depends on; none if it is neither."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "backward":
        # loss.backward(), scaler.scale(loss).backward(), accelerator.backward(loss)
        return [node.func.value, *node.args]
    if not isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Expr | ast.Return) or node.value is None:
        return []
    returns_loss = isinstance(node, ast.Return) and getattr(scope, "name", "") in _RETURN_THE_LOSS
    return [node.value] if returns_loss or forwards & _lines(node) else []


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """All nodes of a scope, without those of nested functions and classes."""
    for child in ast.iter_child_nodes(scope):
        yield child
        if not isinstance(child, _Scope | ast.ClassDef | ast.Lambda):
            yield from _own(child)


def _targets(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr) else []


def _names(node: ast.AST) -> Iterator[str]:
    """``x`` and ``self.x`` as written; for ``out.logits``, also the variable ``out``."""
    if isinstance(node, ast.Attribute):
        yield ast.unparse(node)
    elif isinstance(node, ast.Name) and node.id != "self":
        yield node.id
    for child in ast.iter_child_nodes(node):
        yield from _names(child)


def _lines(node: ast.AST) -> set[int]:
    first = getattr(node, "lineno", 0)
    return set(range(first, (getattr(node, "end_lineno", None) or first) + 1))
