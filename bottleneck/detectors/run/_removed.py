"""The share of a line's time that the fix of a known pattern removes, by the law of its price."""

from __future__ import annotations

from dataclasses import dataclass

from ...artifacts.run.host import Host
from ...artifacts.run.machine import Machine
from ...artifacts.run.user_lines import UserLine
from ...patterns import Pattern, Price

#: Law of a pattern -> (least, usual, most) share of the line's time that goes, where no factors are published.
_SHARES: dict[str, tuple[float, float, float]] = {
    "wait": (0.6, 0.9, 0.98),
    "overlap": (0.4, 0.75, 0.95),
    "once": (0.4, 0.75, 0.97),
    "growth": (0.6, 0.9, 0.98),
    "loader": (0.5, 0.8, 0.95),
}
_OF_IDEAL: dict[str, tuple[float, float, float]] = {  # the same, of what ideal workers on all cores would remove
    "cores": (0.4, 0.8, 1.2),
    "pool": (0.45, 0.85, 1.1),
}
_UNPUBLISHED = (0.1, 0.5, 0.9)
GUESS = 0.2  # confidence of those: only the line's time bounds what goes
_SIDE_BY_SIDE = 8  # tasks that wait at the same time (own)
_MOST = 0.97


@dataclass(frozen=True)
class Cores:
    """``all``: that the program may use; ``busy``: that it uses or waits for while a line runs.

    Other programs are not counted: they may be gone in the next run.
    """

    all: float
    busy: float

    @classmethod
    def during(cls, line: UserLine, machine: Machine | None, host: Host | None) -> Cores:
        begins, ends = int(line.rows["t0"].min()), int(line.rows["t1"].max())
        names = ("cpu_ns_total", "run_delay_ns_total")
        used = [host.rise(name, begins, ends) for name in names] if host is not None else []
        known = [each for each in used if each is not None]
        cores = machine.cores if machine is not None else 2.0
        return cls(max(1.0, cores), sum(known) / max(ends - begins, 1) if known else 1.0)


def removed(pattern: Pattern, cores: Cores) -> tuple[float, float, float, float]:
    """(least, usual, most) share of the line's time that goes, and how sure that is."""
    confidence = pattern.price.confidence
    least, usual, most, sure = _by_law(pattern.price, cores)
    return least, usual, most, sure if confidence is None else confidence


def _by_law(price: Price, cores: Cores) -> tuple[float, float, float, float]:
    if price.factors is not None:
        low, high = (1.0 - 1.0 / max(factor, 1.0) for factor in price.factors)
        return low, (low + high) / 2, high, 0.6 if low >= 0.5 else 0.4
    if price.law in _SHARES:
        return *_SHARES[price.law], 0.6
    if price.law in _OF_IDEAL:
        computes = 1.0 if price.law == "cores" else min(1.0, cores.busy)
        ideal = 1.0 - max(computes / cores.all, 1.0 / _SIDE_BY_SIDE if price.law == "pool" else 0.0)
        least, usual, most = (min(_MOST, factor * ideal) for factor in _OF_IDEAL[price.law])
        return least, usual, most, 0.6
    return *_UNPUBLISHED, GUESS
