"""Conditions on calls that a loop makes one after another: whether they could run side by side."""

from __future__ import annotations

import ast
import re

from .loops import loop_names
from .model import Condition, Hot, Sighting
from .shapes import matches
from .source import Source
from .syntax import arguments, dotted, last_name, mentions, stored

#: A loop that counts these goes on from where its last pass ended.
_STAGES = frozenset("epoch step round attempt retry try tick iteration generation turn migration".split())
_PAUSES = frozenset("sleep pause backoff throttle poll delay wait waitpid".split())
_JOINS = frozenset("join result acquire communicate recv recvfrom recv_into recv_bytes select accept input".split())
#: What one connection, file or device does in the order in which it is asked.
_IN_ORDER = frozenset(
    "receive send sendall sendto write writelines flush drain emit read readline readlines readexactly readuntil "
    "execute executemany commit step train fit".split()
)
#: The same, as the first word of a name: ``send_json``, ``write_line``, ``put``, ``publish``; a page that goes on.
_IN_ORDER_WORDS = frozenset("send write put publish emit flush goto click press type move".split())
#: What gives its items when they come: the next one is not there yet.
_STREAMS = frozenset(
    "stream consumer subscription subscriber pubsub listen listener camera webcam microphone capture stdin "
    "socket".split()
)
#: What other programs send to, and how a loop takes the next of it.
_SOURCES = (
    "sys.stdin*", "kafka.*", "confluent_kafka.*", "aiokafka.*", "redis.*.listen*", "paho.*", "pika.*", "websocket.*",
    "websockets.*", "socket.*", "zmq.*", "nats.*", "google.cloud.pubsub*", "serial.*", "sseclient.*",
)  # fmt: skip
_TAKES_NEXT = tuple(
    f"*.{name}"
    for name in "receive_message receive_messages blpop brpop bzpopmin xread xreadgroup listen accept recv recv_json "
    "recv_pyobj recv_multipart".split()
) + tuple(f"{source}.{name}" for source in _SOURCES[:-1] for name in ("poll", "consume", "read", "readline", "receive"))
_RATES = frozenset("rate limiter ratelimit ratelimiter throttle throttler".split())
_FILLS = frozenset("append appendleft extend add update insert setdefault".split())
_STARTERS = ("gather", "create_task", "ensure_future", "start_soon", "as_completed", "run_coroutine_threadsafe")


def independent() -> Condition:
    """The call stands in a loop over items and is given something of the item, and nothing that an earlier pass made.

    The loop goes through all of them: it neither stops at the first hit nor hands on one at a time. All are there when
    it begins.
    """

    def check(hot: Hot) -> bool:
        node = hot.node
        loop = next(iter(hot.source.loops(node)), None)
        if not isinstance(node, ast.Call) or not isinstance(loop, ast.For | ast.ListComp | ast.SetComp | ast.DictComp):
            return False
        ends = ast.Break | ast.Return | ast.Yield | ast.YieldFrom
        if any(isinstance(each, ends) for each in ast.walk(loop)) or _counts_stages(loop) or _is_fed(hot.source, loop):
            return False
        given = [*arguments(node), node.func]
        items, left = _of_items(hot, loop), _left_behind(loop, node)
        if isinstance(loop, ast.For) and _mentions(loop.iter, left):
            return False  # what is to be done grows by what was found
        return any(mentions(each, items) for each in given) and not any(_mentions(each, left) for each in given)

    return check


def goes_through_map() -> Condition:
    """The line takes the items of ``map(function, items)``, and the function runs below it."""

    def check(hot: Hot) -> bool:
        running = hot.seen.below[0].function if hot.seen.below else ""
        loop = next(iter(hot.source.loops(hot.node)), None)
        heads = [each.iter for each in getattr(loop, "generators", [loop]) if hasattr(each, "iter")]
        taken = [*heads, *(arguments(hot.node) if isinstance(hot.node, ast.Call) else [])]
        return any(_maps(hot.source, each, running) for each in taken)

    return check


def _maps(source: Source, value: ast.expr, function: str) -> bool:
    value = source.literal(value) or value
    if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Name):
        return False
    if value.func.id in ("zip", "enumerate", "tqdm", "iter", "filter"):
        return any(_maps(source, each, function) for each in value.args)
    given = last_name(value.args[0]) if value.args else ""
    return value.func.id == "map" and given == function and given in source.functions and given not in _IN_ORDER


