"""What the program says of itself while it is recorded: ``stage``, ``steps``, ``mark``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from time import monotonic_ns as now
from typing import Any, TypeVar

from .. import signals
from .decorating import wrap

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
_modules = sys.modules


def _recorder() -> Any:
    """The recorder of this process; None when there is none, or one whose layout is another version's."""
    module = _modules.get("_bottleneck_child.agent.recorder")
    if module is None or module.signals.LAYOUT_VERSION != signals.LAYOUT_VERSION:
        return None
    return module.recorder()


def mark(name: str) -> None:
    """Put an instant called ``name`` on the timeline. Raises nothing; does nothing when nothing records."""
    recorder = _recorder()
    if recorder is not None:
        t0 = now()
        recorder.ring().put(signals.MARK, 0, t0, t0, recorder.string(str(name)))


class stage:
    """A named stretch of the program: ``with stage("clean"):`` or ``@stage("clean")``.

    Its wall time, in nanoseconds, is recorded when it ends, also when it ends by an exception. Stages nest, and
    each thread and each asyncio task can be in stages of its own. Decorates functions, generator functions (from the
    first item to the last), async functions, async generator functions, static and class methods. Raises TypeError
    when the name is missing (``@stage`` without parentheses) or a class is decorated.
    """

    __slots__ = ("_starts", "name")

    def __init__(self, name: str) -> None:
        if callable(name):
            raise TypeError('stage needs a name: @stage("load")')
        self.name = str(name)
        # One object may be entered by several threads and tasks at once: each has starts of its own.
        self._starts: ContextVar[tuple[int, ...]] = ContextVar("starts", default=())

    def __enter__(self) -> stage:
        self._starts.set((*self._starts.get(), now() if _recorder() is not None else 0))
        return self

    def __exit__(self, *_: object) -> None:
        *earlier, t0 = self._starts.get() or (0,)  # left in another context than entered: not measured
        self._starts.set(tuple(earlier))
        if t0:
            recorder = _recorder()
            if recorder is not None:
                recorder.ring().put(signals.STAGE, 0, t0, now(), recorder.string(self.name))

    def __call__(self, function: F) -> F:
        name = self.name
        wrapped: F = wrap(function, lambda: stage(name))
        return wrapped


def steps(iterable: Iterable[T], name: str = "step") -> Iterator[T]:
    """Yield the items of ``iterable``, and record one step per item: ``for batch in steps(batches):``.

    A step lasts from one item to the next, so it holds the body of the loop and the wait for the next item, as the
    steps of a DataLoader do; after ``break`` it ends with the loop. The wait is recorded as ``data_wait``, once:
    where the items come from a DataLoader, also through tqdm or enumerate, its own record counts. Raises what
    ``iterable`` raises; TypeError at the first item when it is not iterable.
    """
    source = iter(iterable)
    waits = _Waits()
    label = str(name)
    started = 0
    try:
        for item in _timed(source, waits):
            recorder = _recorder()
            if recorder is not None:
                t1 = now()
                if started:
                    recorder.ring().put(signals.STEP, 0, started, t1, recorder.string(label))
                started = t1
            else:
                started = 0
            yield item
    finally:
        recorder = _recorder()
        if started and recorder is not None:
            recorder.ring().put(signals.STEP, 0, started, now(), recorder.string(label))


class _Waits:
    """Whether a hook of ours sees the waits of one loop already: None until its first item tells."""

    __slots__ = ("hooked",)

    def __init__(self) -> None:
        self.hooked: bool | None = None


def _timed(source: Iterator[T], waits: _Waits) -> Iterator[T]:
    """The items of ``source`` with the time in its ``next`` as data wait, unless a DataLoader's hook records that."""
    wait = signals.DATA_WAIT
    while True:
        recorder = _recorder()
        ring = recorder.ring() if recorder is not None else None
        if ring is None or not ring.on or waits.hooked or ring.phase == wait:
            try:
                item = next(source)
            except StopIteration:
                return
        elif waits.hooked is None:
            # The first item: nothing is known yet, so the phase stays closed and a hook further down may open it.
            outer, before, t0 = ring.phase, ring.count(wait), now()
            try:
                item = next(source)
            except StopIteration:
                return
            waits.hooked = ring.count(wait) != before
            if not waits.hooked:
                ring.close(wait, outer, t0, 0, signals.FIRST)
        else:
            outer, ring.phase, t0, flags = ring.phase, wait, now(), signals.RAISED
            try:
                item = next(source)
                flags = 0
            except StopIteration:
                flags = signals.END
                return
            finally:
                ring.close(wait, outer, t0, 0, flags)
        yield item
