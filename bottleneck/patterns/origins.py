"""The expressions that a value can stand for, and how many dimensions an array has by how it was made."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .source import Source
from .syntax import Function, is_field, is_self, last_name, parameters

_MAX_DEPTH = 6  # names and calls followed
_SHAPED = frozenset("zeros ones empty full random".split())  # by their first argument
_SIZED = frozenset("normal standard_normal uniform integers randint choice exponential poisson".split())
_FLAT = frozenset("arange linspace ravel flatten bincount fromiter".split())
_ALIKE = frozenset("copy astype zeros_like ones_like empty_like full_like abs exp log sqrt clip".split())


def origins(source: Source, node: ast.expr, depth: int = 0) -> Iterator[ast.expr]:
    """What a name, a ``self.name`` or a parameter was set to, or given by the calls of the file; else the node."""
    found = list(_behind(source, node)) if depth < _MAX_DEPTH else []
    for each in found:
        yield from origins(source, each, depth + 1)
    if not found:
        yield node


def _behind(source: Source, node: ast.expr) -> Iterator[ast.expr]:
    if is_self(node):
        yield from (each.value for each in source.bindings_of_self(node) if not each.suffix)
    if not isinstance(node, ast.Name):
        return
    bound = source.bindings(node)
    yield from (each.value for each in bound if not each.suffix and node not in ast.walk(each.value))
    function = source.function(node)
    if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and node.id in parameters(function):
        yield from given_to(source, function, node.id)


def given_to(source: Source, function: Function, name: str) -> Iterator[ast.expr]:
    """What the calls of the file give a parameter, or its default."""
    if isinstance(function, ast.Lambda):
        return
    names = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
    makes = source.class_of(function) if function.name == "__init__" else None
    for call in source.calls.get(function.name if makes is None else makes.name, ()):
        given = {each.arg: each.value for each in call.keywords}
        method = names[:1] == ["self"] and (isinstance(call.func, ast.Attribute) or makes is not None)
        given.update(zip(names[method:], call.args, strict=False))
        if name in given:
            yield given[name]


def dimensions(source: Source, node: ast.expr, depth: int = 0) -> int | None:
    """How many indices pick one number of a numpy array; None where the file does not tell."""
    counts = {_dimensions(source, each, depth) for each in origins(source, node)}
    return counts.pop() if len(counts) == 1 else None


def holds_more(source: Source, node: ast.expr) -> bool:
    """``x[i, j]`` of an array with more dimensions than two: a row or an image, not a number."""
    if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Tuple):
        return False
    return dimensions(source, node.value) not in (None, len(node.slice.elts))


def _dimensions(source: Source, node: ast.expr, depth: int) -> int | None:
    if depth > _MAX_DEPTH:
        return None
    if isinstance(node, ast.Attribute):
        if node.attr == "values":
            return _of_columns(node.value)
        return dimensions(source, node.value, depth + 1) if node.attr == "T" else None
    if isinstance(node, ast.Subscript):
        return _of_slices(node)
    if isinstance(node, ast.BinOp):
        both = [dimensions(source, each, depth + 1) for each in (node.left, node.right)]
        known = [each for each in both if each is not None]
        return max(known) if known and not isinstance(node.op, ast.MatMult) else None
    if isinstance(node, ast.Constant):
        return 0
    if not isinstance(node, ast.Call):
        return None
    name, size = (
        last_name(node.func),
        next((each.value for each in node.keywords if each.arg in ("size", "shape")), None),
    )
    if name in _FLAT:
        return 1
    if name == "to_numpy" and isinstance(node.func, ast.Attribute):
        return _of_columns(node.func.value)
    if name in _SIZED:
        return (
            None if size is None and name != "standard_normal" else _length(source, size or next(iter(node.args), None))
        )
    if name in _SHAPED:
        return _length(source, size or next(iter(node.args), None))
    if name in ("rand", "randn"):
        return len(node.args)
    if name in _ALIKE:
        method = isinstance(node.func, ast.Attribute) and last_name(node.func.value) not in source.imports
        value = node.func.value if method and isinstance(node.func, ast.Attribute) else next(iter(node.args), None)
        return None if value is None else dimensions(source, value, depth + 1)
    return None


def _of_columns(table: ast.expr) -> int | None:
    """``frame["x"]`` has one, ``frame[["x", "y"]]`` two."""
    if not isinstance(table, ast.Subscript):
        return None
    return 1 if is_field(table) else 2 if isinstance(table.slice, ast.List) else None


def _of_slices(node: ast.Subscript) -> int | None:
    """``x[:, 0]`` has one."""
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else []
    plain = all(isinstance(each, ast.Slice | ast.Constant | ast.Name) for each in parts)
    return sum(isinstance(each, ast.Slice) for each in parts) if parts and plain else None


def _length(source: Source, shape: ast.expr | None) -> int | None:
    """Of a shape as it is written: ``(n, 3)`` has two, ``n`` and ``len(x)`` have one."""
    if shape is None:
        return None
    if isinstance(shape, ast.Tuple | ast.List):
        return len(shape.elts)
    if isinstance(shape, ast.Attribute):
        return None  # x.shape
    counted = isinstance(shape, ast.Constant | ast.BinOp) or (
        isinstance(shape, ast.Call) and last_name(shape.func) == "len"
    )
    if isinstance(shape, ast.Name):
        counted = not any(isinstance(each, ast.Tuple | ast.Attribute) for each in origins(source, shape))
    return 1 if counted else None
