"""Tables of which the program uses a part of the rows alone, and the condition that the rows meet."""

from __future__ import annotations

import ast

from .source import Source
from .syntax import line_of, mentions, stored

_OPERATORS = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def masks_of(source: Source, read: ast.AST) -> list[ast.expr]:
    """What stands in the brackets of ``orders[orders["shop"] == shop]`` (or is given to ``query`` or ``filter``) after
    ``orders = read(...)``; empty unless the table is used through such masks alone."""
    statement, function = source.statement(read), source.function(read) or source.tree
    made = statement.targets[0] if isinstance(statement, ast.Assign) and statement.value is read else None
    if not isinstance(made, ast.Name):
        return []
    uses = [
        each for each in ast.walk(function) if isinstance(each, ast.Name) and each.id == made.id and each is not made
    ]
    later = [use for use in uses if use.lineno > line_of(statement) and isinstance(use.ctx, ast.Load)]
    masks: list[ast.expr] = []
    for user in dict.fromkeys(source.statement(use) for use in sorted(later, key=lambda use: use.lineno)):
        if _prepares_a_column(user, made.id):
            continue
        found = [mask for each in ast.walk(user) if (mask := _mask(each, made.id)) is not None]
        if not found:
            return []
        masks += found
        if made.id in stored(user):
            break  # from here on the name is of the part
    return masks


def conditions(source: Source, read: ast.AST, columns: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """(column, operator, the value as the program writes it) of each comparison of a mask, in the table's own columns.

    Empty if the mask is something else, as a reader can only compare columns of the file with values.
    """
    masks, statement = masks_of(source, read), source.statement(read)
    parts = [masks[0]] if len({ast.dump(each) for each in masks}) == 1 else []
    if not parts or len(source.loops(parts[0])) > len(source.loops(read)):
        return []  # a filter for each of several parts
    name = next(iter(stored(statement)), "")
    region = source.function(read) or source.tree
    prepared = {
        str(getattr(each.targets[0].slice, "value", ""))
        for each in ast.walk(region)
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Subscript)
    }
    found: list[tuple[str, str, str]] = []
    while parts:
        part = parts.pop(0)
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.BitAnd):
            parts[:0] = [part.left, part.right]
            continue
        one = _comparison(part, name)
        if one is None or one[0] not in columns or one[0] in prepared:
            return []
        found.append(one)
    return found


def _comparison(node: ast.expr | None, name: str) -> tuple[str, str, str] | None:
    """``orders["day"] == day`` as ("day", "==", "day"), and ``orders["day"].isin(days)`` with "in"."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "isin" and node.args:
        column = _column(node.func.value, name)
        return None if column is None else (column, "in", ast.unparse(node.args[0]))
    if not isinstance(node, ast.Compare) or len(node.ops) != 1 or type(node.ops[0]) not in _OPERATORS:
        return None
    operator, left, right = _OPERATORS[type(node.ops[0])], node.left, node.comparators[0]
    if _column(left, name) is None:
        left, right, operator = right, left, _TURNED.get(operator, operator)
    column = _column(left, name)
    return None if column is None or mentions(right, {name}) else (column, operator, ast.unparse(right))


def _column(node: ast.expr, name: str) -> str | None:
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        column, owner = str(node.slice.value), node.value
    elif isinstance(node, ast.Attribute):
        column, owner = node.attr, node.value
    else:
        return None
    return column if isinstance(owner, ast.Name) and owner.id == name else None


def _prepares_a_column(statement: ast.AST, name: str) -> bool:
    """``orders["day"] = pd.to_datetime(orders["day"])``"""
    target = statement.targets[0] if isinstance(statement, ast.Assign) else None
    return isinstance(target, ast.Subscript) and mentions(target.value, {name})


def _mask(node: ast.AST, name: str) -> ast.expr | None:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("query", "filter"):
        of_table = isinstance(node.func.value, ast.Name) and node.func.value.id == name
        return node.args[0] if of_table and node.args else None
    if not isinstance(node, ast.Subscript):
        return None
    base = node.value.value if isinstance(node.value, ast.Attribute) and node.value.attr == "loc" else node.value
    masks = ast.Compare | ast.BinOp | ast.Call | ast.UnaryOp
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    masked = isinstance(base, ast.Name) and base.id == name and isinstance(parts[0], masks)
    return parts[0] if masked and mentions(parts[0], {name}) else None
