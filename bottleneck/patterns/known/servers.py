"""Servers: how many requests they serve at once."""

import ast
from collections.abc import Iterator

from ..causes import called
from ..model import Hot, Pattern, Price, Sighting
from ..places import calls_of, handler, known, less, more, named, over
from ..shapes import any_of, argument, below, matches, not_if
from ..syntax import last_name, mentions, stored

_ALL_WAIT = 0.8  # of an executor's threads
_CROWD = 1.5  # requests for each thread
_ALWAYS_ONE = (
    "http.server.HTTPServer",
    "socketserver.TCPServer",
    "wsgiref.simple_server.make_server",
    "xmlrpc.server.SimpleXMLRPCServer",
)
_ONE_UNLESS_TOLD = ("werkzeug.serving.make_server", "werkzeug.serving.run_simple")
_MANY_UNLESS_TOLD = ("flask.Flask().run",)
_ALL = (*_ALWAYS_ONE, *_ONE_UNLESS_TOLD, *_MANY_UNLESS_TOLD)


def _made_for_one_thread(hot: Hot) -> bool:
    """The file starts a server that has one thread by what is written there."""
    for call in named(hot.source, _ALL):
        paths = hot.source.paths(call.func)
        if any(each.arg is None for each in call.keywords):
            continue  # **options may say anything
        told = argument(call, "threaded")
        value = told.value if isinstance(told, ast.Constant) else None
        if any(matches(path, *_ALWAYS_ONE) for path in paths):
            return True
        if any(matches(path, *_ONE_UNLESS_TOLD) for path in paths) and (told is None or value is False):
            return True
        if any(matches(path, *_MANY_UNLESS_TOLD) for path in paths) and value is False:
            return True
    return False


_ON_THE_SERVERS_THREAD = over("socketserver.py", "process_request", "finish_request")
_ON_ITS_OWN_THREAD = over("socketserver.py", "process_request_thread")


def _wait_for_each_other(hot: Hot) -> bool:
    """The threads wait for a lock, for the GIL or for what computes: more threads would wait for the same."""
    return hot.seen.waits_for in ("lock", "gil", "native", "memory")


def _locks_more_than_the_model(hot: Hot) -> bool:
    """``with lock:`` around several statements, of a lock made by threading."""
    node = hot.source.statement(hot.node)
    if not isinstance(node, ast.With) or len(node.body) < 2:
        return False
    return any(
        path in ("threading.Lock()", "threading.RLock()", "threading.Semaphore()", "threading.BoundedSemaphore()")
        for item in node.items
        for path in hot.source.paths(item.context_expr)
    )


def _one_by_one(hot: Hot) -> bool:
    return _takes_one(hot.seen) is not None


def _takes_one(seen: Sighting) -> int | None:
    """The line ``job = await queue.get()`` of an endless loop that hands a list of this one job to the hot function.

    A loop that collects more jobs (``get_nowait``, or a list that it appends to) makes batches.
    """
    for loop in (each for each in ast.walk(seen.source.tree) if isinstance(each, ast.While)):
        inside = [each for statement in loop.body for each in ast.walk(statement)]
        called = {last_name(each.func) for each in inside if isinstance(each, ast.Call)}
        if called & _COLLECTS:
            continue
        for job, line in _taken(loop):
            alone = [each for each in inside if isinstance(each, ast.List) and len(each.elts) == 1]
            handed = any(mentions(each, {job}) for each in alone) or "unsqueeze" in called
            if handed and any(last_name(each) == seen.function for each in inside if isinstance(each, ast.expr)):
                return line
    return None


def _taken(loop: ast.While) -> Iterator[tuple[str, int]]:
    """(name, line) of what the loop gets from a queue with ``get()``."""
    for statement in loop.body:
        value = statement.value if isinstance(statement, ast.Assign) else None
        value = value.value if isinstance(value, ast.Await) else value
        if isinstance(statement, ast.Assign) and isinstance(value, ast.Call) and last_name(value.func) == "get":
            for target in statement.targets:
                yield from ((name, statement.lineno) for name in stored(target))


_FEW = 0.75  # of the size that a batch may have


def _waits_for_a_window(hot: Hot) -> bool:
    """The file collects a batch with a time limit, and fewer requests wait at once than the batch may have."""
    found, tasks = _window(hot.seen), hot.seen.tasks
    return found is not None and tasks is not None and 1.0 < tasks < _FEW * found[1]


def _window(seen: Sighting) -> tuple[int, int] | None:
    """(line, size) of ``while len(batch) < size:`` around ``await asyncio.wait_for(queue.get(), limit)``."""
    for loop in (each for each in ast.walk(seen.source.tree) if isinstance(each, ast.While)):
        size = _size(seen, loop.test)
        for call in (each for each in ast.walk(loop) if isinstance(each, ast.Call)):
            first = call.args[0] if call.args else None
            gets = isinstance(first, ast.Call) and last_name(first.func) == "get"
            if size is not None and gets and last_name(call.func) in ("wait_for", "timeout"):
                return call.lineno, size
    return None


