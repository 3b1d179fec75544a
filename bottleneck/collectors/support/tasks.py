"""Finds the lines where the suspended tasks of an event loop wait while its thread is in the selector.

A task is a chain of coroutines that await one another. We count only tasks that wait for something outside the loop,
such as a response, a file, a thread or a timer. A task that waits for another task, a lock or a queue does not count,
since the task it waits for does. A server that waits for requests does not count either.

We pick one such task per sample, a different one each time: they all wait at the same time and share the time.

We call none of the program's code and read no variables. asyncio keeps its tasks in a set of weak references, which we
copy in one step, and we read the tasks without running overrides in their classes.
"""

import gc
import sys
from _weakref import ref
from itertools import islice

from .task_queues import TaskQueues

LOOP = -1  # instead of a stack id: an event loop stays in one place, whichever task we see
MAX_TASKS = 16  # waiting tasks per sample: more would add no information
MAX_READ = 128  # tasks read per sample; most may be waiting for a lock
_MAX_AWAITED = 64  # coroutines of one task
_get = object.__getattribute__
_name = type.__dict__["__name__"].__get__
_mro = type.__dict__["__mro__"].__get__
#: What the C code puts between two of them, which names only what it refers to.
_WRAPPERS = ("coroutine_wrapper", "async_generator_asend", "async_generator_athrow", "anext_awaitable")
_LOOPS = ("/asyncio/runners.py", "/uvloop/__init__.py")  # frames of the thread of a loop written in C

USER, LIBRARY, INNER, SERVES = range(4)  # what a frame belongs to
#: What a task waits for: something outside of the loop, a sleep of the user's, other tasks, something outside without
#: a line of the user's above it, requests, or a future that other code of the user's fulfils when an answer comes.
OUTSIDE, PAUSES, FOR_TASKS, HIDDEN, SERVING, ANSWERS = range(6)
_LASTING = 40  # looks in which a task waits for the same future: no answer takes that long
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
    """Used only by the sampling thread."""

    def __init__(self, recorder, stacks):
        self._recorder = recorder
        self._stacks = stacks
        self._codes = {}
        self._turn = 1
        self._queues = TaskQueues()
        self.queued = None  # (stack key, the lines if it is new, tasks in the longest queue, tasks that wait outside)
        self._futures = {}  # id -> a future that a task waits for, and the looks that have seen it
        self.on = True

    def walk(self, frame, ident):
        """(stack key, the lines if it is new) of the thread ``ident``, and the number of tasks that wait there.

        The number is 0 if ``frame`` is not in an event loop or no task of the user's waits. Touches no file.
        """
        found, count = self._found(frame, ident) if self.on else ((), 0)
        if not found:
            return (*self._stacks.walk(frame), 0)
        return (*self._stacks.walk_all(found), count)

    def _found(self, frame, ident):
        """(frames of one task that counts, innermost first, down to the loop's frames; number of such tasks)."""
        module = sys.modules.get("asyncio.tasks")
        loop = None if module is None else _below_selector(frame)
        if loop is None:
            return (), 0
        try:
            tasks, count = self._waiting(module, ident, loop is frame)
        except RuntimeError:  # the set changed while we copied it
            return (), 0
        except BaseException as error:
            self.on = False
            self._recorder.fail("tasks", "look", error)
            return (), 0
        found = tasks[self._turn % len(tasks)] if tasks else []
        queued, queue = self._queues.longest
        if queue > 1:
            self.queued = (*self._stacks.walk_all(queued), queue, count)
        while found and loop is not None and len(found) < 2 * _MAX_AWAITED:
            found.append(loop)
            loop = loop.f_back
        return found, count

    def _waiting(self, module, ident, in_c):
        """(frames of each task of the most informative kind; the number of tasks they represent)."""
        self._turn = self._turn * 16807 % 2147483647  # pseudo-random, so that it cannot alias with the program
        stands = {OUTSIDE: [], ANSWERS: [], PAUSES: [], FOR_TASKS: [], HIDDEN: [], SERVING: []}
        before, self._futures = self._futures, {}
        self._queues.begin()
        for task in self._tasks(module):
            try:
                waiter = _get(task, "_fut_waiter")
                if waiter is not None and _runs_in(_get(task, "_loop"), ident, in_c):
                    frames = _frames(_get(task, "_coro"))
                    kind = self._stands(module, task, waiter, frames)
                    if kind is ANSWERS:
                        same, looks = before.get(id(waiter), (None, 0))
                        if same is None or same() is not waiter:  # the memory of one is soon that of another
                            same, looks = ref(waiter), 0
                        self._futures[id(waiter)] = same, looks + 1
                        kind = ANSWERS if looks < _LASTING else None  # it ends the program, or a part of it
                    stands.get(kind, []).append(frames)
            except AttributeError:  # another class that only looks like a task
                continue
            if len(stands[OUTSIDE]) + len(stands[PAUSES]) + len(stands[HIDDEN]) == MAX_TASKS:
                break
        # A timer next to a server that waits for requests delays nothing.
        best = stands[OUTSIDE] or (stands[PAUSES] if not stands[SERVING] else [])
        # One task reads the connection and hands each answer to the task that waits for it.
        others = [frames for frames in stands[OUTSIDE] if not _hands_over(frames)]
        if stands[ANSWERS] and len(others) < len(stands[OUTSIDE]):
            best = stands[ANSWERS] + others
        hidden = len(stands[HIDDEN])
        if len(best) == len(stands[FOR_TASKS]) == 1 and not hidden:
            best[0] += stands[FOR_TASKS][0]  # tasks that wait for a task wait for this one
        if not best and hidden and not stands[SERVING]:
            return stands[FOR_TASKS], hidden
        return best, len(best)

    def _stands(self, module, task, waiter, frames):
        """The kind of wait of a task with these frames; None if the user's code is not involved."""
        kinds = [self._kind(frame.f_code) for frame in frames]
        user = kinds.index(USER) if USER in kinds else len(kinds)
        if SERVES in kinds[:user]:
            return SERVING
        if 0 < user < len(kinds) and self._queues.add(frames, user):
            return None  # for others of the loop
        if frames and _waits_for_tasks(module, waiter, frames[0].f_code):
            return FOR_TASKS if user < len(kinds) else None
        if LIBRARY not in kinds[:user] and not _of_executor(waiter):
            return ANSWERS if user == 0 and frames and _is_plain_future(module, waiter) else None
        if user == len(kinds):
            return HIDDEN
        if frames[0].f_code.co_filename.endswith("/asyncio/streams.py") and _of_connection(task):
            return SERVING
        pauses = user == 1 and frames[0].f_code.co_name == "sleep"
        # A task started by a library is not a timer of the user's, but responds to a request.
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
            # It keeps the code object alive, so that its id is not reused.
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
    """The frame of the event loop that waits in a selector or in C; None if the thread is elsewhere."""
    name = frame.f_code.co_filename
    if name.endswith(_LOOPS):
        return frame
    outer = frame.f_back
    if name.endswith("/selectors.py") and outer is not None and outer.f_code.co_name == "_run_once":
        return outer
    return None


