"""Servers: calls of other services that one statement after another awaits, although none needs the answer before."""

import ast

from ..independence import in_order, keeps_a_rate
from ..loops import in_loop
from ..model import Hot, Pattern, Price
from ..places import handler, known
from ..shapes import any_of, deep, not_if
from ..syntax import last_name, mentions, stored
from .serial_waits import _is_query, _one_connection

#: Where such objects come from, they are one connection, or one transaction.
_IN_TURN = frozenset("session conn connection db cursor cur tx transaction ws websocket reader writer stream".split())
_LEAST = 2


def _call_of(statement: ast.stmt) -> ast.Call | None:
    """``answer = await ask(key)``: the call; None for any other statement. Without a name, it is for what it does."""
    if not isinstance(statement, ast.Assign | ast.AnnAssign) or not isinstance(statement.value, ast.Await):
        return None
    return statement.value.value if isinstance(statement.value.value, ast.Call) else None


def _row(hot: Hot) -> list[ast.stmt]:
    """The statements around the node's, without a gap, that await a call whose arguments none of the others sets."""
    statement = hot.source.statement(hot.node)
    parent = hot.source.parents.get(statement)
    blocks = (getattr(parent, name, None) for name in ("body", "orelse", "finalbody"))
    body = next((block for block in blocks if isinstance(block, list) and statement in block), [])
    at = body.index(statement) if statement in body else -1
    begins = ends = at
    while begins > 0 and _call_of(body[begins - 1]) is not None:
        begins -= 1
    while 0 <= ends < len(body) - 1 and _call_of(body[ends + 1]) is not None:
        ends += 1
    return body[begins : ends + 1] if at >= 0 else []


def _independent_of_its_neighbours(hot: Hot) -> bool:
    """One of several in a row, and none of them needs what another one stores."""
    statement = hot.source.statement(hot.node)
    if not isinstance(statement, ast.stmt) or _call_of(statement) is not hot.node:
        return False
    row = _row(hot)
    set_before: set[str] = set()
    for statement in row:
        call = _call_of(statement)
        if call is None or mentions(call, set_before) or (_answers_in_turn(call) and not _of_http(hot)):
            return False
        set_before |= stored(statement)
    return len(row) >= _LEAST


#: A ``session`` of these has many connections.
_of_http = any_of(deep("aiohttp/client.py"), deep("httpx/_client.py"))


def _answers_in_turn(call: ast.Call) -> bool:
    """What the call is made on, or given, is one connection or transaction by its name."""
    receiver = [call.func.value] if isinstance(call.func, ast.Attribute) else []
    return any(last_name(each).lower().strip("_") in _IN_TURN for each in [*receiver, *call.args])


PATTERNS = (
    Pattern(
        id="awaits-in-a-row",
        title="A request awaits one service after another, although none of them needs the answer of another",
        replacement="Start them together: await asyncio.gather(...), or a TaskGroup; the request then takes as long as the slowest",
        snippet="user, shop = await asyncio.gather(ask_user(key), ask_shop(key))",
        when=(handler(), known(off_cpu=True), not_if(in_loop()), _independent_of_its_neighbours),
        unless=(keeps_a_rate(), in_order(), _is_query, _one_connection),
        needs=("off_cpu",),
        across=True,
        leave="The second call must not happen where the first one fails, or the service behind them takes one call at a time.",
        price=Price("amdahl", (1.3, 3)),
        source="langbot-app/LangBot#2058 (6 to 2 s); docs.python.org asyncio-task (running tasks concurrently)",
        stages=("serving",),
        effort=1,
    ),
)
