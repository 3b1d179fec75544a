"""What waits one after another and could wait at the same time: awaits, blocking calls, and tasks behind a lock of one."""

import ast

from ..flow import LIBRARIES
from ..independence import awaited_call, goes_through_map, in_order, independent, keeps_a_rate, side_by_side
from ..model import Hot, Pattern, Price
from ..places import cached, handed_to, handler, known, less, loading, more, over, overlapped, step, uses
from ..shapes import all_of, any_of, argument, calls, first, running, text
from ..source import Source
from ..syntax import last_name, mentions, parameters, stored

_LOCKS = ("asyncio.Lock()", "anyio.Lock()")
_SEMAPHORES = ("asyncio.Semaphore()", "asyncio.BoundedSemaphore()", "anyio.Semaphore()", "anyio.CapacityLimiter()")
_QUERIES = frozenset("execute executemany fetchrow fetchval fetch_one fetch_all fetch_val scalar scalars".split())
#: Where a thread waits for others of the program, or computes with them.
_ELSEWHERE = (
    "multiprocessing/", "concurrent/futures/", "threading.py", "subprocess.py", "queue.py", "joblib/", "torch/",
    "tensorflow/", "jax/", "keras/", "selectors.py", "asyncio/", "tqdm/", "ray/", "dask/", "distributed/",
)  # fmt: skip
#: Libraries whose objects are one connection, one device or one browser, which answers in turn.
_ONE_AT_A_TIME = (
    "pyvisa", "serial", "pymodbus", "smbus", "smbus2", "spidev", "socket", "ftplib", "imaplib", "smtplib", "poplib",
    "telnetlib", "paramiko", "selenium", "playwright", "sqlite3", "psycopg", "psycopg2", "pymysql", "MySQLdb",
)  # fmt: skip
#: How a program waits for what it has asked of a device.
_SYNCHRONIZES = frozenset("item cpu numpy tolist synchronize block_until_ready device_get to cuda asnumpy".split())


def _is_query(hot: Hot) -> bool:
    """A statement for a database: ``await connection.fetchrow(...)``."""
    name = hot.node.func.attr if isinstance(hot.node, ast.Call) and isinstance(hot.node.func, ast.Attribute) else ""
    return name in _QUERIES or (name == "fetch" and first(text("select", "with", "insert", "update", "delete"))(hot))


def _waits_for_others(hot: Hot) -> bool:
    return any(frame.is_in(place) for frame in hot.seen.below for place in _ELSEWHERE)


def _a_library_sleeps(hot: Hot) -> bool:
    """A library keeps a rate, polls or tries again: side by side, its calls would sleep as long."""
    installed = any("/site-packages/" in frame.path for frame in hot.seen.below[-1:])
    return hot.seen.waits_for == "sleep" and installed


def _one_connection(hot: Hot) -> bool:
    """The call is of an object that answers in turn."""
    node = hot.node
    roots = {path.partition(".")[0] for path in hot.source.paths(node.func)} if isinstance(node, ast.Call) else set()
    frames = any(
        frame.is_in(f"{name}/") or frame.is_in(f"{name}.py") for frame in hot.seen.below[:1] for name in _ONE_AT_A_TIME
    )
    return frames or bool(roots & set(_ONE_AT_A_TIME))


def _waits_for_a_device(hot: Hot) -> bool:
    """``scores.cpu()``, ``x.block_until_ready()``, ``np.asarray(scores)`` in a file that computes on a device."""
    name = last_name(hot.node.func) if isinstance(hot.node, ast.Call) else ""
    return uses(*LIBRARIES)(hot) and name in _SYNCHRONIZES | {"asarray", "array"}


def _behind_a_lock_of_one(hot: Hot) -> bool:
    """The await stands in ``async with`` over a lock, or over a semaphore that lets one task in."""
    return any(
        _lets_one_in(hot.source, item.context_expr)
        for outer in hot.source.above(hot.node)
        if isinstance(outer, ast.AsyncWith) and hot.node not in [item.context_expr for item in outer.items]
        for item in outer.items
    )


def _lets_one_in(source: Source, value: ast.expr) -> bool:
    paths = source.paths(value)
    if any(path in _LOCKS for path in paths):
        return True
    made = {path.rpartition(".")[2].removesuffix("()") for path in paths if path in _SEMAPHORES}
    calls = [call for name in made for call in source.calls.get(name, [])]
    return bool(calls) and all(_number(source, call) == 1 for call in calls)


def _number(source: Source, call: ast.Call) -> object:
    given = source.literal(call.args[0] if call.args else argument(call, "value"))
    return 1 if given is None else getattr(given, "value", None)


def _for_one_connection(hot: Hot) -> bool:
    """What the lock protects is one connection, which answers in turn: none that each task opens behind the lock."""
    return (in_order()(hot) or _is_query(hot)) and not _opens_its_own(hot)


def _opens_its_own(hot: Hot) -> bool:
    """``async with lock: async with connect() as (reader, writer): await reader.readline()``."""
    opened = {
        name
        for outer in hot.source.above(hot.node)
        if isinstance(outer, ast.AsyncWith) and not any(_lets_one_in(hot.source, i.context_expr) for i in outer.items)
        for item in outer.items
        if isinstance(item.context_expr, ast.Call) and item.optional_vars is not None
        for name in stored(item.optional_vars)
    }
    return isinstance(hot.node, ast.Call) and mentions(hot.node.func, opened)


