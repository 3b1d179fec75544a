"""Conditions on what a database's transaction holds."""

from __future__ import annotations

import ast

from .loops import all_loops
from .model import Condition, Hot
from .shapes import matches
from .source import Source
from .syntax import Function, Loop, last_name

_WRITES = ("execute", "add", "merge")
_TAKES = ("get", "recv", "receive", "accept", "poll", "get_message")  # the next job of a queue
_STREAMS = ("sys.stdin*", "kafka.*", "confluent_kafka.*", "redis.*", "paho.*", "pika.*", "websockets.*", "socket.*")


def of_one_row() -> Condition:
    """A pass of the loop around the commit writes, or the functions write that each pass calls to commit.

    Not a commit for each request, each job of an endless loop, or each full buffer.
    """

    def check(hot: Hot) -> bool:
        around = hot.source.loops(hot.node)
        if around:
            return any(last_name(call.func) in (*_WRITES, "executemany") for call in _calls(around[0]))
        return not hot.seen.handler and _one_a_call(hot)

    return check


def takes_jobs() -> Condition:
    """The innermost loop, or the one that led here, is a ``while`` or a ``for`` over a queue: items come one by one."""

    def check(hot: Hot) -> bool:
        return any(_takes_jobs(source, loop) for source, loop in all_loops(hot))

    return check


def _takes_jobs(source: Source, loop: ast.AST) -> bool:
    if isinstance(loop, ast.For | ast.AsyncFor):
        return any(matches(path, *_STREAMS) for path in source.paths(loop.iter))
    waits = (each for each in _calls(loop) if last_name(each.func) in _TAKES and not each.args)
    return isinstance(loop, ast.While) and any(waits)


def _one_a_call(hot: Hot) -> bool:
    """The functions between the commit and the loop that leads to it write one row and test nothing."""
    writes = False
    for source, node in [(hot.source, hot.node), *_callers(hot)]:
        region = _region(source, node)
        if region is None or _is_tested(source, node):
            return False
        made = [call for call in _calls(region) if not set(source.loops(call)) - {region}]
        names = {last_name(call.func) for call in made}
        writes = writes or bool(names & set(_WRITES))
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