def independent_above() -> Condition:
    """The nearest loop of the lines that led to the node, or its own, is one over items, in which it is independent."""

    def check(hot: Hot) -> bool:
        if hot.source.loops(hot.node):
            return independent()(hot)
        for source, line in hot.seen.callers:
            looped = [each for each in source.by_line.get(line, []) if source.loops(each)]
            if looped:
                return any(independent()(Hot(Sighting(source, line), each)) for each in looped)
        return False

    return check


def _of_items(hot: Hot, loop: ast.AST) -> frozenset[str]:
    """The names that are of a pass's item, files that it opens included."""
    names = loop_names(hot.source, hot.node)
    for each in ast.walk(loop):
        if isinstance(each, ast.With | ast.AsyncWith):
            names |= {name for item in each.items if mentions(item.context_expr, names) for name in stored(item)}
    return names


def _counts_stages(loop: ast.AST) -> bool:
    targets = [loop.target] if isinstance(loop, ast.For) else []
    names = (each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name))
    return any(_STAGES & _words(name) for name in names)


def counts_stages() -> Condition:
    """A loop around goes on from where its last pass ended: ``for step in steps``."""
    return lambda hot: any(_counts_stages(loop) for loop in hot.source.loops(hot.node))


def _left_behind(loop: ast.AST, call: ast.Call) -> set[str]:
    """What the call's answer has gone into when the next pass begins: names, and attributes such as ``self.seen``."""
    found: set[str] = set()

    def holds(value: ast.AST) -> bool:
        return any(each is call for each in ast.walk(value)) or _mentions(value, found)

    for _ in range(3):
        for each in ast.walk(loop):
            if isinstance(each, ast.Assign) and holds(each.value):
                found |= {name for target in each.targets for name in _set(target)}
            elif isinstance(each, ast.AugAssign | ast.AnnAssign | ast.NamedExpr) and each.value and holds(each.value):
                found |= _set(each.target)
            elif isinstance(each, ast.With | ast.AsyncWith):
                kept = [item for item in each.items if item.optional_vars and holds(item.context_expr)]
                found |= {name for item in kept if item.optional_vars for name in _set(item.optional_vars)}
            elif isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr in _FILLS:
                found |= {dotted(each.func.value)} if any(holds(given) for given in each.args) else set()
    return found - {""}


def _set(target: ast.AST) -> set[str]:
    """The names and attributes that an assignment sets, or sets an item of."""
    if isinstance(target, ast.Tuple | ast.List):
        return {name for each in target.elts for name in _set(each)}
    if isinstance(target, ast.Subscript | ast.Starred):
        return _set(target.value)
    return {dotted(target)}


def _mentions(node: ast.AST, names: set[str]) -> bool:
    return any(dotted(each) in names for each in ast.walk(node) if isinstance(each, ast.Name | ast.Attribute))