def _size(seen: Sighting, test: ast.expr) -> int | None:
    """``size`` of ``len(batch) < size``, where it can be read."""
    for each in ast.walk(test):
        if isinstance(each, ast.Compare) and isinstance(each.ops[0], ast.Lt) and isinstance(each.left, ast.Call):
            if last_name(each.left.func) == "len":
                value = getattr(seen.source.literal(each.comparators[0]), "value", None)
                return value if isinstance(value, int) else None
    return None


def _where_it_waits(seen: Sighting) -> int | None:
    found = _window(seen)
    return None if found is None else found[0]


_COLLECTS = frozenset("get_nowait append extend empty qsize".split())


_EXECUTOR = "concurrent.futures.ThreadPoolExecutor"


def _requests_queue_for_the_executor(hot: Hot) -> bool:
    """The file's only executor has a few threads, all of which wait, and there are more requests than threads."""
    made = calls_of(hot.source, _EXECUTOR)
    sizes = [each.args[0] if each.args else argument(each, "max_workers") for each in made]
    size = getattr(hot.source.literal(sizes[0]), "value", None) if len(sizes) == 1 else None
    seen = hot.seen
    if not isinstance(size, int) or seen.threads is None or seen.in_flight is None:
        return False
    return seen.threads >= _ALL_WAIT * size and seen.in_flight >= _CROWD * size


_SEMAPHORES = tuple(f"{library}.{name}()" for library in ("asyncio", "anyio") for name in (
    "Semaphore", "BoundedSemaphore", "CapacityLimiter", "Lock"))  # fmt: skip


def _entered(hot: Hot) -> ast.expr | None:
    """The semaphore or lock of ``async with limit:`` around the node."""
    for outer in hot.source.above(hot.node):
        if isinstance(outer, ast.AsyncWith):
            for item in outer.items:
                if any(matches(path, *_SEMAPHORES) for path in hot.source.paths(item.context_expr)):
                    return item.context_expr
    return None


def _requests_queue_for_the_semaphore(hot: Hot) -> bool:
    """It lets in fewer requests than there are, and those inside wait."""
    entered, seen = _entered(hot), hot.seen
    made = hot.source.literal(entered)
    if not isinstance(made, ast.Call) or seen.in_flight is None:
        return False
    size = made.args[0] if made.args else argument(made, "value")
    literal = getattr(hot.source.literal(size), "value", None) if size is not None else 1
    return isinstance(literal, int) and seen.in_flight >= _CROWD * literal


def _where_made(seen: Sighting) -> int | None:
    """The line that makes the semaphore."""
    entered = next((found for node in seen.nodes if (found := _entered(Hot(seen, node))) is not None), None)
    made = seen.source.literal(entered)
    return made.lineno if isinstance(made, ast.Call) else None


