"""Pools of threads or processes whose workers wait: for the one who hands out the tasks, or for what they share."""

import ast

from ..flow import LIBRARIES
from ..independence import independent, keeps_a_rate
from ..loops import in_loop, loop_names
from ..model import Hot, Pattern, Price, Sighting
from ..places import known, less, more, over, uses
from ..shapes import all_of, any_of, argument, deep, leaf, matches
from ..syntax import last_name, line_of, mentions

_EXECUTORS = (
    "concurrent.futures.ThreadPoolExecutor",
    "concurrent.futures.ProcessPoolExecutor",
    "distributed.Client",
    "dask.distributed.Client",
    "loky.get_reusable_executor",
)
_POOLS = (
    "multiprocessing.Pool", "multiprocessing.pool.Pool", "multiprocessing.pool.ThreadPool", "multiprocessing.dummy.Pool",
    "multiprocessing.get_context().Pool", "torch.multiprocessing.Pool",
)  # fmt: skip
_SUBMITS = tuple(f"{name}().submit" for name in _EXECUTORS) + tuple(f"{name}().apply_async" for name in _POOLS)
_HANDS_OVER = (
    *(f"{name}().{method}" for name in _POOLS if "Thread" not in name and "dummy" not in name
      for method in ("map*", "imap*", "starmap*", "apply*")),
    *(f"concurrent.futures.ProcessPoolExecutor().{method}" for method in ("map", "submit")),
    *(f"asyncio.{loop}().run_in_executor" for loop in ("get_running_loop", "get_event_loop")),
)  # fmt: skip
_APPLIES = tuple(f"{name}().apply" for name in _POOLS)
_MAPS = tuple(f"{name}().{method}" for name in _POOLS for method in ("map", "starmap"))


def _awaits_one_task(hot: Hot) -> bool:
    """The line hands a task to a pool and waits for it in the same pass of a loop whose passes are independent."""
    task = _task(hot)
    if task is None or not independent()(Hot(hot.seen, task)):
        return False
    loop = hot.source.loops(task)[0]
    others = [each for each in ast.walk(loop) if isinstance(each, ast.Call) and each is not task]
    return not any(last_name(each.func) in ("submit", "apply_async", "remote") for each in others)


def _task(hot: Hot) -> ast.Call | None:
    """The call that hands over the task for which the line waits."""
    node = hot.node
    if not isinstance(node, ast.Call):
        return None
    name = last_name(node.func)
    if name in ("map", "starmap"):
        items = node.args[1] if len(node.args) > 1 else None
        return node if _is_of_one(items) and _is(hot, node, _MAPS) else None
    if name == "apply":
        return node if _is(hot, node, _APPLIES) else None
    if name == "get" and hot.source.paths(node.func) & {"ray.get"}:
        task = _made_just_before(hot, node, node.args[0]) if node.args else None
        remote = task is not None and last_name(task.func) == "remote" and not _of_one_actor(hot, task)
        return task if remote else None
    if name not in ("result", "get") or not isinstance(node.func, ast.Attribute) or node.args or node.keywords:
        return None  # with a timeout the pool is a guard, whatever its size
    task = _made_just_before(hot, node, node.func.value)
    return task if task is not None and _is(hot, task, _SUBMITS) else None


def _of_one_actor(hot: Hot, task: ast.Call) -> bool:
    """``actor.method.remote(item)`` of the same actor in each pass: it does one thing at a time."""
    method = task.func.value if isinstance(task.func, ast.Attribute) else None
    owner = method.value if isinstance(method, ast.Attribute) else None
    module = isinstance(owner, ast.Name) and owner.id in hot.source.imports
    return owner is not None and not module and not mentions(owner, loop_names(hot.source, task))


def _is_of_one(items: ast.expr | None) -> bool:
    """``[item]``"""
    one = isinstance(items, ast.List | ast.Tuple) and len(items.elts) == 1
    return one and not any(isinstance(each, ast.Starred) for each in ast.iter_child_nodes(items or ast.Pass()))


