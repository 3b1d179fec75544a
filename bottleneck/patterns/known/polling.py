"""Loops that ask again and again whether there is something to do."""

import ast

from ..model import Hot, Pattern, Price
from ..places import known
from ..shapes import any_of
from ..syntax import last_name

_ASKS = frozenset("get_nowait empty full is_set is_alive poll done exists qsize recv_nowait".split())
_FILLS = frozenset("append appendleft add extend".split())
_WAITS = frozenset("sleep wait join select get acquire recv result wait_for as_completed communicate accept".split())


#: Where a question is answered.
_ANSWERS = ("queue.py", "threading.py", "subprocess.py", "multiprocessing/", "asyncio/", "concurrent/futures/")


def _polls(hot: Hot) -> bool:
    """A ``while`` loop asks a queue, an event, a process or a file, and nothing in it waits.

    The line is one that asks, or does nothing else: what was got is worked on elsewhere.
    """
    loop = next(iter(hot.source.loops(hot.node)), None)
    if not isinstance(loop, ast.While):
        return False
    calls = [each for each in ast.walk(loop) if isinstance(each, ast.Call)]
    called = {last_name(each.func) for each in calls}
    if any(last_name(each.func) == "poll" and each.args for each in calls):
        return False  # for so long
    here = {last_name(each.func) for each in hot.seen.rivals}
    asks = here <= _ASKS | _FILLS and all(any(each.is_in(place) for place in _ANSWERS) for each in hot.seen.below)
    return asks and bool(called & _ASKS) and not called & _WAITS and not _ends_empty(loop) and _goes_on_without(loop)


def _spins(hot: Hot) -> bool:
    """``while not self.done: pass``, or ``if not self.jobs: continue`` first: a pass that does nothing but ask.

    What it asks has no effect, so that the next pass finds the same until something else has worked.
    """
    loop = next((each for each in hot.source.loops(hot.node) if isinstance(each, ast.While)), None)
    if loop is None or not all(each.function in _COMPREHENSIONS for each in hot.seen.below):
        return False
    first = loop.body[0]
    if all(isinstance(each, ast.Pass | ast.Continue) for each in loop.body):
        asked, last = [loop.test], loop.end_lineno
    elif isinstance(first, ast.If) and len(first.body) == 1 and isinstance(first.body[0], ast.Continue | ast.Pass):
        asked, last = [loop.test, first.test], first.body[0].lineno
        if isinstance(first.body[0], ast.Pass) and len(loop.body) > 1:
            return False
    elif isinstance(first, ast.If) and len(loop.body) == 1 and not first.orelse and isinstance(first.body[-1], _LEAVES):
        asked, last = [loop.test, first.test], first.lineno
    else:
        return False
    inside = [each for test in asked for each in ast.walk(test)]
    named = [each for each in inside if isinstance(each, ast.Name | ast.Attribute)]
    asks = all(_only_asks(each) for each in inside)
    return asks and bool(named) and hot.seen.line <= (last or 0)


def _only_asks(node: ast.AST) -> bool:
    """``poll()``, not ``poll(0.1)``, which waits."""
    if isinstance(node, ast.Call):
        name = last_name(node.func)
        return name in ("all", "any", "len", "bool") or (name in _ASKS and not node.args and not node.keywords)
    return not isinstance(node, ast.NamedExpr | ast.Await)


_LEAVES = ast.Break | ast.Return
_COMPREHENSIONS = ("<genexpr>", "<listcomp>")


def _ends_empty(loop: ast.While) -> bool:
    """``while not events.empty()`` and ``while tasks.qsize()``: it ends where there is nothing left."""
    return any(
        isinstance(each, ast.Call) and last_name(each.func) in ("empty", "qsize") for each in ast.walk(loop.test)
    )


def _goes_on_without(loop: ast.While) -> bool:
    """Where there is nothing, a pass does nothing: an exception that is passed over, or a body that is empty.

    What stands beside the question (below an ``if`` about what was got is another matter) is work of its own.
    """
    plain = ast.Pass | ast.Continue
    if all(isinstance(each, plain) for each in loop.body):
        return True
    for place, each in enumerate(loop.body):
        bodies = [handler.body for handler in each.handlers] if isinstance(each, ast.Try) else []
        idle = [body for body in bodies if all(isinstance(one, plain) for one in body)]
        leaves = any(isinstance(one, ast.Continue) for body in idle for one in body)
        beside = loop.body[:place] + ([] if leaves else loop.body[place + 1 :])
        if idle and not any(_works(one) for one in beside):
            return True
    return False


