"""Functions of every kind inside a context: plain, generators, coroutines, async generators, methods."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200  # code flags; inspect costs milliseconds to import


def wrap(function: Any, context: Callable[[], Any]) -> Any:
    """``function`` inside ``context()``, of the same kind: plain, generator, coroutine, async generator, method."""
    if isinstance(function, (staticmethod, classmethod)):
        return type(function)(wrap(function.__func__, context))
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