PATTERNS = (
    Pattern(
        id="semaphore-too-small",
        title="Requests queue for a semaphore or a lock, while the requests that hold it wait for something else",
        replacement="Raise the limit to the number of calls that the service behind it can take (asyncio.Semaphore(32)); hold a "
        "lock only while shared data change, and not across an await",
        snippet="limit = asyncio.Semaphore(32)",
        when=(known(off_cpu=True, event_loop=True), more(share=0.2), _requests_queue_for_the_semaphore),
        needs=("off_cpu", "in_flight"),
        cause=_where_made,
        leave="The service behind it can take no more calls at once.",
        price=Price("overlap"),
        source="docs.python.org asyncio-sync",
        stages=("serving",),
        effort=1,
    ),
    Pattern(
        id="batch-window-never-full",
        title="Each batch waits for its time limit, because fewer requests wait at once than it may have",
        replacement="Take what is in the queue at once (get_nowait until it is empty) and start, so that a batch waits for "
        "the model instead of the clock; or shorten the limit to a few milliseconds",
        snippet="batch = [await queue.get()]\nwhile len(batch) < limit and not queue.empty():\n"
        "    batch.append(queue.get_nowait())",
        when=(known(off_cpu=True, event_loop=True), more(share=0.2), less(cores=0.5), _waits_for_a_window),
        needs=("off_cpu", "tasks", "cores"),
        cause=_where_it_waits,
        explains=("residual-python",),
        leave="More clients ask at once in production, so that batches fill before the limit.",
        price=Price("amdahl", (1.5, 20)),
        source="NVIDIA Triton user guide (max_queue_delay_microseconds), ray-project/ray Serve (batch_wait_timeout_s)",
        stages=("serving",),
        effort=1,
    ),
    Pattern(
        id="executor-too-small",
        title="Requests queue for an executor whose threads are all waiting",
        replacement="Give the ThreadPoolExecutor as many threads as there are requests at once (max_workers=32), or await an async client",
        snippet="pool = ThreadPoolExecutor(max_workers=32)",
        when=(
            known(off_cpu=True),
            more(share=0.2),
            over("concurrent/futures/thread.py"),
            _requests_queue_for_the_executor,
        ),
        unless=(_wait_for_each_other,),
        needs=("off_cpu", "in_flight", "threads"),
        cause=called(_EXECUTOR),
        leave="The function that the threads run must not run twice at once, or the service that it calls can take no more calls.",
        price=Price("overlap"),
        source="docs.python.org concurrent.futures (max_workers); fastapi/fastapi#4221",
        stages=("serving",),
        effort=1,
    ),
    Pattern(
        id="single-threaded-server",
        title="The server has one thread: while one request waits, all others wait for it",
        replacement="Serve with threads: threaded=True (app.run, make_server), ThreadingHTTPServer, or gunicorn --threads",
        snippet="server = make_server(host, port, app, threaded=True)",
        when=(
            handler(),
            known(off_cpu=True),
            any_of(_ON_THE_SERVERS_THREAD, lambda hot: not hot.seen.above and _made_for_one_thread(hot)),
            not_if(_ON_ITS_OWN_THREAD),
        ),
        needs=("off_cpu",),
        cause=called(*_ALL),
        leave="One client asks at a time, or the handler is not safe in several threads.",
        price=Price("overlap"),
        source="equinor/gordo#533, firestar5683/StarPilot#98, nasa-jpl/ASSESS#22",
        stages=("serving",),
        effort=1,
        risk=0.2,
    ),
    Pattern(
        id="sync-worker-waiting",
        title="Each gunicorn worker has one thread, which waits for its one request",
        replacement="Run gunicorn with --worker-class gthread --threads 8, or on an async server",
        snippet="gunicorn --workers 2 --worker-class gthread --threads 8 app:app",
        when=(handler(), known(off_cpu=True), over("gunicorn/workers/sync.py")),
        needs=("off_cpu",),
        leave="Handlers that compute (more processes instead).",
        price=Price("overlap"),
        source="benoitc/gunicorn#1488, heroku/python-getting-started#242, coralnet/coralnet#531",
        stages=("serving",),
        effort=1,
    ),
    Pattern(
        id="token-pool-full",
        title="All threads of the server's pool wait, and new requests wait for a thread",
        replacement="Await an async client for the slow call, or give it a CapacityLimiter of its own; raise "
        "anyio.to_thread.current_default_thread_limiter().total_tokens to the measured need",
        snippet="anyio.to_thread.current_default_thread_limiter().total_tokens = 120",
        when=(handler(), known(pool_full=True, off_cpu=True), not_if(known(event_loop=True))),
        unless=(_wait_for_each_other,),
        needs=("pool_full", "off_cpu"),
        leave="The threads compute, or the service that they ask bears no more calls.",
        price=Price("overlap"),
        source="open-webui/open-webui#13031, fastapi/fastapi#4552, #4221, agronholm/anyio#447",
        stages=("serving",),
    ),
    Pattern(
        id="queue-served-one-by-one",
        title="The consumer of a queue hands the model one request at a time, though others wait in the queue",
        replacement="Take what waits, up to a maximum, and call the model once with all of it; wait a few milliseconds for more "
        "only if requests are rare",
        snippet="jobs = [await queue.get()]\nwhile not queue.empty() and len(jobs) < 32:\n    jobs.append(queue.get_nowait())\n"
        "answers = predict([job.item for job in jobs])",
        when=(
            any_of(
                below("torch/nn/modules/module.py", "_wrapped_call_impl"), below("onnxruntime/capi/"), below("sklearn/")
            ),
            _one_by_one,
            more(share=0.1),
        ),
        needs=("share",),
        beats=("model-per-item",),
        cause=_takes_one,
        leave="Requests come one at a time, or a batch takes as long as its items one after another.",
        price=Price("amdahl", (1.3, 8)),
        source="docs.nvidia.com, Triton Inference Server, dynamic batcher; ShannonAI/service-streamer",
        stages=("serving",),
    ),
    Pattern(
        id="lock-around-handler",
        title="Requests queue for a lock that is held while each of them does its slow work",
        replacement="Hold the lock only for what is shared (the lookup and the insert, or the forward call), and fetch, prepare "
        "and encode without it; or take one lock per key",
        snippet="inputs = prepare(item)\nwith LOCK:\n    scores = model(inputs)\nanswer = make_answer(scores)",
        when=(handler(), known(off_cpu=True), _locks_more_than_the_model),
        needs=("off_cpu",),
        leave="The model is not thread-safe (keep the lock, but shrink it).",
        price=Price("measure"),
        source="FireFistisDead/pdf-qa-bot#158, rocketride-org/rocketride-server#1182, basetenlabs/truss#145",
        stages=("serving",),
    ),
)
