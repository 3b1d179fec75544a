"""Functions that a Dask groupby applies to each group although they only reduce its columns, found after a run.

Detectors read no files, so each becomes a fact, ``DaskReduction``.
"""

from __future__ import annotations

import ast
from pathlib import Path

from ...recording.facts import Site
from ...recording.facts.dask import DaskPlan, DaskReduction
from ...recording.model import Recording
from ._code import MAX_FILES, parse

REDUCTIONS = frozenset(("sum", "mean", "max", "min", "count", "std", "var", "size", "nunique", "prod", "any", "all"))
_MAKES = frozenset(("Series", "DataFrame", "len", "float", "int", "round", "abs", "dict"))


def enrich(run_dir: Path, recording: Recording) -> None:
    """Add a ``DaskReduction`` for each function that reduces. Reads source files."""
    facts = recording.facts
    if facts.of(DaskReduction):
        return
    functions: dict[Site, int] = {}
    for owner, plan in facts.of(DaskPlan):
        for node in plan.nodes:
            site = facts.site(owner, node.function)
            if site is not None:
                functions.setdefault(site, owner)
    for site, owner in list(functions.items())[:MAX_FILES]:
        tree = parse(site.file)
        found = [] if tree is None else [each for each in ast.walk(tree) if _begins(each) == site.line]
        if len(found) == 1 and reduces(found[0]):
            facts.add(owner, DaskReduction(site.file, site.line, site.function))


def _begins(node: ast.AST) -> int:
    if isinstance(node, ast.Lambda):
        return node.lineno
    if isinstance(node, ast.FunctionDef):
        return min([node.lineno, *(each.lineno for each in node.decorator_list)])
    return 0


def reduces(function: ast.AST) -> bool:
    """Whether a function of a group returns only reductions of its columns, none of which needs another one first."""
    statements = [function.body] if isinstance(function, ast.Lambda) else getattr(function, "body", [])
    for each in statements:
        plain = isinstance(each, ast.expr | ast.Return) or (isinstance(each, ast.Assign) and _is_name(each.targets))
        words = isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)
        if not plain and not words:
            return False
    whole = [node for each in statements for node in ast.walk(each)]
    if any(isinstance(node, ast.comprehension | ast.Lambda | ast.IfExp | ast.NamedExpr) for node in whole):
        return False
    names = {
        each.targets[0].id
        for each in statements
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name) and _reductions(each.value)
    }
    calls = [node for node in whole if isinstance(node, ast.Call)]
    if not all(_is_reduction(call) or _name(call.func) in _MAKES for call in calls):
        return False
    inner = [call.func.value for call in calls if _is_reduction(call) and isinstance(call.func, ast.Attribute)]
    if any(_reductions(each) or names & _names(each) for each in inner):
        return False
    last = statements[-1] if statements else None
    value = last.value if isinstance(last, ast.Return) else last
    return isinstance(value, ast.expr) and bool(_reductions(value) or names & _names(value))


def _is_name(targets: list[ast.expr]) -> bool:
    return len(targets) == 1 and isinstance(targets[0], ast.Name)


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _names(node: ast.expr) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _is_reduction(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr in REDUCTIONS and not call.args


def _reductions(node: ast.expr) -> bool:
    return any(isinstance(each, ast.Call) and _is_reduction(each) for each in ast.walk(node))