def _made_just_before(hot: Hot, node: ast.Call, value: ast.expr) -> ast.Call | None:
    """The value's call, written in place or in the statement right before: nothing else is done meanwhile."""
    if isinstance(value, ast.Call):
        return value
    statement = hot.source.statement(node)
    body = next((each for each in _blocks(hot.source.parents.get(statement)) if statement in each), [])
    before = body[body.index(statement) - 1] if statement in body[1:] else None
    if not isinstance(value, ast.Name) or not isinstance(before, ast.Assign) or not isinstance(before.value, ast.Call):
        return None
    named = [each.id for each in before.targets if isinstance(each, ast.Name)]
    return before.value if value.id in named else None


def _blocks(node: ast.AST | None) -> list[list[ast.stmt]]:
    fields = (getattr(node, name, None) for name in ("body", "orelse", "finalbody"))
    return [each for each in fields if isinstance(each, list)]


def _is(hot: Hot, call: ast.Call, names: tuple[str, ...]) -> bool:
    return any(matches(path, *names) for path in hot.source.paths(call.func))


def _of_one_worker(hot: Hot) -> bool:
    """The pools of the file have one worker each: it keeps work apart, and does not speed it up."""
    made = [
        call
        for calls in hot.source.calls.values()
        for call in calls
        if any(matches(path, *_EXECUTORS, *_POOLS) and "()" not in path for path in hot.source.paths(call.func))
    ]
    sizes = [
        [*each.args[:1], *(argument(each, name) for name in ("max_workers", "processes", "n_workers"))] for each in made
    ]
    given = [next((getattr(hot.source.literal(one), "value", None) for one in each if one), None) for each in sizes]
    return bool(given) and all(value == 1 for value in given)


def _threads_that_compute(hot: Hot) -> bool:
    """Threads are handed work that keeps a core busy: the GIL may allow no more."""
    task = _task(hot)
    threads = ("*ThreadPool*", "multiprocessing.dummy.*")
    return task is not None and _is(hot, task, threads) and more(cores=0.5)(hot)


#: Where a thread waits until another gives back one of the client's connections.
_WAITS_FOR_A_CONNECTION = all_of(
    any_of(leaf("queue.py", "get"), leaf("threading.py", "wait")),
    any_of(
        deep("urllib3/connectionpool.py", "_get_conn"),
        deep("sqlalchemy/pool/impl.py", "_do_get"),
        deep("psycopg_pool/pool.py", "getconn"),
        deep("redis/connection.py", "get_connection"),
        deep("httpcore/_sync/connection_pool.py", "wait_for_connection"),
    ),
)

_in_a_pools_thread = any_of(
    over("concurrent/futures/thread.py"), over("multiprocessing/pool.py"), over("joblib/"), over("threading.py", "run")
)


#: How semaphores are named, which let in as many as they are told to.
_COUNTING = frozenset("sem semaphore limit limiter slot slots permit permits tokens throttle quota".split())


def _handed_over(seen: Sighting) -> ast.Call | None:
    """The call by which a pool of processes got the tasks for which the line waits: on the line, on one that led to
    it, or in the function around one of these."""
    lines = [(seen.source, seen.line), *((source, line) for source, line in seen.callers if source is seen.source)]
    nodes = [node for source, line in lines for node in source.by_line.get(line, [])]
    around = [function for node in nodes if (function := seen.source.function(node)) is not None]
    inside = [each for function in dict.fromkeys(around) for each in ast.walk(function)]
    for node in (*nodes, *inside, *(() if around else ast.walk(seen.source.tree))):
        if isinstance(node, ast.Call) and any(matches(path, *_HANDS_OVER) for path in seen.source.paths(node.func)):
            return node
    return None


def _hands_over(hot: Hot) -> bool:
    return _handed_over(hot.seen) is not None