def _runs_in(loop, ident, in_c):
    """Whether a loop runs in the thread. A loop written in C does not report its thread."""
    try:
        known = _get(loop, "__dict__")
    except AttributeError:
        return in_c
    return known["_thread_id"] == ident if "_thread_id" in known else in_c


def _chained(kind):
    """How to read the frame of an object of this type and what it awaits. By ``is``: a class may override equality."""
    return next((read for known, read in _CHAINED if kind is known), None)


def _frames(one):
    """The frames of a coroutine and of those it awaits, innermost first."""
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


def _hands_over(frames):
    """Whether the task may only hand on what others wait for, or waits for the end of a child program."""
    return frames[0].f_code.co_filename.endswith(("/asyncio/streams.py", "/asyncio/base_subprocess.py"))


def _is_plain_future(module, waiter):
    return type(waiter) is getattr(module.futures, "Future", None)


def _waits_for_tasks(module, waiter, code):
    tasks = module.Task, module._GatheringFuture
    if any(each is tasks[0] or each is tasks[1] for each in _mro(type(waiter))):
        return True
    name = code.co_filename.replace("\\", "/")
    if name.endswith(_ANYIO):
        return code.co_name == "__aexit__"
    return name.endswith(_GROUPS) and code.co_name != "sleep"


def _of_executor(waiter):
    """Whether a future belongs to a thread or process pool: its first callback propagates a cancellation."""
    return _first_callback(waiter).endswith("_call_check_cancel")


def _of_connection(task):
    """Whether a task handles a connection of ``start_server`` (Python >= 3.11)."""
    return _first_callback(task).startswith("StreamReaderProtocol.connection_made")


def _first_callback(future):
    """The name of the first callback of a future; "" if it is not a Python function."""
    try:
        callbacks = _get(future, "__dict__")["_callbacks"]
        called = callbacks[0][:1] if type(callbacks) is list and callbacks else ()
    except (AttributeError, KeyError):
        # A C future refers to its first callback. Reading its callbacks would copy them all, which may be many.
        called = gc.get_referents(future)
    return next((each.__qualname__ for each in called if type(each) is type(_plain)), "")