def _now_and_then(hot: Hot) -> bool:
    """Behind the lock it is asked whether the call is due, by what all tasks share: ``if now() > self.expires``."""
    function, own = hot.source.function(hot.node), set[str]()
    if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        own = (parameters(function) | stored(function)) - {"self"}
    for outer in hot.source.above(hot.node):
        if isinstance(outer, ast.AsyncWith):
            return False
        if isinstance(outer, ast.If) and not mentions(outer.test, own):
            return True
    return False


def _of_a_local_model(hot: Hot) -> bool:
    """``await asyncio.to_thread(model, x)``: what is behind the lock computes, and has all cores or the device."""
    name = last_name(hot.node.func) if isinstance(hot.node, ast.Call) else ""
    return name in ("to_thread", "run_in_executor", "run_sync", "run_in_threadpool") and uses(*LIBRARIES)(hot)


def _serves_itself(hot: Hot) -> bool:
    """The service is in the file, too: a task of it waits while one of its clients does."""
    return any(hot.source.calls.get(name) for name in ("start_server", "create_server", "start_unix_server"))


def _many_wait(hot: Hot) -> bool:
    """Other tasks wait meanwhile, so that little is gained; but a client waits for the whole of its own request."""
    return more(tasks=16)(hot) or (more(tasks=2)(hot) and not handler()(hot))


PATTERNS = (
    Pattern(
        id="sequential-awaits",
        title="Independent calls are awaited one after another, and their latencies add up",
        replacement="Start them together with asyncio.gather or a TaskGroup, with a Semaphore where the peer has a limit",
        snippet="limit = asyncio.Semaphore(8)\n\nasync def one(key):\n    async with limit:\n        return await fetch(key)"
        "\n\nanswers = await asyncio.gather(*(one(key) for key in keys))",
        when=(known(off_cpu=True), awaited_call(), independent()),
        unless=(keeps_a_rate(), side_by_side(), in_order(), _is_query, _one_connection, less(passes=3), _many_wait),
        needs=("off_cpu",),
        leave="A later call needs an earlier answer, the peer limits the rate, or the coroutines do not wait.",
        price=Price("overlap"),
        source="langbot-app/LangBot#2058 (6 to 2 s), davidusb-geek/emhass#894, python/cpython#96450",
        stages=("etl", "serving"),
    ),
    Pattern(
        id="awaited-query-per-key",
        title="One query is awaited for each key, one after another",
        replacement="Ask for all keys in one query (WHERE id = ANY($1), IN, executemany), or give each task a connection of "
        "a pool and start them with asyncio.gather",
        snippet="rows = await connection.fetch('select id, v from t where id = any($1)', keys)\n"
        "by_id = {row['id']: row for row in rows}",
        when=(known(off_cpu=True), awaited_call(), _is_query, independent()),
        unless=(keeps_a_rate(), side_by_side(), less(passes=3), more(tasks=2)),
        needs=("off_cpu",),
        leave="A transaction that must run in order.",
        price=Price("overlap"),
        source="sqlalchemy/sqlalchemy#6174 (4x in one statement), MagicStack/asyncpg#36",
        stages=("etl", "serving"),
    ),
    Pattern(
        id="one-task-at-a-time",
        title="A lock lets one task at a time wait for the service, so the calls of all tasks run one after another",
        replacement="Give the Semaphore the number of calls that the service bears (8 to 32), or hold the Lock for what is "
        "shared alone and await outside of it",
        snippet="limit = asyncio.Semaphore(16)\nasync with limit:\n    answer = await client.get(url)",
        when=(
            known(off_cpu=True),
            any_of(less(tasks=1.5), all_of(less(tasks=2.5), _serves_itself)),
            awaited_call(),
            _behind_a_lock_of_one,
            any_of(side_by_side(), handler()),
        ),
        unless=(keeps_a_rate(), _for_one_connection, cached(), _now_and_then, _of_a_local_model),
        needs=("off_cpu", "tasks"),
        leave="The service bears one call at a time, or the lock keeps a rate.",
        price=Price("overlap"),
        source="Oaklight/zerodep#76 (one lock around the client serialises all requests)",
        stages=("etl", "serving"),
    ),
    Pattern(
        id="blocked-call",
        title="Independent calls wait for a service or a disk one after another, and their latencies add up",
        replacement="Overlap them: ThreadPoolExecutor(8).map over the items (or an async client with asyncio.gather and a "
        "Semaphore); where there is a call for many items at once, use that",
        snippet="with ThreadPoolExecutor(8) as pool:\n    answers = list(pool.map(fetch, keys))",
        when=(more(waiting=0.7), any_of(all_of(running(), independent()), goes_through_map())),
        unless=(
            known(event_loop=True),
            loading(),
            step(),
            more(cores=0.6),
            overlapped(),
            handed_to("?.Process", "?.imap", "?.delayed"),
            over("concurrent/futures/thread.py"),
            over("threading.py", "run"),
            keeps_a_rate(),
            in_order(),
            _is_query,
            _one_connection,
            _waits_for_a_device,
            _a_library_sleeps,
            calls("os.system"),
            _waits_for_others,
            less(passes=5),
        ),
        needs=("waiting",),
        fallback=True,
        leave="A later call needs an earlier answer, the peer limits the rate, or the disk is at its limit.",
        price=Price("overlap"),
        source="notque/vexjoy-agent#133 (30 to 3 min), askui/python-sdk#114 (13.6 to 4.3 s)",
        stages=("etl", "serving"),
    ),
)
