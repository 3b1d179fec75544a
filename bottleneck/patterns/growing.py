"""What gets longer from pass to pass: tables, arrays, texts and lists, held by names or by attributes of an object."""

from __future__ import annotations

import ast

from .loops import in_loop
from .model import Condition, Hot
from .places import receivers
from .source import Source
from .syntax import Function, Loop, is_self, last_name, same

_PLACES = (ast.Name, ast.Attribute, ast.Subscript)  # in which a thing that grows can be held


def grows() -> Condition:
    """The result of the call in a loop goes to its own argument: ``all = cat([all, part])``, ``f = f.append(row)``.

    Silent where the target is set anew in each pass, or is cut to a window. ``reduce`` is such a loop, too.
    """

    def check(hot: Hot) -> bool:
        statement = hot.source.statement(hot.node)
        if isinstance(hot.node, ast.Call) and _is_reduced(hot, hot.node):
            return True
        if not isinstance(statement, ast.Assign) or not isinstance(hot.node, ast.Call):
            return False
        targets: list[ast.expr] = [each for each in statement.targets if isinstance(each, _PLACES)]
        region = _region(hot, targets)
        if region is None or not _is_whole(hot.source, hot.node, statement):
            return False
        parts = _parts(hot.node)
        targets += [each for target in list(targets) for each in _aliases(region, target)]
        new = [each for each in parts if not isinstance(each, ast.List | ast.Tuple | ast.Constant)]
        if all(_is_one(each, targets) for each in new if each is not getattr(hot.node.func, "value", None)):
            return False  # it doubles, and few passes do
        return any(_is_one(part, targets) for part in parts) and not _is_reset(region, targets, statement)

    return check


def _is_reduced(hot: Hot, node: ast.Call) -> bool:
    """``reduce(lambda whole, part: merge(whole, part), parts)``, of parts that the file does not list."""
    function = hot.source.function(node)
    calls = [] if function is None else receivers(hot.source, function)
    over = [call.args[1] for call in calls if last_name(call.func) == "reduce" and len(call.args) > 1]
    if function is None or not over or any(isinstance(each, ast.List | ast.Tuple) for each in over):
        return False
    whole = function.args.args[0].arg if function.args.args else ""
    return any(isinstance(part, ast.Name) and part.id == whole for part in _parts(node))


def _region(hot: Hot, targets: list[ast.expr]) -> Loop | Function | None:
    """The innermost loop around; for an attribute, the function that a loop calls."""
    loop = next((each for each in hot.source.loops(hot.node) if isinstance(each, Loop)), None)
    if loop is not None or not any(held_for_good(hot, each, True) for each in targets):
        return loop
    return hot.source.function(hot.node)


def held_for_good(hot: Hot, thing: ast.expr, set_here: bool = False) -> bool:
    """``self.name`` of one object whose method is called in a loop, and that is set in ``__init__`` alone.

    ``set_here``: or in the method. ``self.name["key"]`` counts as well, if no other method sets it.
    """
    if isinstance(thing, ast.Subscript) and isinstance(thing.slice, ast.Constant):
        return held_for_good(hot, thing.value, set_here) and not _set_elsewhere(hot, thing)
    if not is_self(thing) or not in_loop()(hot) or (hot.seen.given is not None and "self" not in hot.seen.given):
        return False
    source, function = hot.source, hot.source.function(hot.node)
    places = {source.function(each.where) for each in source.bindings_of_self(thing) if each.where is not hot.node}
    places |= {source.function(each) for each in ast.walk(source.tree)
               if isinstance(each, ast.Assign) and _unpacks_to(each, thing)}  # fmt: skip
    places -= {None, function} if set_here else {None}
    return all(getattr(each, "name", "") == "__init__" for each in places)


def _unpacks_to(statement: ast.Assign, thing: ast.expr) -> bool:
    """``*lines, self.rest = ...``"""
    several = (each for each in statement.targets if isinstance(each, ast.Tuple | ast.List))
    return any(same(part, thing) for each in several for part in each.elts)


def _set_elsewhere(hot: Hot, thing: ast.expr) -> bool:
    """Whether another function of the file than the node's, and than ``__init__``, assigns to it."""
    around = hot.source.function(hot.node)
    owners = (
        hot.source.function(each)
        for each in ast.walk(hot.source.tree)
        if isinstance(each, ast.Assign) and any(same(target, thing) for target in each.targets)
    )
    return any(each is not around and getattr(each, "name", "") != "__init__" for each in owners)


def appended_to(hot: Hot, whole: ast.expr) -> list[ast.Call]:
    """The calls of the file that append to ``self.name``, an attribute of the class around the node."""
    owner = next((each for each in hot.source.above(hot.node) if isinstance(each, ast.ClassDef)), None)
    return [
        call
        for name in ("append", "appendleft")
        for call in hot.source.calls.get(name, [])
        if call.args and isinstance(call.func, ast.Attribute)
        if owner is not None and owner in hot.source.above(call) and same(call.func.value, whole)
    ]


