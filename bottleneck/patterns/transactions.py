"""Conditions on what a database's transaction holds."""

from __future__ import annotations

import ast
import re

from .loops import all_loops
from .model import Condition, Hot
from .shapes import matches
from .source import Source
from .syntax import Function, Loop, last_name, mentions, stored

_WRITES = ("execute", "add", "merge")
#: A statement that chooses its rows itself writes many: ``insert ... select``, ``delete ... where day < ?``.
_OF_MANY = re.compile(
    r"^\s*(insert|replace)\b.*\bselect\b|^\s*(delete|update)\b.*(\blimit\b|\bbetween\b|\bselect\b|[<>])"
    r"|^\s*(create|drop|alter|vacuum|attach|pragma)\b",
    re.I | re.S,
)
_SCRIPTS = frozenset("script scripts migration migrations ddl schema schemas".split())
_TAKES = ("get", "recv", "receive", "accept", "poll", "get_message")  # the next job of a queue
_STREAMS = ("sys.stdin*", "kafka.*", "confluent_kafka.*", "redis.*", "paho.*", "pika.*", "websockets.*", "socket.*")


def of_one_row() -> Condition:
    """A pass of the loop around the commit writes, or the functions write that each pass calls to commit.

    Not a commit for each request, each job of an endless loop, or each full buffer.
    """

    def check(hot: Hot) -> bool:
        around = hot.source.loops(hot.node)
        if around and _waits_for_more(hot.source, hot.node, around[0]):
            return False
        if around:
            return any(
                _writes_one(hot.source, call) or _of_an_item(call, around[0]) for call in _own(hot.source, around[0])
            )
        return not hot.seen.handler and _one_a_call(hot)

    return check


def is_of_many_rows(source: Source, call: ast.AST) -> bool:
    """``execute`` of a statement for many rows, of a whole script, or with a list of rows."""
    if not isinstance(call, ast.Call) or last_name(call.func) != "execute" or not call.args:
        return False
    statement = source.literal(call.args[0]) or call.args[0]
    words = "".join(str(each.value) for each in ast.walk(statement) if isinstance(each, ast.Constant))
    if _OF_MANY.search(words):
        return True
    loop = next(iter(source.loops(call)), None)
    items = stored(loop.target) if isinstance(loop, ast.For) else set()
    if len(call.args) == 1:
        given, loops = call.args[0], loop.iter if isinstance(loop, ast.For) else None
        of_loop = isinstance(given, ast.Name) and given.id in items  # ``for script in scripts``
        return of_loop and loops is not None and bool({last_name(given), last_name(loops)} & _SCRIPTS)
    made = isinstance(statement, ast.Call)  # insert(Row), as SQLAlchemy makes it
    return made and isinstance(call.args[1], ast.Name | ast.List | ast.ListComp)


def hands_on_a_table() -> Condition:
    """Each pass reads a table, writes it and keeps nothing of it: all at once may not fit into memory."""

    def check(hot: Hot) -> bool:
        loop = next(iter(hot.source.loops(hot.node)), None)
        names = [last_name(each.func) for each in _calls(loop)] if isinstance(loop, ast.For) else []
        written = any(name.startswith(("to_", "write", "save", "dump")) for name in names)
        return written and not {"append", "extend", "concat", "update"} & set(names)

    return check


def _writes_one(source: Source, call: ast.Call) -> bool:
    return last_name(call.func) in _WRITES and not is_of_many_rows(source, call)


def _of_an_item(call: ast.Call, loop: ast.AST) -> bool:
    """``executemany(statement, order.lines)``: the rows of one item, not a chunk of them."""
    if last_name(call.func) != "executemany" or len(call.args) < 2 or not isinstance(loop, ast.For):
        return False
    given, items = call.args[1], stored(loop.target)
    if isinstance(given, ast.ListComp | ast.GeneratorExp):
        given = given.generators[0].iter
    return (
        isinstance(given, ast.Attribute | ast.Subscript | ast.List)
        and mentions(given, items)
        and not any(isinstance(each, ast.Slice) for each in ast.walk(given))
    )


def _own(source: Source, loop: ast.AST) -> list[ast.Call]:
    """The calls of a pass that are in no loop inside."""
    return [call for call in _calls(loop) if source.loops(call)[:1] == [loop]]


def _waits_for_more(source: Source, node: ast.AST, loop: ast.AST) -> bool:
    """``if pending == 1000: commit()``: what is written stands outside of the test, which asks for what passes change.

    A switch, ``if not DRY_RUN: commit()``, says the same in each pass.
    """
    changing = stored(loop)
    for outer in source.above(node):
        if outer is loop:
            break
        asks = isinstance(outer, ast.If) and (mentions(outer.test, changing) or bool(_calls(outer.test)))
        if asks and not any(_writes_one(source, call) for call in _calls(outer)):
            return True
    return False


def takes_jobs() -> Condition:
    """The innermost loop, or the one that led here, is a ``while`` or a ``for`` over a queue: items come one by one."""

    def check(hot: Hot) -> bool:
        return any(_takes_jobs(source, loop) for source, loop in all_loops(hot))

    return check


def _takes_jobs(source: Source, loop: ast.AST) -> bool:
    if isinstance(loop, ast.For | ast.AsyncFor):
        return any(matches(path, *_STREAMS) for path in source.paths(loop.iter))
    waits = any(last_name(each.func) in _TAKES and not each.args for each in _calls(loop))
    texts = (each.value for each in ast.walk(loop) if isinstance(each, ast.Constant) and isinstance(each.value, str))
    asks = any(re.search(r"\bselect\b.*(\blimit 1\b|\bskip locked\b)", each, re.I | re.S) for each in texts)
    return isinstance(loop, ast.While) and (waits or asks)


def _one_a_call(hot: Hot) -> bool:
    """The functions between the commit and the loop that leads to it write one row and test nothing."""
    writes = False
    for source, node in [(hot.source, hot.node), *_callers(hot)]:
        region = _region(source, node)
        if region is None or _is_tested(source, node):
            return False
        made = [call for call in _calls(region) if not set(source.loops(call)) - {region}]
        names = {last_name(call.func) for call in made}
        writes = writes or any(_writes_one(source, call) for call in made)
        if "executemany" in names:
            return False
        if not isinstance(region, Function):
            return writes and not (isinstance(region, ast.While) and isinstance(region.test, ast.Constant))
    return False


def _callers(hot: Hot) -> list[tuple[Source, ast.AST]]:
    """The calls that led to the function, the nearest first."""
    found = ((source, [each for each in source.by_line.get(line, []) if isinstance(each, ast.Call)])
             for source, line in hot.seen.callers)  # fmt: skip
    return [(source, max(calls, key=lambda call: len(source.loops(call)))) for source, calls in found if calls]


def _region(source: Source, node: ast.AST) -> ast.AST | None:
    return next(iter(source.loops(node)), None) or source.function(node)


def _is_tested(source: Source, node: ast.AST) -> bool:
    for outer in source.above(node):
        if isinstance(outer, Function | Loop):
            break
        if isinstance(outer, ast.If | ast.IfExp):
            return True
    return False


def _calls(region: ast.AST) -> list[ast.Call]:
    return [each for each in ast.walk(region) if isinstance(each, ast.Call)]
