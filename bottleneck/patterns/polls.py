"""Requests that a loop repeats until another program is ready: it is asked the same again, and nothing is fetched."""

from __future__ import annotations

import ast

from .loops import all_loops
from .model import Condition, Hot
from .source import Source
from .syntax import Comprehension, Loop, last_name, mentions, stored

#: How the body of an answer is read, or a file is written from it.
_BODY = frozenset("content text json read readline readlines readinto raw iter_content iter_lines iter_bytes".split())
_TO_FILE = ("urlretrieve", "download_file", "get_object", "put_object", "upload_file")
_PAUSES = ("sleep", "wait", "throttle")
#: What has no further use for a value; that of a ``with`` has a name, which is followed.
_DROPS = ast.Compare | ast.BoolOp | ast.UnaryOp | ast.Expr | ast.withitem


def until_ready() -> Condition:
    """The nearest loop, be it around the call of the function, makes the same request in each pass, and waits.

    It waits if it pauses between two questions (not only after an error, as a download that tries again does), or if
    nothing is kept of the answer but whether there was one.
    """

    def check(hot: Hot) -> bool:
        if not isinstance(hot.node, ast.Call):
            return False
        source, loop = next(iter(all_loops(hot)), (hot.source, None))
        call = hot.node if source is hot.source and loop in source.loops(hot.node) else _call_in(source, loop, hot)
        if call is None or not isinstance(loop, Loop) or _changes(loop, call):
            return False
        return _pauses(loop) or not _is_kept(hot.source, hot.node)

    return check


def _call_in(source: Source, loop: Loop | Comprehension | None, hot: Hot) -> ast.Call | None:
    """The call of the hot line's function, in the loop of another function."""
    name = getattr(hot.source.function(hot.node), "name", "")
    calls = source.calls.get(name, []) if name and loop is not None else []
    return next((call for call in calls if loop in source.loops(call)), None)


def _changes(loop: Loop, call: ast.Call) -> bool:
    """Whether a pass asks something else than the one before it; how long it waits for an answer is no question."""
    asked = [*call.args, *(each.value for each in call.keywords if each.arg != "timeout"), call.func]
    return any(mentions(each, stored(loop)) for each in asked)


def _pauses(loop: Loop) -> bool:
    """Whether a pass that meets no error pauses."""
    pauses = [each for each in ast.walk(loop) if isinstance(each, ast.Call) and last_name(each.func) in _PAUSES]
    handlers = [each for each in ast.walk(loop) if isinstance(each, ast.ExceptHandler)]
    after_errors = {inner for handler in handlers for inner in ast.walk(handler)}
    return any(each not in after_errors for each in pauses)


def _is_kept(source: Source, call: ast.Call) -> bool:
    """Whether what the call brings is used for more than a test, such as ``.status_code == 200``."""
    if last_name(call.func) in _TO_FILE:
        return True
    if _goes_on(source, call):
        return True
    names = _given_to(source, call)
    scope = source.function(call) or source.tree
    uses = (each for each in ast.walk(scope) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load))
    return any(each.id in names and _goes_on(source, each) for each in uses)


def _goes_on(source: Source, value: ast.AST) -> bool:
    """Whether an answer, or its body, is returned, stored or given to a call. Of one that is only tested nothing is."""
    reads, inner = False, value
    for outer in source.above(value):
        if isinstance(outer, ast.Attribute):
            reads = outer.attr in _BODY
            if not reads:
                return False  # ``answer.ok``, ``answer.raise_for_status()``, ``answer.close()``
        elif isinstance(outer, _DROPS) or inner is getattr(outer, "test", None):
            return False
        elif isinstance(outer, ast.Assign | ast.AnnAssign | ast.NamedExpr):
            return reads or not _is_plain(outer)
        elif isinstance(outer, ast.Call) and inner is not outer.func and last_name(outer.func) in ("bool", "print"):
            return False
        inner = outer
    return True


def _is_plain(statement: ast.Assign | ast.AnnAssign | ast.NamedExpr) -> bool:
    """``answer = ...``: what becomes of the name tells whether the answer is kept."""
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return all(isinstance(each, ast.Name) for each in targets)


def _given_to(source: Source, call: ast.Call) -> set[str]:
    """The name of the answer: of an assignment, or after ``as``."""
    parent = source.parents.get(call)
    if isinstance(parent, ast.Assign | ast.AnnAssign | ast.NamedExpr | ast.withitem):
        return stored(parent)
    return set()
