"""Two servers side by side: the same schedule and bodies, interleaved at random, and what differs. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .samples import Samples
from .summary import LEAST_FOR_P99, Summary, latencies, summary

_BLOCKS = 30  # of time: requests close in time meet the same disturbances
_RESAMPLES = 400
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ratio:
    """B over A, with a 95 % interval; None if it cannot be told. ``differs``: the interval leaves out 1."""

    value: float | None
    low: float | None
    high: float | None

    @property
    def differs(self) -> bool:
        return self.low is not None and self.high is not None and not self.low <= 1 <= self.high


@dataclass(frozen=True)
class Versus:
    """``a``, ``b``: each version's figures; ``mean``, ``p50``, ``p99``: ratios of latencies, ``good``: of the shares
    of good responses."""

    a: Summary
    b: Summary
    mean: Ratio
    p50: Ratio
    p99: Ratio


def interleaved(planned: Floats, seed: int) -> npt.NDArray[np.int64]:
    """0 or 1 for each request: of each two in a row, one goes to either version, in random order."""
    random = np.random.default_rng(seed + 1)
    first = random.integers(0, 2, (len(planned) + 1) // 2)
    return np.stack([first, 1 - first], axis=1).ravel()[: len(planned)]


def versus(samples: Samples, seed: int = 0) -> Versus:
    """Intervals by resampling stretches of time, both versions' together."""
    parts = [samples[samples["version"] == version] for version in (0, 1)]
    a, b = (summary(part) for part in parts)
    begin = int(samples["planned"].min()) if len(samples) else 0
    width = max(1, (int(np.ptp(samples["planned"])) if len(samples) else 0) // _BLOCKS + 1)
    values, blocks = [], []
    for part in parts:
        kept = part[np.isin(part["outcome"], (0, 2, 6, 7)) & (part["status"] < 400)]
        values.append(latencies(kept))
        blocks.append((kept["planned"] - begin) // width)
    enough = min(map(len, values))
    random = np.random.default_rng(seed)
    draws = [random.integers(0, _BLOCKS, _BLOCKS) for _ in range(_RESAMPLES)]
    by_block = [[each[at == block] for block in range(_BLOCKS)] for each, at in zip(values, blocks, strict=True)]
    drawn = [[np.concatenate([each[block] for block in draw]) for each in by_block] for draw in draws]

    def ratio(least: int, figure: object, *arguments: float) -> Ratio:
        assert callable(figure)
        if enough < least:
            return Ratio(None, None, None)
        whole = [float(figure(each, *arguments)) for each in values]
        found = [float(figure(two, *arguments)) / max(float(figure(one, *arguments)), 1e-12)
                 for one, two in drawn if len(one) and len(two)]  # fmt: skip
        low, high = (float(each) for each in np.percentile(found, (2.5, 97.5)))
        return Ratio(whole[1] / max(whole[0], 1e-12), low, high)

    return Versus(a, b, ratio(30, np.mean), ratio(30, np.percentile, 50), ratio(LEAST_FOR_P99, np.percentile, 99))
