"""Tasks of an event loop that queue for a lock, a semaphore or a connection of a client's pool.

The caller reads the frames of the suspended tasks. Nothing of the program runs here, and no variable is read.
"""

#: What tasks wait in for a connection: file -> coroutine.
_CONNECTIONS = {
    "/httpcore/_async/connection_pool.py": "wait_for_connection",
    "/aiohttp/connector.py": "_wait_for_available_connection",
    "/asyncpg/pool.py": "_acquire",
    "/psycopg_pool/pool_async.py": "wait",
    "/redis/asyncio/connection.py": "get_connection",
    "/aiomysql/pool.py": "_acquire",
}
_LOCKS = ("/asyncio/locks.py", "/anyio/_core/_synchronization.py", "/anyio/_backends/_asyncio.py")
_ACQUIRES = ("acquire", "acquire_on_behalf_of", "__aenter__")
_INSIDE = ("/asyncio/", "/anyio/", "/httpcore/_synchronization.py")  # what a pool of connections waits with
_OTHER, _PART, _LOCK, _CONNECTION = range(4)


class TaskQueues:
    """The queues of one look: tasks by the user's line at which they wait."""

    def __init__(self):
        self._codes = {}
        self._found = {}

    def begin(self):
        """Forget the last look."""
        self._found = {}

    def add(self, frames, user):
        """Whether a task queues. ``frames``: innermost first; ``user``: the index of the user's innermost one."""
        kinds = [self._kind(frame.f_code) for frame in frames[:user]]
        inner = next((kind for kind in kinds if kind not in (_PART, _LOCK)), None)
        if inner is not _CONNECTION and not (inner is None and _LOCK in kinds):
            return False
        place = id(frames[user].f_code), frames[user].f_lasti
        self._found.setdefault(place, [frames, 0])[1] += 1
        return True

    @property
    def longest(self):
        """(frames of one of its tasks, number of tasks) of the longest queue; ((), 0) without one."""
        return max(self._found.values(), key=lambda found: found[1], default=((), 0))

    def _kind(self, code):
        known = self._codes.get(id(code))
        if known is None:
            known = self._codes[id(code)] = _kind_of(code), code  # which keeps the code, and with it its id
        return known[0]


def _kind_of(code):
    name = code.co_filename.replace("\\", "/")
    if any(name.endswith(file) and code.co_name == function for file, function in _CONNECTIONS.items()):
        return _CONNECTION
    if name.endswith(_LOCKS) and code.co_name in _ACQUIRES:
        return _LOCK
    return _PART if any(part in name for part in _INSIDE) else _OTHER
