"""Where a file pads sequences to a fixed length."""

from __future__ import annotations

import ast
import re

from .shapes import argument
from .source import Source
from .syntax import last_name

_LAYERS = ("Linear", "Conv1d", "Conv2d", "BatchNorm1d", "Dense")
_LENGTH = re.compile("len|seq|tokens|positions", re.IGNORECASE)
_FILLED = ("zeros", "full", "ones", "pad", "pad_sequences")


def _is_fixed(source: Source, value: ast.expr | None) -> bool:
    """A constant, by its value or by how it is named: 128, ``MAX_LEN``, ``self.max_length``."""
    literal = source.literal(value)
    if isinstance(literal, ast.Constant):
        return isinstance(literal.value, int) and literal.value > 1
    name = last_name(value) if isinstance(value, ast.Name | ast.Attribute) else ""
    computed = isinstance(literal, ast.Call | ast.BinOp) and literal is not value
    return not computed and (name.isupper() or name.startswith("max"))


def _pads(source: Source, node: ast.AST) -> bool:
    """``padding="max_length"``, ``ids + [0] * (MAX - len(ids))``, ``np.zeros((len(texts), MAX))``."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        listed = [each for each in (node.left, node.right) if isinstance(each, ast.List) and len(each.elts) == 1]
        other = node.right if listed and node.left is listed[0] else node.left
        return bool(listed) and isinstance(other, ast.BinOp) and _is_missing(source, other)
    if not isinstance(node, ast.Call):
        return False
    if getattr(argument(node, "padding", source), "value", None) == "max_length":
        return True
    name = last_name(node.func)
    if name not in _FILLED:
        return False
    if name == "pad_sequences":
        return _is_fixed(source, argument(node, "maxlen"))
    parts = [
        each for value in node.args for each in (value.elts if isinstance(value, ast.Tuple | ast.List) else [value])
    ]
    if name == "pad":
        return any(isinstance(each, ast.BinOp) and _is_missing(source, each) for each in parts)
    if len(parts) < 2:
        return False
    rows = parts[0]
    counted = isinstance(rows, ast.Call) and last_name(rows.func) == "len"
    return (counted or getattr(rows, "value", None) == 1) and _is_fixed(source, parts[1])


def _is_missing(source: Source, value: ast.BinOp) -> bool:
    """``MAX - len(ids)``"""
    return (
        isinstance(value.op, ast.Sub)
        and _is_fixed(source, value.left)
        and isinstance(value.right, ast.Call)
        and last_name(value.right.func) == "len"
    )


def padding_lines(source: Source) -> set[int]:
    """The lines that pad to a fixed length: by an argument of a tokenizer, by hand, or into an array of that width."""
    found = (each for each in ast.walk(source.tree) if isinstance(each, ast.expr) and _pads(source, each))
    return {(argument(each, "padding") or each).lineno for each in found}


def bound_to_length(source: Source) -> int | None:
    """The line of a layer that only takes sequences of one length: ``Linear(MAX_LEN * width, 2)``, ``Flatten()``."""
    for call in source.calls.get("Flatten", ()):
        return call.lineno
    for name in _LAYERS:
        for call in source.calls.get(name, ()):
            inside = [each for value in (*call.args, *(k.value for k in call.keywords)) for each in ast.walk(value)]
            if any(isinstance(each, ast.Name | ast.Attribute) and _LENGTH.search(last_name(each)) for each in inside):
                return call.lineno
    return None
