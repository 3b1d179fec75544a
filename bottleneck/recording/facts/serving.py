"""Facts about applications that serve requests."""

from __future__ import annotations

from typing import ClassVar

from .base import Count, Fact, Int, Moment, Real


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


class ModelCopy(Fact, frozen=True):
    """A copy of the served model that took most time. ``site``: the line that calls it; ``name``: its class; ``size``:
    bytes of its weights; ``written_ns``: how long the thread took that wrote them. ``problem``: why there is none, as a
    clause."""

    kind: ClassVar[str] = "model_copy"
    site: Int
    name: str
    size: Count = 0
    written_ns: Count = 0
    problem: str = ""


class ModelProbe(Fact, frozen=True):
    """The copy as it is: ``seconds`` of a call with the first of its recorded ``inputs``, in inference mode.

    ``rows``: of that input, 0 if it has no batch dimension. ``linear_share``: of linear layers in the time of all
    operators. ``cache_bytes``: the CPU's largest cache; 0: not known. ``repeatable``: it draws no random numbers, so
    that outputs can be compared. ``problem``: why nothing was measured, as a clause.
    """

    kind: ClassVar[str] = "model_probe"
    problem: str = ""
    seconds: Real = 0
    inputs: Count = 0
    rows: Count = 0
    threads: Count = 0
    size: Count = 0
    dtype: str = ""
    linear_share: Real | None = None
    cache_bytes: Count = 0
    repeatable: bool = True


class ModelVariant(Fact, frozen=True):
    """The copy in another way. ``left_out``: why it was not measured, as a clause; then nothing else is known.

    ``ratio``, ``ratio_low``, ``ratio_high``: its time per row by that of the model as it is, over interleaved rounds.
    ``size``: bytes of the weights as saved, 0 if they are the same. ``max_drift``: the largest difference of an output;
    ``relative_drift``: by the largest output; ``agreement``: share of rows whose largest output is the same one. None:
    not known. ``how``: what makes it, as code. ``compile_seconds``: what its first call took.
    """

    kind: ClassVar[str] = "model_variant"
    name: str
    left_out: str = ""
    threads: Count = 0
    rows: Count = 0
    seconds: Real = 0
    ratio: Real = 0
    ratio_low: Real = 0
    ratio_high: Real = 0
    size: Count = 0
    max_drift: Real | None = None
    relative_drift: Real | None = None
    agreement: Real | None = None
    how: str = ""
    compile_seconds: Real | None = None
