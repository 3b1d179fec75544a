"""What the requests of a load test cost, by the price of the server's machine. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import LoadError

if TYPE_CHECKING:
    from ..prices import Prices
    from .run import Result


@dataclass(frozen=True)
class ServedCost:
    """``per_1000_requests``: good ones, at ``requests_per_second``, of one server; ``at_knee``: that is the rate of the
    knee, otherwise the throughput of the test."""

    per_hour: float
    currency: str
    requests_per_second: float
    per_1000_requests: float
    at_knee: bool


def machine_price(prices: Prices | None, asked: bool) -> tuple[float, str] | None:
    """(price per hour, currency) of the server's machine; None without one. Raises LoadError where it was ``asked``
    for, and only the parts of a machine have prices."""
    if prices is not None and prices.machine is not None:
        return prices.machine, prices.currency
    if asked:
        raise LoadError("--price-per-hour auto does not know the server's machine; give its price, as in 2.50")
    return None


def served_cost(result: Result, price: tuple[float, str] | None) -> ServedCost | None:
    """None without a price, without a good response, and where two servers are compared."""
    if price is None or result.total is None or result.versus is not None:
        return None
    at_knee = result.knee is not None and result.knee.rate is not None
    rate = result.knee.rate if result.knee is not None and result.knee.rate is not None else result.total.throughput
    if rate <= 0:
        return None
    per_hour, currency = price
    return ServedCost(per_hour, currency, rate, per_hour / 3.6 / rate, at_knee)
