"""Loops that go through all items to find those with one key."""

from __future__ import annotations

import ast
from collections.abc import Set

from .fixed import unchanged
from .loops import in_loop, names_of_pass
from .model import Condition, Hot
from .syntax import Comprehension, Loop, last_name, mentions, parameters, same, stored


def _keyed(value: ast.expr) -> bool:
    """``row["id"]``, ``row.id`` or ``row[0]``: a field of an item."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        if value.func.attr in ("get", "findtext", "getAttribute", "get_attribute"):
            return bool(value.args) and isinstance(value.args[0], ast.Constant)
        value = value if value.args else value.func.value  # .lower(), .strip()
    field = isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Constant)
    return field or isinstance(value, ast.Attribute)


def _equal_by_key(test: ast.expr, inner: Set[str], outer: Set[str]) -> bool:
    """The test compares a field of the inner loop's item with something of the outer loop's."""
    tests = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]
    for each in tests:
        if isinstance(each, ast.Compare) and len(each.ops) == 1 and isinstance(each.ops[0], ast.Eq):
            for one, other in ((each.left, each.comparators[0]), (each.comparators[0], each.left)):
                here = _keyed(one) and mentions(one, inner) and not mentions(one, outer)
                if here and mentions(other, outer) and not mentions(other, inner):
                    return True
    return False


def _searched(hot: Hot) -> tuple[ast.expr, ast.expr, set[str]] | None:
    """(what is gone through, the test, the item's names) of a loop that only looks for items by a test."""
    loop = next(iter(hot.source.loops(hot.node)), None)
    if isinstance(loop, ast.For):
        body = [each for each in loop.body if not isinstance(each, ast.Pass)]
        if len(body) == 1 and isinstance(body[0], ast.If) and not body[0].orelse and not _computes(body[0].body):
            return loop.iter, body[0].test, stored(loop.target)
    if isinstance(loop, Comprehension) and len(loop.generators) == 1:
        generator = loop.generators[0]
        alone = [] if isinstance(loop, ast.DictComp) else [loop.elt]  # any(each.id == key for each in rows)
        tests = generator.ifs or alone
        if len(tests) == 1 and isinstance(tests[0], ast.Compare | ast.BoolOp):
            return generator.iter, tests[0], stored(generator.target)
    return None


def _computes(body: list[ast.stmt]) -> bool:
    """What is done with a match is work of its own, which a dict would not save."""
    inside = [each for part in body for each in ast.walk(part)]
    return any(isinstance(each, ast.BinOp | Loop) for each in inside)


def _tests_what_changes(test: ast.expr, inner: set[str], around: list[Loop | Comprehension]) -> bool:
    """The loops set a field of the items that the test asks for: who is free changes from pass to pass."""
    fields = [
        each for each in ast.walk(test) if isinstance(each, ast.Attribute | ast.Subscript) and mentions(each, inner)
    ]
    written = [
        each
        for each in (ast.walk(around[-1]) if around else ())
        if isinstance(each, ast.Attribute | ast.Subscript) and isinstance(each.ctx, ast.Store)
    ]
    return any(same(each, other) for each in fields for other in written) or (
        any(isinstance(each, ast.Attribute) for each in fields) and _acts(inner, around)
    )


def _acts(inner: set[str], around: list[Loop | Comprehension]) -> bool:
    """The loops tell the items to do something, ``agent.move()``: their fields can be others in the next pass."""
    items = set(inner)
    gone_through = [ast.dump(each.iter) for each in around[:1] if isinstance(each, ast.For)]
    gone_through += [ast.dump(part.iter) for each in around[:1] for part in getattr(each, "generators", [])]
    for loop in ast.walk(around[-1]) if around else ():
        if isinstance(loop, ast.For) and ast.dump(loop.iter) in gone_through:
            items |= stored(loop.target)
    return any(
        isinstance(each, ast.Expr)
        and isinstance(each.value, ast.Call)
        and isinstance(each.value.func, ast.Attribute)
        and mentions(each.value.func.value, items)
        for each in (ast.walk(around[-1]) if around else ())
    )


def _few(loop: Loop | Comprehension) -> bool:
    """``for state in ("new", "open", "done")``: as many passes as are written down."""
    heads = getattr(loop, "generators", [loop])
    return any(isinstance(getattr(each, "iter", None), ast.Tuple | ast.List) for each in heads)


def scanned(hot: Hot) -> ast.expr | None:
    """What a loop goes through in order to find the items whose key is that of the outer loop's item."""
    found = _searched(hot)
    if found is None or any(each.function != "<genexpr>" for each in hot.seen.below):
        return None
    items, test, inner = found
    loops = hot.source.loops(hot.node)
    around = Hot(hot.seen, loops[0])
    outer = names_of_pass(hot, loops[0]) - inner
    handled = hot.seen.handler and len(loops) == 1
    if handled:
        outer |= _given(hot)
    if not _equal_by_key(test, inner, outer) or not (handled or in_loop()(around)):
        return None
    few = any(_few(each) for each in loops[1:2])
    return None if few or _tests_what_changes(test, inner, loops) else items


def stays(hot: Hot, thing: ast.expr, given: frozenset[str] | None = None) -> bool:
    """The thing that the innermost loop goes through is the same whenever that loop begins."""
    loops = hot.source.loops(hot.node)
    return unchanged(Hot(hot.seen, loops[0]), thing, each_call=len(loops) == 1, given=given)


def matches_by_scan() -> Condition:
    """A loop goes through all of ``ys`` to find those whose key is that of the outer loop's item."""

    def check(hot: Hot) -> bool:
        items = scanned(hot)
        if items is None or hot.seen.below or any(last_name(each.func) not in _PLAIN for each in hot.seen.rivals):
            return False
        if isinstance(items, ast.Call) and last_name(items.func) in ("range", "zip"):
            return False
        short = isinstance(items, ast.List | ast.Tuple | ast.Set) or any(
            isinstance(each.value, ast.List | ast.Tuple) and each.value.elts
            for each in (hot.source.bindings(items) if isinstance(items, ast.Name) else ())
        )
        return not short and stays(hot, items)

    return check


def _given(hot: Hot) -> set[str]:
    function = hot.source.function(hot.node)
    return parameters(function) - {"self"} if function is not None else set()


_PLAIN = frozenset("lower upper strip casefold next any list set sum sorted".split())
