"""What gives a name its value, and small questions about nodes of a syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Set
from typing import TypeGuard

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Loop = ast.For | ast.AsyncFor | ast.While
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class Binding:
    """One statement that gives a name its value: ``suffix`` says what is done to ``value`` ("[]": an item of it)."""

    __slots__ = ("suffix", "value", "where")

    def __init__(self, where: ast.AST, value: ast.expr, suffix: str = "") -> None:
        self.where, self.value, self.suffix = where, value, suffix


def is_field(node: ast.AST) -> TypeGuard[ast.Subscript]:
    """``row["x"]``: an item by a name that is written there."""
    if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Constant):
        return False
    return isinstance(node.slice.value, str)


def line_of(node: ast.AST) -> int:
    return getattr(node, "lineno", 0) or getattr(getattr(node, "target", None), "lineno", 0)


def bindings_of(node: ast.AST) -> Iterator[tuple[str, Binding]]:
    """(name, binding) for what a statement or a comprehension binds."""
    pairs: list[tuple[ast.expr, ast.expr, str]] = []
    if isinstance(node, ast.Assign):
        pairs = [(target, node.value, "") for target in node.targets]
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
        pairs = [(node.target, node.value, "")]
    elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        pairs = [(node.target, node.iter, "[]")]
    elif isinstance(node, ast.With | ast.AsyncWith):
        pairs = [(item.optional_vars, item.context_expr, "") for item in node.items if item.optional_vars]
    for target, value, suffix in pairs:
        yield from _names(node, target, value, suffix)


def _names(node: ast.AST, target: ast.expr, value: ast.expr, suffix: str) -> Iterator[tuple[str, Binding]]:
    if isinstance(target, ast.Name):
        yield target.id, Binding(node, value, suffix)
    elif isinstance(target, ast.Tuple | ast.List):
        parts: list[tuple[ast.expr, ast.expr, str]] = []
        called = last_name(value.func) if isinstance(value, ast.Call) else ""
        if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts) and not suffix:
            parts = list(zip(target.elts, value.elts, [""] * len(target.elts), strict=True))
        elif isinstance(value, ast.Call) and suffix and called == "enumerate" and value.args and len(target.elts) == 2:
            parts = [(target.elts[1], value.args[0], "[]")]
        elif isinstance(value, ast.Call) and suffix and called == "zip" and len(value.args) == len(target.elts):
            parts = [(each, given, "[]") for each, given in zip(target.elts, value.args, strict=True)]
        else:
            parts = [(each, value, suffix + "[]") for each in target.elts]
        for part, given, more in parts:
            yield from _names(node, part, given, more)


def unpacked(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    """(target, value) of ``a, b = x, y`` one by one; of anything else as it is."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        return list(zip(target.elts, value.elts, strict=True))
    return [(target, value)]


def last_name(node: ast.AST) -> str:
    """``c`` of ``a.b.c`` and of ``c``; "" for anything else."""
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def dotted(node: ast.AST) -> str:
    """``a.b.c`` as it is written; "" for what is no chain of names."""
    if isinstance(node, ast.Attribute):
        value = dotted(node.value)
        return f"{value}.{node.attr}" if value else ""
    return node.id if isinstance(node, ast.Name) else ""


def arguments(call: ast.Call) -> list[ast.expr]:
    """What a call is given, by position and by name."""
    return [*call.args, *(each.value for each in call.keywords)]


def parameters(function: Function) -> set[str]:
    """The names of a function's parameters."""
    given = function.args
    more = [each for each in (given.vararg, given.kwarg) if each is not None]
    return {each.arg for each in given.posonlyargs + given.args + given.kwonlyargs + more}


def defaults(function: Function) -> dict[str, ast.expr]:
    """What the parameters are where a call leaves them out."""
    given = function.args
    names = [each.arg for each in given.posonlyargs + given.args][-len(given.defaults) :] if given.defaults else []
    named = zip((each.arg for each in given.kwonlyargs), given.kw_defaults, strict=True)
    return {
        **dict(zip(names, given.defaults, strict=True)),
        **{name: value for name, value in named if value is not None},
    }


def is_self(node: ast.AST) -> TypeGuard[ast.Attribute]:
    """Whether it is ``self.name``."""
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def same(one: ast.AST, other: ast.AST) -> bool:
    """Whether two expressions are written alike, whatever is done with them."""
    return ast.dump(one).replace("Store()", "Load()") == ast.dump(other).replace("Store()", "Load()")


def mentions(node: ast.AST, names: Set[str]) -> bool:
    """Whether one of the names stands anywhere in a node."""
    return any(isinstance(each, ast.Name) and each.id in names for each in ast.walk(node))


def stored(node: ast.AST) -> set[str]:
    """The names that are set anywhere in a node."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