def _words(name: str) -> set[str]:
    """``{"kafka", "consumer"}`` of ``kafka_consumer`` and of ``KafkaConsumer``."""
    return set(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_"))


def in_order() -> Condition:
    """The call is one that a connection, a file or a device answers in turn, that waits for others, or that is a pause.

    What belongs to one item alone, such as the file that a pass opens, stands in nobody's way.
    """

    def check(hot: Hot) -> bool:
        node = hot.node
        if not isinstance(node, ast.Call):
            return False
        name = last_name(node.func)
        if _in_a_transaction(hot):
            return True
        begins = name.lower().split("_")[0]
        if name in _JOINS or (begins in _PAUSES and name != "wait_for"):
            return True
        if name == "get" and not node.args and not node.keywords:
            return True  # of a queue or of a future: it waits for whoever makes the answer
        loop = next(iter(hot.source.loops(node)), None)
        own = loop is not None and mentions(node.func, _of_items(hot, loop))
        in_turn = name in _IN_ORDER or (begins in _IN_ORDER_WORDS and isinstance(node.func, ast.Attribute))
        return in_turn and not own

    return check


def _in_a_transaction(hot: Hot) -> bool:
    """``async with ledger.transaction():`` stands around."""
    entered = [
        item.context_expr
        for outer in hot.source.above(hot.node)
        if isinstance(outer, ast.With | ast.AsyncWith)
        for item in outer.items
    ]
    return any(
        isinstance(each, ast.Call) and last_name(each.func) in ("transaction", "begin", "atomic") for each in entered
    )


def keeps_a_rate(outer: bool = False) -> Condition:
    """The loop (or one of those around it, too) pauses beside the call, or asks a limiter."""

    def check(hot: Hot) -> bool:
        loops = hot.source.loops(hot.node)
        return any(_pauses(each) for loop in (loops if outer else loops[:1]) for each in ast.walk(loop))

    return check


def _pauses(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        asked = last_name(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        return last_name(node.func) in ("sleep", "wait", "throttle") or bool(_RATES & _words(asked))
    entered = [item.context_expr for item in node.items] if isinstance(node, ast.With | ast.AsyncWith) else []
    return any(_RATES & _words(last_name(each.func if isinstance(each, ast.Call) else each)) for each in entered)


def first_that_answers() -> Condition:
    """``return session.get(mirror)``: the loop ends with the call."""

    def check(hot: Hot) -> bool:
        loop = next(iter(hot.source.loops(hot.node)), None)
        return isinstance(loop, ast.For) and isinstance(hot.source.statement(hot.node), ast.Return)

    return check


def as_they_come() -> Condition:
    """The nearest loop around takes its items from a stream."""
    return lambda hot: any(_is_fed(hot.source, loop) for loop in hot.source.loops(hot.node)[:1])


def _is_fed(source: Source, loop: ast.AST) -> bool:
    """``for message in consumer``, ``for job in iter(queue.get, None)``, ``async for``: each comes when it comes."""
    heads = [each for each in getattr(loop, "generators", [loop]) if isinstance(each, ast.For | ast.comprehension)]
    if isinstance(loop, ast.AsyncFor) or any(getattr(each, "is_async", 0) for each in heads):
        return True
    parts = [part for each in heads for part in ast.walk(source.literal(each.iter) or each.iter)]
    parts += [part for each in heads for part in ast.walk(each.iter)]
    parts += [each.func for each in parts if isinstance(each, ast.Call)]
    asks = any(isinstance(each, ast.Call) and last_name(each.func) == "iter" and len(each.args) == 2 for each in parts)
    named = any(_STREAMS & _words(last_name(each)) for each in parts)
    return asks or named or comes_by_itself(source, loop)


def comes_by_itself(source: Source, loop: ast.AST) -> bool:
    """The items come when they come, from other programs: messages of a broker, a socket, standard input."""
    if isinstance(loop, ast.For | ast.AsyncFor):
        return any(matches(path, *_SOURCES) for path in source.paths(loop.iter))
    asked = (each.func for each in ast.walk(loop) if isinstance(each, ast.Call))
    return isinstance(loop, ast.While) and any(
        matches(path, *_TAKES_NEXT) for each in asked for path in source.paths(each)
    )


def side_by_side() -> Condition:
    """The coroutine function around the call is started many times at once: ``gather(*(f(i) for i in range(9)))``."""

    def check(hot: Hot) -> bool:
        return _started_at_once(hot.source, getattr(hot.source.function(hot.node), "name", ""), 2)

    return check


def _started_at_once(source: Source, name: str, through: int) -> bool:
    """``through``: how many functions of the file may lie between, each of which awaits the next one."""
    calls = source.calls.get(name, []) if name else []
    for call in calls:
        above = list(source.above(call))
        if any(isinstance(each, ast.Call) and last_name(each.func) in _STARTERS for each in above):
            return True
    callers = {getattr(source.function(call), "name", "") for call in calls} - {name, ""}
    return through > 0 and any(_started_at_once(source, caller, through - 1) for caller in callers)


def awaited_call() -> Condition:
    """``await call(...)``, or ``async with call(...)``."""

    def check(hot: Hot) -> bool:
        parent = hot.source.parents.get(hot.node)
        opened = isinstance(parent, ast.withitem) and isinstance(hot.source.parents.get(parent), ast.AsyncWith)
        return isinstance(hot.node, ast.Call) and (isinstance(parent, ast.Await) or opened)

    return check


_EVENTS = frozenset("sleep recv receive read readline readuntil readexactly get getone getmany listen accept".split())
_SERVES = frozenset("start_server start_unix_server create_server serve".split())


def waits_for_events(source: Source, line: int) -> bool:
    """Whether what is awaited on a line comes when it comes: the next item of a stream, the tick of an endless loop, or
    the next request of a connection to a server of this file."""
    for node in source.by_line.get(line, []):
        if isinstance(node, ast.AsyncFor):
            return True
        if not isinstance(node, ast.Await) or not isinstance(node.value, ast.Call):
            continue
        name = last_name(node.value.func)
        loops = source.loops(node)
        if loops and isinstance(loops[0], ast.While) and _endless(loops[0]) and _EVENTS & (_words(name) | {name}):
            return True
        function = getattr(source.function(node), "name", "")
        if name in _EVENTS and any(last_name(call.func) in _SERVES for call in source.handed.get(function, [])):
            return True
    return False


def _endless(loop: ast.While) -> bool:
    ends = any(isinstance(each, ast.Break | ast.Return) for each in ast.walk(loop))
    return isinstance(loop.test, ast.Constant) and bool(loop.test.value) and not ends
