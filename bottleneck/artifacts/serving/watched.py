"""Servers that were watched by their metrics: means, rates and queues of each, over the whole watch. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ...recording.facts.servers import Durations, WatchedServer
from ...recording.model import Recording, Table
from .. import Absent

Floats = npt.NDArray[np.float64]
MIN_LOOKS = 10  # fewer say nothing about how a gauge behaves


@dataclass(frozen=True, eq=False)
class Server:
    """One server, model or device. ``rows``: its columns of the table ``servers``; ``address_failed_share``: of the
    requests to its address, where that is counted."""

    fact: WatchedServer
    rows: Table
    durations: tuple[Durations, ...] = ()
    address_failed_share: float | None = None

    @property
    def name(self) -> str:
        """ "vLLM facebook/opt-125m" """
        return f"{self.fact.server} {self.fact.model}".strip()

    @property
    def looks(self) -> int:
        return len(self.rows["time_ns"])

    @property
    def one_page(self) -> bool:
        """Whether there is only one page: totals since the server's start, and no rate."""
        return self.looks < 2

    @property
    def seconds(self) -> float:
        """From the first look to the last one."""
        return float(self.rows["time_ns"][-1] - self.rows["time_ns"][0]) / 1e9 if self.looks else 0.0

    @property
    def settled(self) -> bool:
        """Whether there are enough looks for the means of gauges."""
        return not self.one_page and (self.looks >= MIN_LOOKS or self.fact.averaged)

    def known(self, name: str) -> Floats:
        """The values of a column that there are."""
        column = self.rows.get(name)
        if column is None:
            return np.zeros(0)
        found: Floats = column[~np.isnan(column)]
        return found

    def mean(self, name: str) -> float | None:
        """Of a gauge; None if the server does not say it."""
        values = self.known(name)
        return float(values.mean()) if len(values) else None

    def grown(self, name: str) -> float | None:
        """By how much a counter has grown; of a single page, what it holds since the server's start."""
        values = self.known(f"{name}_total")
        if not len(values):
            return None
        return float(values[0]) if self.one_page else float(values[-1] - values[0])

    def per_second(self, name: str) -> float | None:
        grown = self.grown(name)
        return None if grown is None or self.seconds <= 0 else grown / self.seconds

    def each(self, measure: str) -> float | None:
        """Mean seconds of a measure per request; None without requests."""
        seconds, count = self.grown(f"{measure}_seconds"), self.grown(f"{measure}_count")
        return seconds / count if seconds is not None and count else None

    @cached_property
    def requests(self) -> float | None:
        """That were finished."""
        found = [self.grown(name) for name in ("latency_count", "requests", "queue_count")]
        return next((value for value in found if value is not None), None)

    @property
    def requests_per_second(self) -> float | None:
        return None if self.requests is None or self.seconds <= 0 else self.requests / self.seconds

    @property
    def failed_share(self) -> float | None:
        """Of its requests, or of those to its address."""
        failed, all_of = self.grown("failures"), self.grown("requests")
        if failed is None or not all_of:
            return self.address_failed_share
        return failed / max(all_of, failed)

    @property
    def queue_share(self) -> float | None:
        """Of the time that finished requests took."""
        queue, latency = self.each("queue"), self.each("latency")
        return None if queue is None or not latency else min(1.0, queue / latency)

    @property
    def waiting(self) -> float | None:
        """Requests that wait, on average: as the server says, or by Little's law."""
        if not self.one_page and self.mean("waiting_requests") is not None:
            return self.mean("waiting_requests")
        waited = self.grown("queue_seconds")
        return None if waited is None or self.seconds <= 0 else waited / self.seconds

    @property
    def waiting_share(self) -> float | None:
        """Of the looks, in which a request waited; None if the server does not say how many wait."""
        values = self.known("waiting_requests")
        return None if not len(values) or self.fact.averaged else float((values >= 1).mean())

    @property
    def inside(self) -> float | None:
        """Requests inside the server, on average: as it says, or by Little's law."""
        running, waiting = self.mean("running_requests"), self.mean("waiting_requests")
        if running is not None and waiting is not None:
            return running + waiting
        took = self.grown("latency_seconds")
        return None if took is None or self.seconds <= 0 else took / self.seconds

    @property
    def batch(self) -> float | None:
        """Mean rows per batch."""
        batches, rows = self.grown("batches"), self.grown("batch_rows")
        return rows / batches if rows is not None and batches else None

    @property
    def busy_share(self) -> float | None:
        """Of the time in the model: what one request takes there, times the batches, as its requests share a batch."""
        each, batches = self.each("compute"), self.grown("batches")
        if each is None or batches is None or self.seconds <= 0:
            return None
        return each * batches / self.seconds

    def quantile(self, measure: str, share: float) -> float | None:
        """Seconds that this share of the requests stays below, by a straight line inside its bucket."""
        facts = [fact for fact in self.durations if fact.measure == measure]
        counts: dict[float, float] = {}
        for fact in facts:
            for bound, count in zip((*fact.bounds, np.inf), fact.counts, strict=False):
                counts[bound] = counts.get(bound, 0.0) + count
        total = sum(counts.values())
        below, seen = 0.0, 0.0
        for bound in sorted(counts):
            if total > 0 and seen + counts[bound] >= share * total > seen:
                return None if np.isinf(bound) else below + (bound - below) * (share * total - seen) / counts[bound]
            seen, below = seen + counts[bound], bound
        return None


@dataclass(frozen=True)
class Watched:
    """Everything that was watched, in the order in which it was first seen."""

    servers: tuple[Server, ...]

    @property
    def serving(self) -> tuple[Server, ...]:
        """Those that serve requests, and are no devices or machines."""
        return tuple(each for each in self.servers if each.requests is not None or each.waiting is not None)

    @property
    def devices(self) -> tuple[Server, ...]:
        """Those that say how busy they are."""
        return tuple(each for each in self.servers if each.mean("gpu_utilization_share") is not None)

    @classmethod
    def compute(cls, recording: Recording) -> Watched:
        table = recording.servers
        if not len(table.get("time_ns", ())):
            raise Absent("No server was watched by its metrics.")
        facts = {fact.number: fact for _, fact in recording.facts.of(WatchedServer)}
        durations = [fact for _, fact in recording.facts.of(Durations)]
        order = np.lexsort((table["time_ns"], table["server"]))
        numbers = table["server"][order]
        found = []
        for part in np.split(order, np.flatnonzero(np.diff(numbers)) + 1):
            number = int(table["server"][part[0]])
            fact = facts.get(number, WatchedServer(number, ""))
            rows = {name: column[part] for name, column in table.items()}
            found.append(Server(fact, rows, tuple(each for each in durations if each.number == number)))
        return cls(tuple(_with_failures(found)))


def _with_failures(servers: Sequence[Server]) -> list[Server]:
    """TorchServe counts failures for the host and requests for the models: they have the address in common."""
    shares: dict[str, float] = {}
    for each in servers:
        share = each.failed_share
        if share is not None:
            shares[each.fact.url] = max(share, shares.get(each.fact.url, 0.0))
    return [Server(each.fact, each.rows, each.durations, shares.get(each.fact.url)) for each in servers]