def _hands_over_itself(hot: Hot) -> bool:
    """``pool.map(self.work, ...)``: the whole object travels with each task."""
    call = _handed_over(hot.seen)
    given = call.args[0] if call is not None and call.args else None
    return isinstance(given, ast.Attribute) and isinstance(given.value, ast.Name) and given.value.id == "self"


def _line_of_hand_over(seen: Sighting) -> int | None:
    call = _handed_over(seen)
    return None if call is None else line_of(call)


def _takes_a_semaphore(hot: Hot) -> bool:
    """``self.limit.acquire()``"""
    called = hot.node.func if isinstance(hot.node, ast.Call) else None
    owner = called.value if isinstance(called, ast.Attribute) and called.attr == "acquire" else ast.Pass()
    return bool(_COUNTING & set(last_name(owner).lower().split("_")))


def _is_call(hot: Hot) -> bool:
    """Which of a line's calls takes the lock is not needed to say that the line waits for it."""
    return isinstance(hot.node, ast.Call)


def _takes_a_lock(hot: Hot) -> bool:
    """``lock.acquire()``, whatever the lock is reached by; the thread that has it stands on another line."""
    node = hot.node
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "acquire":
        return False
    return not any("Semaphore" in path for path in hot.source.paths(node.func))


def _waits_for_threads(hot: Hot) -> bool:
    """The lock is of something made to wait with: a queue, an event, a condition, another thread's end."""
    places = ("queue.py", "threading.py", "multiprocessing/", "concurrent/futures/", "asyncio/", "subprocess.py")
    name = last_name(hot.node.func) if isinstance(hot.node, ast.Call) else ""
    if isinstance(hot.node, ast.Call) and name == "iter" and len(hot.node.args) == 2:
        return True  # ``for job in iter(jobs.get, None)``
    return name in ("get", "put", "join", "wait", "result") or any(
        frame.is_in(place) for frame in hot.seen.below for place in places
    )


def _of_a_dict_or_list(hot: Hot) -> bool:
    """An item, or a method of a dict or a list: queues, locks and events are there to wait for others."""
    node = hot.node
    if isinstance(node, ast.Subscript):
        return True
    name = last_name(node.func) if isinstance(node, ast.Call) else ""
    return name in ("append", "setdefault", "update", "extend") or (name == "get" and bool(getattr(node, "args", None)))


