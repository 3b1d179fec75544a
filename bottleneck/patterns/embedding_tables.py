"""Embeddings of many rows, of which a batch uses few, as the file makes them."""

from __future__ import annotations

import ast

from .model import Hot, Sighting
from .origins import origins
from .places import calls_of, uses
from .shapes import argument
from .source import Source
from .syntax import last_name

_LARGE_TABLE = 100_000  # rows of an embedding of which a batch touches few
_NAMES = ("torch.nn.Embedding", "torch.nn.EmbeddingBag")


def large_dense_table(hot: Hot) -> bool:
    """The file makes an embedding of many rows whose gradient is dense."""
    return bool(_tables(hot.source))


def line_of_table(seen: Sighting) -> int | None:
    """Where such an embedding is made, if that is one line."""
    lines = {call.lineno for call in _tables(seen.source)}
    return lines.pop() if len(lines) == 1 else None


def _tables(source: Source) -> list[ast.Call]:
    tables = calls_of(source, *_NAMES)
    return [call for call in tables if not _may_be_sparse(source, call) and _rows(source, call) >= _LARGE_TABLE]


def makes_it_sparse(hot: Hot) -> bool:
    """An embedding of the file may have a sparse gradient, or a library makes the model."""
    return uses("transformers")(hot) or any(
        each.arg == "sparse" for calls in hot.source.calls.values() for call in calls for each in call.keywords
    )


def dense_anyway(hot: Hot) -> bool:
    """The table's gradient is dense whatever the look-up gives, or there is none.

    ``hidden @ items.weight.T``, ``head.weight = table.weight``, a ``nn.Linear(size, words)`` of as many rows; frozen.
    """
    source = hot.source
    calls = [each for name in _NAMES for each in source.calls.get(name.rpartition(".")[2], [])]
    held = {last_name(target) for each in calls for target in _targets(source, each)}
    weights = [
        each
        for each in ast.walk(source.tree)
        if isinstance(each, ast.Attribute) and each.attr == "weight" and last_name(each.value) in held
    ]
    rows = [ast.dump(call.args[0]) for call in calls if call.args]
    heads = (call for call in source.calls.get("Linear", []) if len(call.args) > 1)
    return (
        any(_takes_all_rows(source, each) for each in weights)
        or any(ast.dump(call.args[1]) in rows for call in heads)
        or _are_frozen(source, [*calls, *weights], held)
    )


def _targets(source: Source, call: ast.Call) -> list[ast.expr]:
    statement = source.statement(call)
    return statement.targets if isinstance(statement, ast.Assign) else []


def _takes_all_rows(source: Source, weight: ast.Attribute) -> bool:
    """The weight is multiplied with, or shared with a layer."""
    user = source.parents.get(weight)
    while _turns(user):
        user = source.parents.get(user) if user is not None else None
    if isinstance(user, ast.Call):
        return last_name(user.func) in ("linear", "matmul", "mm", "addmm", "einsum", "cross_entropy")
    if isinstance(user, ast.Assign):
        return isinstance(user.value, ast.Attribute) and user.value.attr == "weight"
    return isinstance(user, ast.BinOp) and isinstance(user.op, ast.MatMult)


def _turns(node: ast.AST | None) -> bool:
    """``weight.T``, ``weight.t()``"""
    turned = node.func if isinstance(node, ast.Call) else node
    return isinstance(turned, ast.Attribute) and turned.attr in ("T", "mT", "t", "transpose")


def _are_frozen(source: Source, tables: list[ast.expr], held: set[str]) -> bool:
    """``table.weight.requires_grad = False``, ``nn.Embedding(...).requires_grad_(False)``."""
    for each in ast.walk(source.tree):
        if isinstance(each, ast.Attribute) and each.attr in ("requires_grad", "requires_grad_"):
            user = source.parents.get(each)
            given = user.value if isinstance(user, ast.Assign) else next(iter(getattr(user, "args", [])), None)
            no = isinstance(given, ast.Constant) and given.value is False
            if no and (each.value in tables or last_name(each.value) in held):
                return True
    return False


def _may_be_sparse(source: Source, call: ast.Call) -> bool:
    """``sparse=`` is given, or ``**options`` may give it."""
    options = [source.literal(each.value) for each in call.keywords if each.arg is None]
    plain = all(
        isinstance(each, ast.Dict) or (isinstance(each, ast.Call) and last_name(each.func) == "dict")
        for each in options
    )
    return not plain or argument(call, "sparse", source) is not None


def _rows(source: Source, call: ast.Call) -> int:
    """As many as are written, also by a name or by what the file gives a parameter; 0 where that cannot be told."""
    given = call.args[0] if call.args else argument(call, "num_embeddings", source)
    values = [] if given is None else [getattr(each, "value", None) for each in origins(source, given)]
    return min((each for each in values if isinstance(each, int)), default=0)
