"""``MicroBatcher``: one call of a model for the requests that arrive together. It needs the standard library only."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import os
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Overloaded(RuntimeError):
    """So many items wait already that another one is refused: answer 503, or try again later."""


class _Miscounted(ValueError):
    """The function is wrong, and not one of its items."""


class MicroBatcher(Generic[Item, Result]):
    """Collects the items of concurrent calls and hands them to ``function`` together.

    ``function(items)`` gets a list of 1 to ``max_batch`` items and returns one result for each, in their order. A plain
    function runs in a thread of the batcher's own; an ``async def`` function is awaited in the event loop.

    A batch starts when ``max_batch`` items wait, or when the first one has waited ``max_delay`` seconds, but not
    before the function has finished the batch before (``concurrency`` batches at once). With ``max_delay=0``, a batch
    is what arrived while the function was busy.

    Errors are of single items: a result that is an exception is raised for its own call alone. If ``function`` itself
    raises, its batch is halved and both halves are tried again, until only the calls of bad items fail;
    ``isolate=False`` raises it for the whole batch instead. A call that is cancelled takes its item out of the queue;
    the others of its batch do not notice.

    More than ``max_waiting`` items in the queue are refused with ``Overloaded``. ``warm_up`` is an example item: the
    function is called with it alone, and with ``max_batch`` of it, before the batcher takes items.

    Use it as ``async with batcher:`` and ``await batcher(item)``; or, in a program without an event loop, as ``with
    batcher:`` and ``batcher.call(item)`` from any thread. At the end of the block, items that wait are still answered.
    """

    def __init__(
        self,
        function: Callable[[list[Item]], Iterable[Result] | Awaitable[Iterable[Result]]],
        *,
        max_batch: int = 32,
        max_delay: float = 0.005,
        max_waiting: int = 1000,
        concurrency: int = 1,
        isolate: bool = True,
        warm_up: Item | None = None,
    ) -> None:
        if min(max_batch, max_waiting, concurrency) < 1 or max_delay < 0:
            raise ValueError("max_batch, max_waiting and concurrency are at least 1, and max_delay is at least 0")
        self.max_batch, self.max_delay, self.max_waiting = max_batch, max_delay, max_waiting
        self.concurrency, self.isolate = concurrency, isolate
        self.batches = 0  # that the function was called with, and the items in them
        self.items = 0
        self._function: Any = function
        self._awaits = any(map(inspect.iscoroutinefunction, (function, getattr(function, "__call__", None))))  # noqa: B004
        self._warm_up = warm_up
        self._waiting: OrderedDict[asyncio.Future[Result], tuple[Item, float]] = OrderedDict()  # with the due times
        self._running: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None  # while items are taken, or still answered
        self._taking = False
        self._timer: asyncio.TimerHandle | None = None
        self._own: threading.Thread | None = None  # runs the event loop of a program without one
        self._process = 0

    @property
    def waiting(self) -> int:
        """Items in the queue now."""
        return len(self._waiting)

    async def __call__(self, item: Item) -> Result:
        """The result of this item. Raises Overloaded, what ``function`` raised for it, or RuntimeError when closed."""
        loop = self._loop
        if loop is None or not self._taking or asyncio.get_running_loop() is not loop:
            raise RuntimeError("This MicroBatcher is not open in this event loop: use 'async with batcher:' around it.")
        if len(self._waiting) >= self.max_waiting:
            raise Overloaded(f"{len(self._waiting)} items wait for the model already.")
        answer: asyncio.Future[Result] = loop.create_future()
        self._waiting[answer] = item, loop.time() + self.max_delay
        self._advance()
        try:
            return await answer
        finally:
            self._waiting.pop(answer, None)  # the call was cancelled

    def call(self, item: Item, timeout: float | None = None) -> Result:
        """The same from a thread that runs no event loop; raises TimeoutError after ``timeout`` seconds."""
        loop = self._loop
        if loop is None or self._process != os.getpid():  # a forked process has no thread that would answer
            raise RuntimeError("This MicroBatcher is not open in this process: use 'with batcher:' around it.")
        if asyncio._get_running_loop() is not None:
            raise RuntimeError("call() would block the event loop of this thread: use 'await batcher(item)'.")
        answer = asyncio.run_coroutine_threadsafe(self(item), loop)
        try:
            return answer.result(timeout)
        finally:
            answer.cancel()  # after a timeout; otherwise it is done

    # -- begin and end -------------------------------------------------------------------------------------

    async def __aenter__(self) -> MicroBatcher[Item, Result]:
        if self._loop is not None:
            raise RuntimeError("This MicroBatcher is open already.")
        self._loop = asyncio.get_running_loop()
        self._process = os.getpid()
        self._context = contextvars.copy_context()  # no batch runs in the context of one of its requests
        self._threads = ThreadPoolExecutor(self.concurrency, "micro-batcher")
        try:
            if self._warm_up is not None:
                for size in dict.fromkeys((1, self.max_batch)):
                    await self._results([self._warm_up] * size)
            self._taking = True
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        self._taking = False
        try:
            self._advance()
            while self._running:
                await asyncio.wait(self._running)
        finally:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self._threads.shutdown(wait=False)
            self._loop = None

    def __enter__(self) -> MicroBatcher[Item, Result]:
        loop = asyncio.new_event_loop()
        self._own = threading.Thread(target=loop.run_forever, name="micro-batcher-loop", daemon=True)
        self._own.start()
        try:
            return asyncio.run_coroutine_threadsafe(self.__aenter__(), loop).result()
        except BaseException:
            self._end(loop)
            raise

    def __exit__(self, *error: object) -> None:
        loop = self._loop
        if loop is not None:
            asyncio.run_coroutine_threadsafe(self.__aexit__(), loop).result()
            self._end(loop)

    def _end(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_soon_threadsafe(loop.stop)
        if self._own is not None:
            self._own.join()
        loop.run_until_complete(asyncio.sleep(0))  # a call of the last moment gets its RuntimeError
        loop.close()

    # -- batches -------------------------------------------------------------------------------------------

    def _advance(self) -> None:
        """Start each batch that is due while the function is free, and be called again when the next one is."""
        loop = self._loop
        while loop is not None and self._waiting and len(self._running) < self.concurrency:
            due = next(iter(self._waiting.values()))[1]
            if len(self._waiting) < self.max_batch and due > loop.time() and self._taking:
                if self._timer is None:
                    self._timer = loop.call_at(due, self._timed)
                return
            batch = [self._waiting.popitem(last=False) for _ in range(min(self.max_batch, len(self._waiting)))]
            calls = [(answer, item) for answer, (item, _) in batch]
            task = self._context.run(loop.create_task, self._answer(calls))
            self._running.add(task)
            task.add_done_callback(self._finished)

    def _timed(self) -> None:
        self._timer = None
        self._advance()

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._advance()

    async def _answer(self, calls: Sequence[tuple[asyncio.Future[Result], Item]]) -> None:
        """Give each call its result or its error."""
        calls = [call for call in calls if not call[0].done()]
        if not calls:
            return
        results: Sequence[Result | BaseException]
        try:
            results = await self._results([item for _, item in calls])
        except Exception as error:
            if self.isolate and len(calls) > 1 and not isinstance(error, _Miscounted):
                half = len(calls) // 2
                await self._answer(calls[:half])
                await self._answer(calls[half:])
                return
            results = [error] * len(calls)
        except BaseException:  # the program ends
            for answer, _ in calls:
                answer.cancel()
            raise
        for (answer, _), result in zip(calls, results, strict=True):
            if answer.done():
                continue  # its call was cancelled meanwhile
            if isinstance(result, StopIteration):  # a future cannot hold it
                answer.set_exception(RuntimeError(f"The batch function raised {result!r}."))
            elif isinstance(result, BaseException):
                answer.set_exception(result)
            else:
                answer.set_result(result)

    async def _results(self, items: list[Item]) -> list[Result]:
        """What the function returns for a batch, one result for each item. Raises what it raises."""
        assert self._loop is not None
        self.batches += 1
        self.items += len(items)
        if self._awaits:
            found = list(await self._function(items))
        else:
            found = await self._loop.run_in_executor(self._threads, self._run, items)
        if len(found) != len(items):
            raise _Miscounted(f"The batch function returned {len(found)} results for {len(items)} items.")
        return found

    def _run(self, items: list[Item]) -> list[Result]:
        return list(self._function(items))