PATTERNS = (
    Pattern(
        id="pool-task-by-task",
        title="Each task is waited for before the pool gets the next one, so that one worker works at a time",
        replacement="Hand over all tasks first and collect the results afterwards (pool.map over all items, imap_unordered, "
        "or submit all and then as_completed)",
        snippet="futures = [pool.submit(work, item) for item in items]\nresults = [future.result() for future in futures]",
        when=(known(off_cpu=True), _awaits_one_task),
        unless=(_of_one_worker, _threads_that_compute, keeps_a_rate(), less(passes=3)),
        needs=("off_cpu",),
        leave="A later task needs an earlier result, or the tasks must run in turn.",
        price=Price("pool"),
        source="ray-project/ray design patterns (ray.get in a loop), docs.python.org concurrent.futures",
        stages=("etl", "loading", "serving"),
        effort=1,
    ),
    Pattern(
        id="pool-big-args",
        title="The pool pickles the whole object with each task",
        replacement="Hand the data to the workers once (Pool(initializer=...)), and pass paths or row ranges to a plain function",
        snippet="with Pool(initializer=load, initargs=(path,)) as pool:\n    pool.map(work, ranges)",
        when=(more(pickling=0.05), _hands_over_itself),
        cause=_line_of_hand_over,
        needs=("pickling",),
        beats=("pool-tiny-tasks",),
        leave="Pickling takes under 5 %.",
        price=Price("once"),
        source="nikpau/pytsa#3 (a bound method drags the whole set), sciris/sciris#621, EntilZha/PyFunctional#85",
        stages=("etl",),
    ),
    Pattern(
        id="pool-pickles-tasks",
        title="The pool pickles large objects for its tasks, and that takes longer than the tasks themselves",
        replacement="Send what all tasks share to the workers once (Pool(initializer=..., initargs=...), not in a partial), "
        "and let each task read its own part: pass paths or ranges of rows",
        snippet="def load(table):\n    global TABLE\n    TABLE = table\n\n"
        "with Pool(initializer=load, initargs=(table,)) as pool:\n    results = pool.map(work, paths)",
        when=(more(pickling=0.4), _hands_over),
        unless=(_hands_over_itself,),
        cause=_line_of_hand_over,
        needs=("pickling",),
        beats=("pool-tiny-tasks",),
        leave="Each task needs a different object, and only the parent can make it.",
        price=Price("once"),
        source="docs.python.org multiprocessing (Programming guidelines: avoid shared state; initializer), "
        "StackOverflow 37068981, 53617425",
        stages=("etl", "serving"),
    ),
    Pattern(
        id="manager-proxy-per-item",
        title="Each access to a Manager's dict or list is a round trip to another process",
        replacement="Collect in a plain dict or list inside the task, return that, and merge the results in the parent; or "
        "send a whole batch at once (shared.update(part), or extend for a list)",
        snippet="def count(words):\n    return Counter(words)\n\ntotal = sum(pool.map(count, parts), Counter())",
        when=(
            deep("multiprocessing/managers.py", "_callmethod", "BaseProxy._callmethod"),
            _of_a_dict_or_list,
            in_loop(),
        ),
        unless=(less(passes=100),),
        leave="A few accesses in each task, such as a flag or a counter of finished tasks.",
        price=Price("amdahl", (10, 1000)),
        source="docs.python.org multiprocessing (Managers: slower than shared memory), StackOverflow 10415028",
        stages=("etl", "loading"),
    ),
    Pattern(
        id="pool-of-few-connections",
        title="Threads wait for each other's connections: the pool of connections is smaller than the pool of threads",
        replacement="Give the client as many connections as threads use it: urllib3 maxsize, requests HTTPAdapter("
        "pool_maxsize=), SQLAlchemy pool_size, httpx.Limits(max_connections=), psycopg_pool max_size, "
        "redis BlockingConnectionPool(max_connections=)",
        snippet="session.mount('https://', HTTPAdapter(pool_maxsize=16, pool_block=True))",
        when=(known(off_cpu=True), more(share=0.2), _WAITS_FOR_A_CONNECTION),
        needs=("share",),
        beats=("token-pool-full",),
        leave="The service bears no more connections.",
        price=Price("overlap", (1.3, 8)),
        source="psf/requests#2581, urllib3 user guide (maxsize, block), docs.sqlalchemy.org (pool_size)",
        stages=("etl", "serving"),
        effort=1,
    ),
    Pattern(
        id="threads-enter-in-turn",
        title="Threads wait for a lock inside this line, so that one of them works at a time",
        replacement="Give each thread a connection or a file of its own (threading.local, a pool of connections), hold the "
        "lock for what is shared alone, or use processes where the library locks itself (h5py, netCDF4, one sqlite3 "
        "connection)",
        snippet="local = threading.local()\n\ndef connection():\n    if not hasattr(local, 'connection'):\n"
        "        local.connection = sqlite3.connect(path)\n    return local.connection",
        when=(
            known(waits_for="lock"),
            more(threads=1.8, share=0.2),
            less(at_once=1.4),
            _in_a_pools_thread,
            any_of(_takes_a_lock, all_of(_is_call, more(at_once=0.6))),
        ),
        unless=(_waits_for_threads, _takes_a_semaphore, uses(*LIBRARIES)),
        needs=("waits_for", "at_once"),
        fallback=True,
        leave="What the lock protects cannot run twice at once, and no second one of it can be made.",
        price=Price("overlap", (1.2, 4)),
        source="h5py documentation, Multi-threading (one global lock); sqlite.org/threadsafe.html (serialized mode)",
        stages=("etl", "loading", "serving"),
    ),
)
