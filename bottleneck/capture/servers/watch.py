"""Looks at all servers at once, again and again: the latest figures for the screen, every row for the run folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ...addresses import public
from ...recording.facts.servers import Durations, WatchedServer
from ...recording.servers.page import NotAPage
from ...recording.servers.readings import Histogram, Readings, Row
from ...recording.servers.rules import Mapping
from ...recording.servers.signals import GAUGES, MEASURES
from .fetch import NoPage, Page

MAX_SERVERS = 10_000  # models and devices of all addresses: more are not followed


@dataclass(frozen=True)
class ServerNow:
    """A server, model or device at a look. ``values``: gauges, and since the look before: requests, tokens and failures
    ``_per_second``, the mean ``_seconds`` of each measure, ``batch_size``, and quantiles of the latency."""

    number: int
    url: str
    server: str
    model: str
    values: dict[str, float]


@dataclass(frozen=True)
class Look:
    """``servers``: those that answered; ``problems``: (address, why it did not)."""

    time_ns: int
    servers: list[ServerNow]
    problems: list[tuple[str, str]]
    rows: list[dict[str, float | int]]  # of the table ``servers``


@dataclass
class _Address:
    readings: Readings
    looks: int = 0
    failures: int = 0
    problem: str = ""  # the last one

    def failed(self, problem: str) -> str:
        self.failures, self.problem = self.failures + 1, problem
        return problem


@dataclass
class Watch:
    """``fetch``: gives the pages of addresses, each as it is now. ``own``: the user's mappings."""

    urls: Sequence[str]
    fetch: Callable[[Sequence[str]], dict[str, Page]]
    clock_ns: Callable[[], int]
    own: tuple[Mapping, ...] = ()
    servers: dict[tuple[str, str, str], int] = field(default_factory=dict)
    new: list[WatchedServer] = field(default_factory=list)  # since they were last taken
    _addresses: dict[str, _Address] = field(default_factory=dict)
    _before: dict[int, tuple[int, dict[str, float]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._addresses = {url: _Address(Readings(self.own)) for url in self.urls}

    def look(self) -> Look:
        """Ask every address once. Raises nothing: what cannot be read is a problem of that address."""
        pages = self.fetch(self.urls)
        now = self.clock_ns()
        servers, problems, rows = list[ServerNow](), list[tuple[str, str]](), list[dict[str, float | int]]()
        for url, address in self._addresses.items():
            try:
                if pages[url].problem:
                    raise NoPage(pages[url].problem)
                found = address.readings.read(pages[url].text)
            except NoPage as problem:
                problems.append((public(url), address.failed(str(problem))))
                continue
            except NotAPage as problem:
                problems.append((public(url), address.failed(f"cannot be used: {problem}")))
                continue
            address.looks += 1
            for row in found:
                number = self._number(url, row)
                if number is None:
                    continue
                rows.append({"time_ns": now, "server": number, **row.values})
                values = self._now(number, now, row, address.readings)
                servers.append(ServerNow(number, public(url), row.server, row.model, values))
        return Look(now, servers, problems, rows)

    def take_facts(self) -> list[WatchedServer | Durations]:
        """What is new since this was last asked for: servers, and the durations of requests."""
        facts: list[WatchedServer | Durations] = list(self.new)
        self.new.clear()
        for url, address in self._addresses.items():
            for (server, model, measure), histogram in address.readings.take().items():
                number = self.servers.get((url, server, model))
                if number is not None and any(histogram.counts.values()):
                    facts.append(durations(number, measure, histogram))
        return facts

    def notes(self) -> list[str]:
        """What was not measured, in whole sentences."""
        found = []
        for url, address in self._addresses.items():
            if address.failures:
                of = address.failures + address.looks
                found.append(f"{public(url)} {address.problem} ({address.failures} of {of} looks).")
            if address.readings.unreadable:
                found.append(f"{public(url)}: {address.readings.unreadable} lines of its pages could not be read.")
        return found

    def _number(self, url: str, row: Row) -> int | None:
        key = url, row.server, row.model
        number = self.servers.get(key)
        if number is None and len(self.servers) < MAX_SERVERS:
            number = self.servers[key] = len(self.servers)
            self.new.append(WatchedServer(number, public(url), row.server, row.model))
        return number

    def _now(self, number: int, now: int, row: Row, readings: Readings) -> dict[str, float]:
        before = self._before.get(number)
        self._before[number] = now, row.values
        values = {name: value for name, value in row.values.items() if name in GAUGES}
        if before is None or now <= before[0]:
            return values
        grown = {name: row.values[name] - value for name, value in before[1].items() if name in row.values}
        values |= recent(grown, (now - before[0]) / 1e9)
        latency = readings.latest.get((row.server, row.model, "latency"))
        for name, share in (("latency_p50_seconds", 0.5), ("latency_p99_seconds", 0.99)):
            quantile = None if latency is None else latency.quantile(share)
            if quantile is not None:
                values[name] = quantile
        return values


def recent(grown: dict[str, float], seconds: float) -> dict[str, float]:
    """What counters say of a while in which they have grown by so much."""
    found = {}
    done = grown.get("requests_total", grown.get("latency_count_total"))
    if done is not None:
        found["requests_per_second"] = done / seconds
    for name in ("failures", "prompt_tokens", "output_tokens", "preemptions"):
        if f"{name}_total" in grown:
            found[f"{name}_per_second"] = grown[f"{name}_total"] / seconds
    for name in MEASURES:
        count = grown.get(f"{name}_count_total", 0.0)
        if count > 0 and f"{name}_seconds_total" in grown:
            found[f"{name}_seconds"] = grown[f"{name}_seconds_total"] / count
    if grown.get("batches_total", 0.0) > 0 and "batch_rows_total" in grown:
        found["batch_size"] = grown["batch_rows_total"] / grown["batches_total"]
    cores = grown.get("host_cpu_seconds_total", 0.0)
    if cores > 0 and "host_cpu_idle_seconds_total" in grown:
        found["host_cpu_share"] = max(0.0, 1.0 - grown["host_cpu_idle_seconds_total"] / cores)
    return found


def durations(number: int, measure: str, histogram: Histogram) -> Durations:
    """The fact; what is beyond the last bound comes last."""
    bounds = sorted(bound for bound in histogram.counts if bound != float("inf"))
    counts = [histogram.counts[bound] for bound in bounds]
    return Durations(number, measure, tuple(bounds), (*counts, histogram.counts.get(float("inf"), 0.0)))
