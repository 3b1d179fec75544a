"""The suspended tasks of an event loop whose thread waits in its selector: which line of theirs waits for something.

What the loop waits for, its tasks know: each is a chain of coroutines that await one another. Only what waits for
something outside of the loop counts, such as an answer, a file, a thread or a clock. A task that waits for another one,
for a lock or for a queue is held up by whoever it waits for, and a server that waits for requests by nobody.

One such task, another one at each look, stands for all of them: they wait at the same time, and share it.

Nothing of the program is called and no variable is read. asyncio keeps its tasks in a set of weak references, which is
copied in one step; what each of them holds is read past what its class may have put in the way.
"""

import gc
import sys
from itertools import islice

LOOP = -1  # instead of a stack's id: an event loop stays in its place, whichever of its tasks is seen
MAX_TASKS = 16  # that wait for something outside, seen at one look: more tell no more
MAX_READ = 128  # tasks at one look; most may wait for a lock
_MAX_AWAITED = 64  # coroutines of one task
_get = object.__getattribute__
_name = type.__dict__["__name__"].__get__
_mro = type.__dict__["__mro__"].__get__
#: What the C code puts between two of them, which names only what it refers to.
_WRAPPERS = ("coroutine_wrapper", "async_generator_asend", "async_generator_athrow", "anext_awaitable")
_LOOPS = ("/asyncio/runners.py", "/uvloop/__init__.py")  # where the thread of a loop that is written in C stands

USER, LIBRARY, INNER, SERVES = range(4)  # what a frame belongs to
#: What a task waits for: something outside of the loop, a sleep of the user's, other tasks, something outside without
#: a line of the user's above it, or requests.
OUTSIDE, PAUSES, FOR_TASKS, HIDDEN, SERVING = range(5)
#: Waits for another task of the loop, wherever the user's own code calls it.
_PRIMITIVES = (
    "/asyncio/locks.py", "/asyncio/queues.py", "/asyncio/futures.py", "/asyncio/taskgroups.py", "/asyncio/tasks.py",
    "/anyio/_core/_synchronization.py", "/anyio/_core/_tasks.py", "/anyio/streams/memory.py",
)  # fmt: skip
_GROUPS, _ANYIO = ("/asyncio/taskgroups.py", "/asyncio/tasks.py"), "/anyio/_backends/_asyncio.py"
#: Waits for requests, or for the server's end, as the connections of a server of asyncio do.
_SERVERS = ("/uvicorn/server.py", "/hypercorn/asyncio/run.py", "/aiohttp/web.py", "/grpc/aio/_server.py")


async def _coroutine():
    pass


async def _generator():
    yield


def _plain():
    yield


_started = _coroutine()
_CHAINED = (
    (type(_started), lambda one: (one.cr_frame, one.cr_await)),
    (type(_plain()), lambda one: (one.gi_frame, one.gi_yieldfrom)),
    (type(_generator()), lambda one: (one.ag_frame, one.ag_await)),
)
_started.close()
del _started