def only_grows(hot: Hot, whole: ast.expr) -> bool:
    """Whether ``self.name`` is a list that its class never empties or cuts."""
    if not is_self(whole) or not held_for_good(hot, whole) or hot.source.paths(whole) != {"builtins.list()"}:
        return False
    owner = next((each for each in hot.source.above(hot.node) if isinstance(each, ast.ClassDef)), hot.source.tree)
    taking = ("clear", "pop", "popleft", "remove")
    return not any(
        (isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr in taking
         and same(each.func.value, whole))
        or (isinstance(each, ast.Subscript) and isinstance(each.ctx, ast.Store | ast.Del) and same(each.value, whole))
        for each in ast.walk(owner)
    )  # fmt: skip


def is_emptied(region: ast.AST, whole: ast.expr) -> bool:
    """Whether the region clears the list, or deletes or replaces a stretch of it."""
    return any(
        (isinstance(each, ast.Attribute) and each.attr == "clear" and same(each.value, whole))
        or (isinstance(each, ast.Subscript) and isinstance(each.ctx, ast.Store | ast.Del)
            and isinstance(each.slice, ast.Slice) and same(each.value, whole))
        for each in ast.walk(region)
    )  # fmt: skip


def _is_whole(source: Source, call: ast.Call, statement: ast.Assign) -> bool:
    """Whether the value is the call, or the call with methods behind it (``.reset_index()``), perhaps under a condition
    (``part if whole.empty else concat([whole, part])``)."""
    node: ast.AST = call
    while node is not statement.value:
        parent = source.parents.get(node)
        behind = isinstance(parent, ast.Attribute) or (isinstance(parent, ast.Call) and parent.func is node)
        if parent is not None and (behind or (isinstance(parent, ast.IfExp) and parent.test is not node)):
            node = parent
        else:
            return False
    return True


def _parts(call: ast.Call) -> list[ast.expr]:
    """What a growing call puts together."""
    parts: list[ast.expr] = list(call.args[:2])
    for each in [*call.args[:1], *(given.value for given in call.keywords if given.arg in ("objs", "tensors"))]:
        if isinstance(each, ast.List | ast.Tuple):
            parts += each.elts
    if isinstance(call.func, ast.Attribute):
        parts.append(call.func.value)
    return parts


def _aliases(loop: ast.AST, target: ast.expr) -> list[ast.expr]:
    return [
        each
        for node in ast.walk(loop)
        if isinstance(node, ast.Assign) and same(node.value, target)
        for each in node.targets
        if isinstance(each, _PLACES)
    ]


def _is_reset(loop: Loop | Function, targets: list[ast.expr], growing: ast.stmt) -> bool:
    """Whether a pass sets one of the targets anew, or cuts it to a window."""
    if isinstance(loop, ast.For | ast.AsyncFor) and any(_is_one(each, targets) for each in ast.walk(loop.target)):
        return True
    for node in ast.walk(loop):
        if not isinstance(node, ast.Assign) or node is growing or _is_one(node.value, targets):
            continue
        if any(isinstance(each, ast.If) and _begins(each, node, targets) for each in ast.walk(loop)):
            continue
        if any(_is_one(each, targets) for each in node.targets):
            inside = [each for each in ast.walk(node.value) if _is_one(each, targets)]
            cut = any(_cuts(each, targets) for each in ast.walk(node.value))
            if cut or not inside:
                return True
    return False


def _cuts(node: ast.AST, targets: list[ast.expr]) -> bool:
    """``whole[-500:]``, ``whole.iloc[-500:]``, ``whole.tail(500)``."""
    if isinstance(node, ast.Subscript):
        value = node.value
        indexed = isinstance(value, ast.Attribute) and value.attr in ("iloc", "loc")
        return _is_one(value.value if indexed and isinstance(value, ast.Attribute) else value, targets)
    called = node.func if isinstance(node, ast.Call) else None
    shortens = isinstance(called, ast.Attribute) and called.attr in ("tail", "head", "nlargest", "nsmallest", "narrow")
    return shortens and isinstance(called, ast.Attribute) and _is_one(called.value, targets)


def _begins(branch: ast.If, first: ast.stmt, targets: list[ast.expr]) -> bool:
    """``if whole is None: whole = part``, ``if not whole``, ``if whole.empty``, ``if len(whole) == 0``."""
    test, body = branch.test, branch.body
    if isinstance(test, ast.Attribute) and test.attr == "empty":
        return first in body and _is_one(test.value, targets)
    if isinstance(test, ast.Compare) and isinstance(test.left, ast.Call) and last_name(test.left.func) == "len":
        return first in body and any(_is_one(each, targets) for each in test.left.args)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return first in body and _is_one(test.operand, targets)
    if not isinstance(test, ast.Compare) or getattr(test.comparators[0], "value", 0) is not None:
        return False
    body = body if isinstance(test.ops[0], ast.Is | ast.Eq) else branch.orelse
    return first in body and _is_one(test.left, targets)


def _is_one(node: ast.AST, targets: list[ast.expr]) -> bool:
    return any(same(node, target) for target in targets)
