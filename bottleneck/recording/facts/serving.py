"""Facts about applications that serve requests."""

from __future__ import annotations

from typing import ClassVar

from .base import Count, Fact, Int, Moment


class Serving(Fact, frozen=True):
    """An application starts or stops serving. ``event``: begin, end, or address.

    ``address``: "port 8000" or a path; processes with the same address are workers of one service.
    ``server``: aiohttp, grpc, http.server or tornado; "" for the servers of ASGI and WSGI applications.
    """

    kind: ClassVar[str] = "serving"
    event: str
    time_ns: Moment
    address: str = ""
    server: str = ""


class Executor(Fact, frozen=True):
    """A ThreadPoolExecutor, its largest number of threads and the call site that made it.

    ``default``: asyncio made it for ``to_thread`` and ``run_in_executor(None, ...)``.
    """

    kind: ClassVar[str] = "executor"
    id: Int
    site: Int
    most: Int
    default: bool = False


class ModelCall(Fact, frozen=True):
    """How often the model has been called from a line so far."""

    kind: ClassVar[str] = "model_call"
    site: Int
    count: Int


class LruCache(Fact, frozen=True):
    """What ``functools.lru_cache`` counted for a function so far. ``site``: its first line; ``most``: None for ever."""

    kind: ClassVar[str] = "lru_cache"
    site: Int
    hits: Count
    misses: Count
    size: Count = 0
    most: Int | None = None