class SuspendedTasks:
    """Used by the looking thread alone."""

    def __init__(self, recorder, stacks):
        self._recorder = recorder
        self._stacks = stacks
        self._codes = {}
        self._turn = 1
        self.on = True

    def walk(self, frame, ident):
        """(its place, the lines of a new place) of where the thread ``ident`` stands, and how many tasks wait there.

        0 where it is no event loop that stands in ``frame``, and where no task of the user's waits. No file is touched.
        """
        found, count = self._found(frame, ident) if self.on else ((), 0)
        if not found:
            return (*self._stacks.walk(frame), 0)
        return (*self._stacks.walk_all(found), count)

    def _found(self, frame, ident):
        """(the frames of one task that counts, innermost first and down to those of the loop; how many there are)."""
        module = sys.modules.get("asyncio.tasks")
        loop = None if module is None else _below_selector(frame)
        if loop is None:
            return (), 0
        try:
            tasks, count = self._waiting(module, ident, loop is frame)
        except RuntimeError:  # the set was changed while it was copied
            return (), 0
        except BaseException as error:
            self.on = False
            self._recorder.fail("tasks", "look", error)
            return (), 0
        found = tasks[self._turn % len(tasks)] if tasks else []
        while found and loop is not None and len(found) < 2 * _MAX_AWAITED:
            found.append(loop)
            loop = loop.f_back
        return found, count

    def _waiting(self, module, ident, in_c):
        """(the frames of each task that counts, of the kind that says most; for how many they stand)."""
        self._turn = self._turn * 16807 % 2147483647  # no rhythm that the program's could beat with
        stands = {OUTSIDE: [], PAUSES: [], FOR_TASKS: [], HIDDEN: [], SERVING: []}
        for task in self._tasks(module):
            try:
                waiter = _get(task, "_fut_waiter")
                if waiter is not None and _runs_in(_get(task, "_loop"), ident, in_c):
                    frames = _frames(_get(task, "_coro"))
                    stands.get(self._stands(module, task, waiter, frames), []).append(frames)
            except AttributeError:  # a class of its own that only looks like a task
                continue
            if len(stands[OUTSIDE]) + len(stands[PAUSES]) + len(stands[HIDDEN]) == MAX_TASKS:
                break
        # A clock that ticks beside a server that waits for requests keeps nobody waiting.
        best = stands[OUTSIDE] or (stands[PAUSES] if not stands[SERVING] else [])
        hidden = len(stands[HIDDEN])
        if len(best) == len(stands[FOR_TASKS]) == 1 and not hidden:
            best[0] += stands[FOR_TASKS][0]  # who waits for a task waits for this one
        if not best and hidden and not stands[SERVING]:
            return stands[FOR_TASKS], hidden
        return best, len(best)

    def _stands(self, module, task, waiter, frames):
        """What a task with these frames waits for; None where that is no matter of the user's."""
        kinds = [self._kind(frame.f_code) for frame in frames]
        user = kinds.index(USER) if USER in kinds else len(kinds)
        if SERVES in kinds[:user]:
            return SERVING
        if frames and _waits_for_tasks(module, waiter, frames[0].f_code):
            return FOR_TASKS if user < len(kinds) else None
        if LIBRARY not in kinds[:user] and not _of_executor(waiter):
            return None
        if user == len(kinds):
            return HIDDEN
        if frames[0].f_code.co_filename.endswith("/asyncio/streams.py") and _of_connection(task):
            return SERVING
        pauses = user == 1 and frames[0].f_code.co_name == "sleep"
        # What a library has started is no clock of the user's, but answers somebody.
        return PAUSES if pauses and kinds[-1] == USER and not _of_connection(task) else OUTSIDE

    def _tasks(self, module):
        weak = getattr(module, "_scheduled_tasks", None) or getattr(module, "_all_tasks", None)
        references = getattr(weak, "data", None)
        if type(references) is not set:
            return []
        count = len(references)
        begin = self._turn % (count - MAX_READ + 1) if count > MAX_READ else 0
        chosen = list(islice(references, begin, begin + MAX_READ))
        return [task for task in [reference() for reference in chosen] if task is not None]

    def _kind(self, code):
        known = self._codes.get(id(code))
        if known is None:
            # The code object is kept alive by it, so that its id stays its own.
            known = self._codes[id(code)] = self._kind_of(code), code
        return known[0]

    def _kind_of(self, code):
        if self._recorder.is_user(code):
            return USER
        name = code.co_filename.replace("\\", "/")
        if name.endswith(_SERVERS) or code.co_name == "serve_forever":
            return SERVES
        return INNER if name.endswith(_PRIMITIVES) and code.co_name != "sleep" else LIBRARY


def _below_selector(frame):
    """The frame of the event loop that waits in a selector, or in C; None where the thread stands elsewhere."""
    name = frame.f_code.co_filename
    if name.endswith(_LOOPS):
        return frame
    outer = frame.f_back
    if name.endswith("/selectors.py") and outer is not None and outer.f_code.co_name == "_run_once":
        return outer
    return None


def _runs_in(loop, ident, in_c):
    """Whether a loop runs in a thread. One that is written in C does not tell."""
    try:
        return _get(loop, "__dict__").get("_thread_id") == ident
    except AttributeError:
        return in_c


def _chained(kind):
    """What tells the frame of one of this kind, and what it awaits. A class may have an equality of its own."""
    return next((read for known, read in _CHAINED if kind is known), None)


def _frames(one):
    """The frames of a coroutine and of what it awaits, innermost first."""
    frames = []
    for _ in range(2 * _MAX_AWAITED):
        kind = type(one)
        chained = _chained(kind)
        if chained is not None:
            frame, one = chained(one)
            if frame is None:  # it has ended
                break
            frames.append(frame)
        elif _name(kind) in _WRAPPERS:
            one = next((each for each in gc.get_referents(one) if _chained(type(each))), None)
        else:
            break
    frames.reverse()
    return frames[:_MAX_AWAITED]


def _waits_for_tasks(module, waiter, code):
    tasks = module.Task, module._GatheringFuture
    if any(each is tasks[0] or each is tasks[1] for each in _mro(type(waiter))):
        return True
    name = code.co_filename.replace("\\", "/")
    if name.endswith(_ANYIO):
        return code.co_name == "__aexit__"
    return name.endswith(_GROUPS) and code.co_name != "sleep"


def _of_executor(waiter):
    """Whether a future is that of a thread or process pool: its first callback hands a cancellation on."""
    return _first_callback(waiter).endswith("_call_check_cancel")


def _of_connection(task):
    """Whether a task is that of a connection to a server of ``start_server`` (Python >= 3.11)."""
    return _first_callback(task).startswith("StreamReaderProtocol.connection_made")


def _first_callback(future):
    """The name of the function that is called first when a future is done, "" where that is none in Python."""
    try:
        callbacks = _get(future, "__dict__")["_callbacks"]
        called = callbacks[0][:1] if type(callbacks) is list and callbacks else ()
    except (AttributeError, KeyError):
        # One that is written in C refers to its first callback. Asked for them, it would copy all, which may be many.
        called = gc.get_referents(future)
    return next((each.__qualname__ for each in called if type(each) is type(_plain)), "")
