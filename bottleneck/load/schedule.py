"""When requests are to be sent: planned before the test, independent of the server's answers. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_SPIKE = (0.4, 0.2, 0.4)  # shares of the time before, in and after a spike


@dataclass(frozen=True)
class Stage:
    """Requests per second, on average, for some seconds."""

    rate: float
    seconds: float


def soak(rate: float, seconds: float) -> list[Stage]:
    """One rate throughout."""
    return [Stage(rate, seconds)]


def steps(rates: Sequence[float], seconds: float) -> list[Stage]:
    """Each rate for ``seconds``."""
    return [Stage(rate, seconds) for rate in rates]


def spike(rate: float, peak: float, seconds: float) -> list[Stage]:
    """``rate`` with a fifth of the time at ``peak`` in the middle."""
    return [Stage(each, seconds * share) for each, share in zip((rate, peak, rate), _SPIKE, strict=True)]


def arrivals(stages: Sequence[Stage], seed: int, poisson: bool = True, limit: int = 10**6) -> tuple[Floats, Floats]:
    """Planned times in seconds from the start, ascending, and the rate planned at each; at most ``limit`` of them.

    Poisson: the gaps are exponential, as from many independent clients. Otherwise they are equal.
    """
    random = np.random.default_rng(seed)
    times, rates, begin = [], [], 0.0
    for stage in stages:
        if stage.rate > 0 and limit > 0:
            count = min(limit, int(stage.rate * stage.seconds + 8 * (stage.rate * stage.seconds) ** 0.5 + 16))
            gaps = random.exponential(1 / stage.rate, count) if poisson else np.full(count, 1 / stage.rate)
            offsets = np.cumsum(gaps) if poisson else np.cumsum(gaps) - gaps[0]
            offsets = offsets[offsets < stage.seconds * (1 - 1e-12)]
            times.append(begin + offsets)
            rates.append(np.full(len(offsets), stage.rate))
            limit -= len(offsets)
        begin += stage.seconds
    empty = np.empty(0)
    return np.concatenate([empty, *times]), np.concatenate([empty, *rates])
