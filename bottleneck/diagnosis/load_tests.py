"""What `bottleneck load` found of the server in a run, and what sets that server's capacity."""

from __future__ import annotations

from dataclasses import dataclass

from .findings import Location


@dataclass(frozen=True)
class LoadUse:
    """What a load test measured at one load, or of one ``route`` in it; None: the tool does not say.

    ``latency``, ``first_token``: seconds by "mean", "min", "max", "p50", "p99" ... ``knee``: more load than this gave
    hardly more throughput.
    """

    tool: str
    route: str
    clients: int | None
    asked_per_second: float | None
    requests: int | None
    failures: int
    per_second: float | None
    tokens_per_second: float | None
    latency: dict[str, float]
    first_token: dict[str, float]
    knee: bool = False


@dataclass(frozen=True)
class Resource:
    """``used``: mean number of ``places`` taken; ``capacity``: requests per second at which all are. ``shared``: those
    who want a place do not wait in a line; they take turns in it."""

    name: str
    places: float
    used: float
    capacity: float
    file: str
    line: int
    function: str
    samples: int
    shared: bool = False

    @property
    def share(self) -> float:
        return self.used / max(self.places, 1e-9)


@dataclass(frozen=True)
class Behind:
    """``limit``: sets the capacity; ``then``: the next one, once it is gone; ``hottest``: the line with most of the
    requests' time, with the mean number of requests in it. ``why``: why there is no limit, "" if there is."""

    throughput: float
    limit: Resource | None
    then: Resource | None
    hottest: Location | None
    in_hottest: float
    why: str


@dataclass(frozen=True)
class Range:
    """A prediction, and P10 to P90."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Percentile:
    """The 99th percentile at one rate, in seconds: measured, and after a fix; None where nothing is claimed."""

    rate: float
    now: float
    then: Range | None


@dataclass(frozen=True)
class After:
    """Requests per second and percentiles once ``finding`` (a detector's id) is fixed."""

    finding: str
    capacity_now: float
    capacity: Range
    p99: tuple[Percentile, ...]


@dataclass(frozen=True)
class LoadTested:
    """One load test.

    ``levels``: the figures at each rate, or of all requests. ``slo_seconds``: the objective, that 99 % of the requests
    take at most so long, and whether it was ``met``; both None without one, ``met`` also if nothing could be said, for
    the reason ``why``. ``searched``: for the knee, in requests per second with its 90 % interval.
    """

    url: str
    method: str
    levels: tuple[LoadUse, ...]
    slo_seconds: float | None = None
    met: bool | None = None
    why: str = ""
    searched: bool = False
    knee: float | None = None
    knee_low: float | None = None
    knee_high: float | None = None
    behind: Behind | None = None
    after: After | None = None
