"""The same recording from inside code: ``profile``, ``stage``, ``steps``, ``mark``.

Under ``bottleneck run`` they write into the recorder of that run. Without it, ``profile`` starts a run of its own and
the others record while it is open; when nothing records, each costs well below a microsecond and says nothing.
Exceptions of the user's code always pass through unchanged, and no failure of ours ever becomes one.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from time import monotonic_ns as now
from typing import TYPE_CHECKING, Any, TypeVar, overload

from . import signals

if TYPE_CHECKING:
    from os import PathLike

    from .capture.inside import Run
    from .diagnosis.model import Diagnosis, Ranked

__all__ = ["Profile", "ProfileError", "mark", "profile", "stage", "steps"]

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
_SIDECAR = "bottleneck_profiler.sidecar"
_modules = sys.modules
_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200  # code flags; inspect costs milliseconds to import


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
        wrapped: F = _wrap(function, lambda: stage(name))
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


# -- profile -----------------------------------------------------------------------------------------------------


class ProfileError(RuntimeError):
    """There is no diagnosis to read; the text says why in one sentence."""


class Profile:
    """What ``profile()`` returns: a context manager, a decorator, and the result once the block has ended.

    Blocks that overlap, nested or in several threads, are one run: it begins with the first and ends with the last,
    and all of them show its result. A block in a process that was forked from a recorded one joins it too.
    """

    def __init__(self, name: str | None, run_dir: str | PathLike[str] | None, stacks: str, quiet: bool) -> None:
        self._settings = (name, run_dir, stacks, quiet)
        self._open: list[Run] = []
        self._run: Run | None = None

    def __enter__(self) -> Profile:
        from .capture.inside import begin

        self._run = begin(*self._settings, _SIDECAR)
        self._open.append(self._run)
        return self

    def __exit__(self, *_: object) -> None:
        from .capture.inside import end

        end(self._open.pop())

    def __call__(self, function: F) -> F:
        """``function`` with each outermost call recorded as a run; ``function.result`` is the last call's Profile."""
        name, *others = self._settings
        label = name or getattr(function, "__name__", None)

        def context() -> Profile:
            made = Profile(label, *others)  # type: ignore[arg-type]
            vars(decorated)["result"] = made
            return made

        decorated: F = _wrap(function, context)
        vars(decorated)["result"] = None
        return decorated

    @property
    def run_dir(self) -> str | None:
        """The run's folder; None when nothing is recorded."""
        return self._run.run_dir if self._run is not None else None

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Wait until the diagnosis is written: True when it is there, False when it is not (yet).

        Answers False at once while the block is open, under ``bottleneck run`` (which reports when the program has
        ended), and when nothing was recorded.
        """
        return self._run is not None and self._run.wait(timeout_seconds)

    @property
    def diagnosis(self) -> Diagnosis:
        """The diagnosis, read from diagnosis.json at first use; waits until it is written.

        Raises ProfileError when there is none to read: the block is still open, ``bottleneck run`` records and
        reports later, or nothing could be recorded.
        """
        run = self._run
        if run is None or not run.wait(None):
            raise ProfileError(run.reason() if run is not None else "the profile has not been started")
        if run.diagnosis is None:
            try:
                run.diagnosis = _read_diagnosis(run.run_dir or "")
            except (OSError, ValueError) as error:
                raise ProfileError(f"the diagnosis in {run.run_dir} cannot be read: {error}") from None
        return run.diagnosis

    @property
    def findings(self) -> tuple[Ranked, ...]:
        """The findings, best first. Raises ProfileError as ``diagnosis`` does."""
        return self.diagnosis.findings

    def report(self, verbose: bool = False) -> str:
        """The report as the terminal shows it, as plain text; the reason, in one sentence, when there is none."""
        try:
            diagnosis = self.diagnosis
        except ProfileError as error:
            return f"bottleneck: {error}."
        return _as_text(diagnosis, verbose)


@overload
def profile(function: F, /) -> F: ...
@overload
def profile(
    *,
    name: str | None = None,
    run_dir: str | PathLike[str] | None = None,
    stacks: str = "auto",
    quiet: bool = False,
) -> Profile: ...
def profile(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    run_dir: str | PathLike[str] | None = None,
    stacks: str = "auto",
    quiet: bool = False,
) -> Any:
    """Record a block or a function: ``with profile() as result:``, ``@profile``, ``@profile(name="epoch")``.

    Under ``bottleneck run`` it joins that run and adds nothing to it. Otherwise the block is a run of its own, in
    ``.bottleneck/runs`` or the new or empty folder ``run_dir``: a second process copies the records meanwhile,
    prints the report to stderr afterwards (not with ``quiet``), and the program waits for it, 60 seconds at most,
    when it ends. Libraries that are imported already are hooked too, and unhooked when the block ends. ``stacks``:
    "auto", "pyinstrument" or "off". Processes that the block forks are recorded; those it spawns only by
    ``bottleneck run``. What prevents recording is said in one line on stderr, and the block runs as it is.

    Raises TypeError when a class is decorated; nothing else.
    """
    made = Profile(name, run_dir, stacks, quiet)
    return made if function is None else made(function)


def _read_diagnosis(run_dir: str) -> Diagnosis:
    """The Diagnosis of a finished run. Raises OSError or ValueError."""
    import json

    from .exporters.json import from_json

    with open(f"{run_dir}/diagnosis.json", encoding="utf-8") as file:
        return from_json(json.load(file))


def _as_text(diagnosis: Diagnosis, verbose: bool) -> str:
    """The terminal report as plain text, 100 columns wide."""
    from io import StringIO

    from rich.console import Console

    from .exporters import terminal

    out = StringIO()
    terminal.render(diagnosis, Console(file=out, width=100, color_system=None, force_terminal=False), verbose=verbose)
    return out.getvalue()


# -- decorating --------------------------------------------------------------------------------------------------


def _wrap(function: Any, context: Callable[[], Any]) -> Any:
    """``function`` inside ``context()``, of the same kind: plain, generator, coroutine, async generator, method."""
    if isinstance(function, (staticmethod, classmethod)):
        return type(function)(_wrap(function.__func__, context))
    if isinstance(function, type) or not callable(function):
        raise TypeError(f"only functions can be decorated, not {function!r}")
    flags = getattr(getattr(function, "__code__", None), "co_flags", 0)
    if flags & _ASYNC_GENERATOR:
        return _wrap_async_generator(function, context)
    if flags & _COROUTINE:

        @functools.wraps(function)
        async def run_async(*args: Any, **kwargs: Any) -> Any:
            with context():
                return await function(*args, **kwargs)

        return run_async
    if flags & _GENERATOR:

        @functools.wraps(function)
        def run_generator(*args: Any, **kwargs: Any) -> Any:
            with context():
                return (yield from function(*args, **kwargs))

        return run_generator

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        with context():
            return function(*args, **kwargs)

    return run


def _wrap_async_generator(function: Any, context: Callable[[], Any]) -> Any:
    """What ``yield from`` would do, which async generators do not have: values, sends, throws and close go through."""

    @functools.wraps(function)
    async def run(*args: Any, **kwargs: Any) -> Any:
        with context():
            inner = function(*args, **kwargs)
            try:
                value = await inner.__anext__()
                while True:
                    try:
                        sent = yield value
                    except GeneratorExit:
                        await inner.aclose()
                        raise
                    except BaseException as error:
                        value = await inner.athrow(error)
                    else:
                        value = await inner.asend(sent)
            except StopAsyncIteration:
                return

    return run
