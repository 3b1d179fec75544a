"""Batches and tables of one item: what costs the same for many."""

from __future__ import annotations

import ast

from .model import Hot, Sighting
from .places import named
from .source import Source
from .syntax import last_name, mentions

#: What joins a frame with others.
_OF_SEVERAL = frozenset("merge join concat append merge_asof combine_first map isin apply".split())


def batch_of_one(source: Source, value: ast.expr) -> bool:
    """``x.unsqueeze(0)`` or ``x[None]``."""
    value = source.literal(value) or value
    if isinstance(value, ast.Subscript):
        keys = value.slice.elts if isinstance(value.slice, ast.Tuple) else [value.slice]
        return isinstance(keys[0], ast.Constant) and keys[0].value is None
    added = value.args if isinstance(value, ast.Call) and last_name(value.func) == "unsqueeze" else []
    return bool(added) and isinstance(added[-1], ast.Constant) and added[-1].value == 0


def one_row(source: Source, value: ast.expr) -> bool:
    """``[row]``: a list with one item."""
    if isinstance(value, ast.Name):
        bound = source.bindings(value)
        value = bound[0].value if len(bound) == 1 else value
    return isinstance(value, ast.List) and len(value.elts) == 1 and not isinstance(value.elts[0], ast.Starred)


def _frames_of_one_row(hot: Hot) -> list[ast.Call]:
    """The calls in the function around the node that make a frame of one row."""
    function = hot.source.function(hot.node)
    made = [call for call in named(hot.source, ("pandas.DataFrame",)) if hot.source.function(call) is function]
    ours = (call for call in made if "pandas.DataFrame" in hot.source.paths(call.func))
    return [call for call in ours if call.args and one_row(hot.source, call.args[0])]


def of_the_one_row(hot: Hot) -> bool:
    """The call works on a frame of one row that the function has made, and on nothing larger."""
    node, source, made = hot.node, hot.source, _frames_of_one_row(hot)
    if not made or not isinstance(node, ast.Call) or last_name(node.func) in _OF_SEVERAL:
        return False
    names: set[str] = set()
    for _ in range(3):
        for each in ast.walk(source.function(node) or source.tree):
            if isinstance(each, ast.Assign) and (
                any(inner in made for inner in ast.walk(each.value))
                or (mentions(each.value, names) and not _joins(each.value))
            ):
                names |= {target.id for target in each.targets if isinstance(target, ast.Name)}
    root = _root(node.func)
    return root in names or (root in source.imports and any(_root(each) in names for each in node.args[:1]))


def _root(value: ast.expr) -> str:
    """``row`` of ``row["a"].astype(int)``."""
    while isinstance(value, ast.Attribute | ast.Subscript | ast.Call):
        value = value.func if isinstance(value, ast.Call) else value.value
    return value.id if isinstance(value, ast.Name) else ""


def _joins(value: ast.AST) -> bool:
    """A larger table comes in."""
    return any(isinstance(each, ast.Call) and last_name(each.func) in _OF_SEVERAL for each in ast.walk(value))


def where_the_row_is_made(seen: Sighting) -> int | None:
    made = {call.lineno for node in seen.nodes[:1] for call in _frames_of_one_row(Hot(seen, node))}
    return made.pop() if len(made) == 1 else None
