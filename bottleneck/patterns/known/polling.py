"""Loops that ask again and again whether there is something to do."""

import ast

from ..model import Hot, Pattern, Price
from ..syntax import last_name

_ASKS = frozenset("get_nowait empty full is_set is_alive poll done exists qsize recv_nowait".split())
_WAITS = frozenset("sleep wait join select get acquire recv result wait_for as_completed communicate accept".split())


def _polls(hot: Hot) -> bool:
    """A ``while`` loop asks a queue, an event, a process or a file, and nothing in it waits."""
    loop = next(iter(hot.source.loops(hot.node)), None)
    if not isinstance(loop, ast.While):
        return False
    called = {last_name(each.func) for each in ast.walk(loop) if isinstance(each, ast.Call)}
    return bool(called & _ASKS) and not called & _WAITS and _goes_on_without(loop)


def _goes_on_without(loop: ast.While) -> bool:
    """Where there is nothing, the loop does nothing: an exception that is passed over, or a body that is empty."""
    plain = ast.Pass | ast.Continue
    handlers = [each for each in ast.walk(loop) if isinstance(each, ast.ExceptHandler)]
    return all(isinstance(each, plain) for each in loop.body) or any(
        all(isinstance(each, plain) for each in handler.body) for handler in handlers
    )


PATTERNS = (
    Pattern(
        id="busy-wait",
        title="A loop polls without waiting, and keeps a core (and the GIL) from those that have work",
        replacement="Block until there is something to do: queue.get(timeout=0.1), Event.wait, Condition or select; or "
        "sleep between two questions",
        snippet="try:\n    event = events.get(timeout=0.1)\nexcept queue.Empty:\n    continue",
        when=(_polls,),
        leave="Latency below a few microseconds matters, and a core is set aside for it.",
        price=Price("once"),
        source="Olen/solar-monitor#42, stratosphereips/StratosphereLinuxIPS#16, google/fuzzbench#65, pyiron/executorlib#247",
        stages=("serving", "etl", "training"),
        effort=1,
    ),
)
