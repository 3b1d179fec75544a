"""The same recording from inside code: ``profile``, ``stage``, ``steps``, ``mark``. Silent when nothing records.

They join the recorder of ``bottleneck run``. Starting a supervisor from inside a plain program is not built yet:
``profile`` says so once and records nothing. Exceptions of the user's code always pass through unchanged.
"""

from __future__ import annotations

import functools
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from . import signals

T = TypeVar("T")
_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200  # code flags; inspect costs milliseconds to import


def _recorder() -> Any:
    """The recorder that ``bottleneck run`` put into this process; None without it or with another layout."""
    module = sys.modules.get("_bottleneck_child.recorder")
    if module is None or module.signals.LAYOUT_VERSION != signals.LAYOUT_VERSION:
        return None
    return module.recorder()


def mark(name: str) -> None:
    """Note an instant called ``name`` on the timeline."""
    recorder = _recorder()
    if recorder is not None:
        t0 = _now()
        recorder.ring().put(signals.MARK, 0, t0, t0, recorder.string(str(name)))


def _now() -> int:
    from time import monotonic_ns

    return monotonic_ns()


class stage:
    """A named stretch of the program: ``with stage("clean")`` or ``@stage("clean")``.

    Decorates functions, generator functions and async functions; TypeError for async generator functions.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._starts: list[int] = []

    def __enter__(self) -> stage:
        self._starts.append(_now())
        return self

    def __exit__(self, *_: object) -> None:
        t0 = self._starts.pop()
        recorder = _recorder()
        if recorder is not None:
            recorder.ring().put(signals.STAGE, 0, t0, _now(), recorder.string(str(self.name)))

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return _wrap(function, lambda: stage(self.name))


def _wrap(function: Callable[..., Any], context: Callable[[], Any]) -> Callable[..., Any]:
    flags = getattr(getattr(function, "__code__", None), "co_flags", 0)
    if flags & _ASYNC_GENERATOR:
        raise TypeError("async generator functions cannot be decorated; use the context manager inside")
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


def steps(iterable: Iterable[T], name: str = "step") -> Iterator[T]:
    """Yield the items of ``iterable``; each body of the loop is one step, the time in ``next`` is data wait."""
    source = iter(iterable)
    hooked = type(source).__module__.startswith("torch.utils.data")  # its data wait is recorded already
    while True:
        recorder = _recorder()
        ring = recorder.ring() if recorder is not None else None
        t0 = _now()
        if ring is None or hooked:
            try:
                item = next(source)
            except StopIteration:
                return
        else:
            outer, ring.phase, flags = ring.phase, signals.DATA_WAIT, signals.RAISED
            try:
                item = next(source)
                flags = 0
            except StopIteration:
                flags = signals.END
                return
            finally:
                ring.close(signals.DATA_WAIT, outer, t0, 0, flags)
        try:
            yield item
        finally:
            if recorder is not None:
                recorder.ring().put(signals.STEP, 0, t0, _now(), recorder.string(str(name)))


class profile:
    """``@profile``, ``@profile(name="x")`` or ``with profile() as result``: a named stage of the recorded run.

    ``run_dir`` is None when nothing records. ``diagnosis`` is readable once the run has ended; before, None.
    """

    def __new__(cls, function: Callable[..., Any] | None = None, *, name: str = "profile") -> Any:
        made = object.__new__(cls)
        made._stage = stage(name)
        made.run_dir = None
        if function is None:
            return made
        return made(function)

    run_dir: str | None
    _stage: stage

    def __init__(self, function: Callable[..., Any] | None = None, *, name: str = "profile") -> None:
        pass

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        name = self._stage.name
        return _wrap(function, lambda: profile(name=name))

    def __enter__(self) -> profile:
        recorder = _recorder()
        if recorder is None:
            warnings.warn("nothing records: start the program with `bottleneck run`", RuntimeWarning, stacklevel=3)
        else:
            self.run_dir = recorder.run_dir
        self._stage.__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        self._stage.__exit__(*details)

    @property
    def diagnosis(self) -> dict[str, Any] | None:
        """The content of diagnosis.json; None until the run has been analysed."""
        path = os.path.join(self.run_dir or "", "diagnosis.json")
        if self.run_dir is None or not os.path.exists(path):
            return None
        import json

        with open(path, encoding="utf-8") as file:
            return json.load(file)  # type: ignore[no-any-return]

    @property
    def findings(self) -> list[dict[str, Any]]:
        """The findings, best first; empty until the run has been analysed."""
        return list((self.diagnosis or {}).get("findings", []))