def _works(statement: ast.stmt) -> bool:
    """It calls something in every pass."""
    inside: list[ast.AST] = [statement.test] if isinstance(statement, ast.If) else [statement]
    return any(
        isinstance(each, ast.Call) and last_name(each.func) not in _ASKS | _FILLS | {"len"}
        for part in inside
        for each in ast.walk(part)
    )


def _sleeps_until(hot: Hot) -> bool:
    """``while key not in results: sleep(0.25)``: a loop that asks this program for a result, or sleeps for so long."""
    node = hot.node
    loop = next((each for each in hot.source.loops(node) if isinstance(each, ast.While)), None)
    if loop is None or not isinstance(node, ast.Call) or last_name(node.func) != "sleep":
        return False
    given = hot.source.literal(node.args[0]) if node.args else None
    long = isinstance(given, ast.Constant) and isinstance(given.value, int | float) and given.value >= _LONG
    return long and (_asks_in_its_head(loop) or _asks_first(hot, loop))


def _asks_in_its_head(loop: ast.While) -> bool:
    if len(loop.body) != 1:
        return False
    asks = [each for each in ast.walk(loop.test) if isinstance(each, ast.Call)]
    missing = isinstance(loop.test, ast.Compare) and isinstance(loop.test.ops[0], ast.NotIn) and not asks
    return missing or (bool(asks) and all(last_name(each.func) in ("done", "ready") for each in asks))


def _asks_first(hot: Hot, loop: ast.While) -> bool:
    """``found = results.pop(key, None)``, ``if found is not None: break`` and the sleep are the whole of an endless loop.

    What is asked is made by this file, or is a collection of it: another program's answer has no better way to come.
    """
    asked: list[ast.expr] = []
    for each in loop.body:
        if isinstance(each, ast.Assign | ast.AnnAssign) and each.value is not None:
            asked.append(each.value)
        elif isinstance(each, ast.If):
            leaves = isinstance(each.body[-1], ast.Break | ast.Return) and not each.orelse
            if not leaves:
                return False
            asked.append(each.test)
        elif not (isinstance(each, ast.Expr) and hot.source.statement(hot.node) is each):
            return False
    if not isinstance(loop.test, ast.Constant) or not any(isinstance(each, ast.If) for each in loop.body):
        return False
    calls = [call for value in asked for call in ast.walk(value) if isinstance(call, ast.Call)]
    looked_up = [part for value in asked for part in ast.walk(value) if isinstance(part, ast.Subscript | ast.Compare)]
    return bool(calls or looked_up) and all(_is_own(hot, call) for call in calls)


def _is_own(hot: Hot, call: ast.Call) -> bool:
    """``done()``, ``get`` or ``pop`` of a dict, or a method of a class of this file that asks nobody else."""
    name = last_name(call.func)
    if name in ("done", "ready", "is_set", "len"):
        return True
    if not isinstance(call.func, ast.Attribute):
        return False
    if name in ("get", "pop") and hot.source.paths(call.func.value) & {"builtins.dict", "{}", "dict()"}:
        return True
    methods = hot.source.functions.get(name, [])
    return len(methods) == 1 and not any(
        last_name(each.func) not in _KEEPS for each in ast.walk(methods[0]) if isinstance(each, ast.Call)
    )


_KEEPS = frozenset("get pop popleft append len acquire release".split())

_LONG = 0.02  # seconds

PATTERNS = (
    Pattern(
        id="polled-between-sleeps",
        title="The program sleeps between checks for a result, and so gets it late",
        replacement="Wait for the result itself: future.result(), await future, Event.wait(), Condition.wait() or queue.get(); the "
        "code that produces the result signals it",
        snippet="future = loop.create_future()\njobs[job_id] = future  # the worker: loop.call_soon_threadsafe(future.set_result, value)\n"
        "result = await future",
        when=(known(off_cpu=True), _sleeps_until),
        needs=("off_cpu",),
        leave="Another program produces the result and sends no notification.",
        price=Price("wait", (1.2, 10)),
        source="docs.python.org, threading (Event and Condition objects), asyncio (Future); half an interval is lost on average",
        stages=("serving", "etl"),
        effort=2,
    ),
    Pattern(
        id="busy-wait",
        title="A loop polls without waiting, and keeps a core (and the GIL) from those that have work",
        replacement="Block until there is something to do: queue.get(timeout=0.1), Event.wait, Condition or select; or "
        "sleep between two questions",
        snippet="try:\n    event = events.get(timeout=0.1)\nexcept queue.Empty:\n    continue",
        when=(any_of(_polls, _spins),),
        leave="Latency below a few microseconds matters, and a core is set aside for it.",
        price=Price("once"),
        source="Olen/solar-monitor#42, stratosphereips/StratosphereLinuxIPS#16, google/fuzzbench#65, pyiron/executorlib#247",
        stages=("serving", "etl", "training"),
        effort=1,
    ),
)
