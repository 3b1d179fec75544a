"""Records of several kinds in one stream, each kind with fields of its own: no table."""

from __future__ import annotations

import ast

from .model import Hot
from .syntax import Loop, stored


def of_several_kinds(hot: Hot) -> bool:
    """``record = json.loads(line)``, and branches that read different fields by the value of one of them."""
    source, node = hot.source, hot.node
    names = stored(source.statement(node))
    loop = next((each for each in source.loops(node) if isinstance(each, Loop)), None)
    if loop is None or not names:
        return False
    return any(_branches_apart(each, names) for each in ast.walk(loop) if isinstance(each, ast.If | ast.Match))


def _branches_apart(node: ast.If | ast.Match, names: set[str]) -> bool:
    """Two branches or more, of which each reads a field that no other one reads."""
    if isinstance(node, ast.Match):
        asked, branches = {_key(each, names) for each in ast.walk(node.subject)}, [case.body for case in node.cases]
    else:
        asked, branches = {_key(each, names) for each in ast.walk(node.test)}, [node.body]
        while len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
            node = node.orelse[0]
            branches.append(node.body)
    read = [{_key(each, names) for part in body for each in ast.walk(part)} - {None} for body in branches]
    own = [fields.difference(*(other for other in read if other is not fields)) for fields in read]
    return bool(asked - {None}) and sum(map(bool, own)) >= 2


def _key(node: ast.AST, names: set[str]) -> str | None:
    """The field of a record that a node reads: ``record["kind"]`` or ``record.get("kind")``."""
    value, key = (node.value, node.slice) if isinstance(node, ast.Subscript) else (None, None)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
        value, key = node.func.value, node.args[0]
    if isinstance(value, ast.Name) and value.id in names and isinstance(key, ast.Constant):
        return str(key.value)
    return None
