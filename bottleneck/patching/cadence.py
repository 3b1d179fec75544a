"""The ``step % N == 0`` that a line waits for, with a larger N."""

from __future__ import annotations

import ast

from ..diagnosis.findings import Cadence
from .source import Change, NoPatch, Source

_MAX_CALLS = 3  # functions, one called by the next, between the condition and the line
_TRAINS = frozenset(("backward", "step", "zero_grad"))
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def changes(source: Source, edit: Cadence) -> list[Change]:
    """What to change in the file. Raises NoPatch where that is not certain."""
    every = _every(source, edit.line)
    where = f"{source.name}:{every.lineno}"
    value = source.constant(every.id) if isinstance(every, ast.Name) else every
    if not isinstance(value, ast.Constant) or type(value.value) is not int or value.value < 1:
        raise NoPatch(f"{where} takes its number from {source.code(every)}: make that {edit.factor} times as much")
    new = value.value * edit.factor
    if new > edit.most:
        raise NoPatch(f"{where}: every {new} may be never, where the count begins again in each epoch")
    return [Change(*source.span(value), str(new).encode())]


def _every(source: Source, line: int) -> ast.expr:
    """The N of the innermost condition that a line waits for, in its function or around the only call of that."""
    at = line
    for _ in range(_MAX_CALLS):
        around = _around(source.tree, at)
        inner = max((i for i, node in enumerate(around) if isinstance(node, _Function)), default=-1)
        for node in reversed(around[inner + 1 :]):
            every = _modulo(node.test) if isinstance(node, ast.If) and _holds(node.body, at) else None
            if every is not None and isinstance(node, ast.If):
                _refuse_training(source, node.body)
                return every
        function = around[inner] if inner >= 0 else None
        if not isinstance(function, _Function):
            break
        _refuse_training(source, function.body)
        used = _uses(source, function.name, method=isinstance(around[inner - 1], ast.ClassDef) and inner > 0)
        if len(used) != 1:
            break
        at = used[0].lineno
    raise NoPatch(f"{source.name}:{line} waits for no `step % N == 0` that can be found")


def _uses(source: Source, name: str, method: bool) -> list[ast.expr]:
    """Where a function of the file is called or handed on; a library's of the same name is another one."""
    nodes = list(ast.walk(source.tree))
    if not method:
        return [node for node in nodes if isinstance(node, ast.Name) and node.id == name]
    libraries = {node.func for node in nodes if isinstance(node, ast.Call) and source.called(node)}
    return [node for node in nodes if isinstance(node, ast.Attribute) and node.attr == name and node not in libraries]


def _around(tree: ast.Module, line: int) -> list[ast.stmt]:
    """The statements that hold a line, outermost first."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and _holds([node], line)]
    return sorted(found, key=lambda node: (node.lineno, -(node.end_lineno or 0)))


def _holds(body: list[ast.stmt], line: int) -> bool:
    return body[0].lineno <= line <= (body[-1].end_lineno or 0)


def _modulo(test: ast.expr) -> ast.expr | None:
    """N, where the test is ``... % N == 0`` or has that beside others; None where it has none or several."""
    parts = [test]
    found = []
    while parts:
        part = parts.pop()
        if isinstance(part, ast.BoolOp):
            parts += part.values
        elif isinstance(part, ast.Compare) and len(part.ops) == 1 and isinstance(part.ops[0], ast.Eq):
            rest, zero = part.left, part.comparators[0]
            if isinstance(rest, ast.BinOp) and isinstance(rest.op, ast.Mod) and _is_zero(zero):
                found.append(rest.right)
        elif isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.Not):
            if isinstance(part.operand, ast.BinOp) and isinstance(part.operand.op, ast.Mod):
                found.append(part.operand.right)
    return found[0] if len(found) == 1 else None


def _is_zero(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int and node.value == 0


def _refuse_training(source: Source, body: list[ast.stmt], seen: frozenset[str] = frozenset()) -> None:
    """Where the same condition decides when to train, its number is no cadence of something on the side.

    Looks into the file's own functions too; of others the name has to do: ``train_epoch(...)``, not ``model.train()``.
    """
    own = {node.name: node for node in ast.walk(source.tree) if isinstance(node, _Function)}
    for node in (node for statement in body for node in ast.walk(statement)):
        if not isinstance(node, ast.Call):
            continue
        method = isinstance(node.func, ast.Attribute)
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if (method and name in _TRAINS) or ("train" in name and not (method and name == "train")):
            raise NoPatch(f"{source.name}:{node.lineno} trains under the same condition")
        if name in own and name not in seen:
            seen |= {name}
            _refuse_training(source, own[name].body, seen)
