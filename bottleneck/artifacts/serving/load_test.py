"""A load test made by another tool: throughput and latency at each load, and the knee between them. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from ...recording.facts.servers import LoadLevel
from ...recording.model import Recording
from .. import Absent

#: Doubling the load must add 2 ** 0.25 - 1 = 19 % of throughput, else it only adds waiting.
LEAST_ELASTICITY = 0.25


@dataclass(frozen=True)
class LoadTest:
    """``levels``: by load, the lightest first. ``routes``: of tests that tell kinds of requests apart."""

    tool: str
    levels: tuple[LoadLevel, ...]
    routes: tuple[LoadLevel, ...] = ()

    @property
    def requests(self) -> int:
        """Of all levels, as far as the tool counts them."""
        return sum(level.requests or 0 for level in self.levels)

    @property
    def failed_share(self) -> float:
        """Of the requests of all levels."""
        failed = sum(level.failures for level in self.levels)
        return failed / max(self.requests, failed, 1)

    @property
    def last(self) -> LoadLevel:
        """The heaviest load."""
        return self.levels[-1]

    @property
    def best(self) -> LoadLevel:
        """The level with the highest throughput."""
        return max(self.levels, key=lambda level: throughput(level) or 0.0)

    @cached_property
    def knee(self) -> LoadLevel | None:
        """The first level after which no heavier load gave much more throughput; None if one did, up to the last."""
        known = [level for level in self.levels if load(level) and throughput(level)]
        for at, level in enumerate(known[:-1]):
            if all(_elasticity(level, more) < LEAST_ELASTICITY for more in known[at + 1 :]):
                return level
        return None

    @classmethod
    def compute(cls, recording: Recording) -> LoadTest:
        found = [fact for _, fact in recording.facts.of(LoadLevel)]
        levels = sorted((each for each in found if not each.route), key=lambda level: load(level) or 0.0)
        if not levels:
            raise Absent("No load test was imported.")
        return cls(levels[0].tool, tuple(levels), tuple(each for each in found if each.route))


def load(level: LoadLevel) -> float | None:
    """Clients, or requests per second that were to be sent."""
    return level.clients if level.clients else level.asked_per_second


def throughput(level: LoadLevel) -> float | None:
    """Tokens or requests per second: tokens where they are counted, as requests of language models differ in length."""
    return level.tokens_per_second or level.per_second


def typical(level: LoadLevel) -> float | None:
    """The median latency, else the mean."""
    return level.latency.get("p50", level.latency.get("mean"))


def _elasticity(before: LoadLevel, level: LoadLevel) -> float:
    more = math.log((throughput(level) or 1.0) / (throughput(before) or 1.0))
    loads = (load(level) or 1.0) / (load(before) or 1.0)
    return more / math.log(loads) if loads > 1.0 else LEAST_ELASTICITY
