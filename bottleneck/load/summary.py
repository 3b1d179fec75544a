"""Figures of a load test from its samples, and what may be said about them. Pure."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from .samples import OK, OUTCOMES, STOPPED, TIMEOUT, UNSENT, Samples

#: A 99th percentile is stated from here on: with fewer requests, even if none is above a value, one in a hundred may be
#: (99 % confidence: 0.99 ** 459 < 0.01).
LEAST_FOR_P99 = 459
#: The p99 of the send lag above which the generator, not the server, may have made the latency.
MAX_LAG_SECONDS = 0.005
_CONFIDENCE_Z = 1.96
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Latency:
    """Seconds from the planned send to the end of the response. Quantiles with too few requests are None.

    ``p99_low``, ``p99_high``: 95 % interval, from order statistics; None beyond the observed values.
    """

    count: int
    mean: float | None
    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None
    p99_low: float | None
    p99_high: float | None
    most: float | None

    @classmethod
    def of(cls, seconds: Floats) -> Latency:
        values = np.sort(seconds)
        count = len(values)
        if not count:
            return cls(0, *[None] * 8)
        p50, p90, p95, p99 = (float(np.percentile(values, each)) for each in (50, 90, 95, 99))
        enough = count >= LEAST_FOR_P99
        spread = _CONFIDENCE_Z * math.sqrt(count * 0.99 * 0.01)
        low, high = math.floor(count * 0.99 - spread), math.ceil(count * 0.99 + spread)
        return cls(
            count,
            float(values.mean()),
            p50,
            p90 if count >= 44 else None,
            p95 if count >= 90 else None,
            p99 if enough else None,
            float(values[max(0, low)]) if enough else None,
            float(values[high]) if enough and high < count else None,
            float(values[-1]),
        )

    @property
    def known(self) -> dict[str, float]:
        """Mean, largest and quantiles by their names, as far as there are enough requests."""
        found = {"mean": self.mean, "p50": self.p50, "p90": self.p90, "p95": self.p95, "p99": self.p99,
                 "max": self.most}  # fmt: skip
        return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True)
class Tokens:
    """Of streamed responses. Seconds to the first token, and tokens per second after it, of one response each."""

    first_seconds: Latency
    per_second_p50: float
    per_second_p10: float  # nine in ten responses were faster
    total_per_second: float


@dataclass(frozen=True)
class Summary:
    """``rate``: planned per second, None for a closed loop; ``throughput``: good responses per second; ``lag``: of
    sending behind the plan; ``refused``: why no verdict is given, "" if there is no reason."""

    planned: int
    rate: float | None
    throughput: float
    seconds: float
    latency: Latency
    lag_p50: float
    lag_p99: float
    failed: int
    unsent: int
    stopped: int
    outcomes: dict[str, int]
    statuses: dict[str, int]
    tokens: Tokens | None
    refused: str
    within: bool | None = None
    slo_seconds: float | None = None
    extra: dict[str, Any] = field(default_factory=dict)


def latencies(samples: Samples) -> Floats:
    """Seconds per request; of one that timed out, was stopped or never sent, how long it had taken until then."""
    lasted = (samples["end"] - samples["planned"]).astype(float) / 1e9
    found: Floats = lasted[counts(samples)]
    return found


def counts(samples: Samples) -> npt.NDArray[np.bool_]:
    """Requests whose latency says something about the server: not those that were refused at once."""
    answered = (samples["outcome"] == OK) & (samples["status"] < 400)
    found: npt.NDArray[np.bool_] = answered | np.isin(samples["outcome"], (TIMEOUT, STOPPED, UNSENT))
    return found


def failures(samples: Samples) -> npt.NDArray[np.bool_]:
    """Requests without a good response, other than those that the end of the test interrupted."""
    bad = (samples["outcome"] != OK) | (samples["status"] >= 400)
    found: npt.NDArray[np.bool_] = bad & (samples["outcome"] != STOPPED)
    return found


def lags(samples: Samples) -> Floats:
    """Seconds by which each request was sent behind the plan."""
    sent = samples[samples["sent"] > 0]
    found: Floats = (sent["sent"] - sent["planned"]).astype(float) / 1e9
    return found


def summary(samples: Samples, slo_seconds: float | None = None, closed: bool = False) -> Summary:
    """Figures of one test, or of one part of it."""
    lag = lags(samples)
    good = ~failures(samples) & (samples["outcome"] == OK)
    seconds = float(samples["end"].max() - samples["planned"].min()) / 1e9 if len(samples) else 0.0
    sending = float(np.ptp(samples["planned"])) / 1e9 if len(samples) > 1 else 0.0
    latency = Latency.of(latencies(samples))
    failed, unsent = int(failures(samples).sum()), int((samples["outcome"] == UNSENT).sum())
    lag_p99 = float(np.percentile(lag, 99)) if len(lag) else 0.0
    refused = _refused(latency, lag_p99)
    within = None
    if slo_seconds is not None and not refused:
        above = int((latencies(samples) > slo_seconds).sum()) + failed - int(np.sum(_slow_failures(samples)))
        within = above <= 0.01 * len(samples)
    return Summary(
        planned=len(samples),
        rate=None if closed or not sending else (len(samples) - 1) / sending,
        throughput=float(good.sum()) / max(seconds, 1e-9),
        seconds=seconds,
        latency=latency,
        lag_p50=float(np.percentile(lag, 50)) if len(lag) else 0.0,
        lag_p99=lag_p99,
        failed=failed,
        unsent=unsent,
        stopped=int((samples["outcome"] == STOPPED).sum()),
        outcomes={OUTCOMES[kind]: n for kind, n in sorted(Counter(samples["outcome"].tolist()).items())},
        statuses={str(kind): n for kind, n in sorted(Counter(samples["status"].tolist()).items()) if kind},
        tokens=_tokens(samples[good], seconds),
        refused=refused,
        within=within,
        slo_seconds=slo_seconds,
    )


def _slow_failures(samples: Samples) -> npt.NDArray[np.bool_]:
    """Failures whose latency counts already."""
    found: npt.NDArray[np.bool_] = failures(samples) & counts(samples)
    return found


def _refused(latency: Latency, lag_p99: float) -> str:
    if lag_p99 > MAX_LAG_SECONDS:
        late = f"1 % of the requests were sent more than {lag_p99 * 1e3:.1f} ms late"
        return f"{late}: the generator may be the limit itself"
    if latency.count < LEAST_FOR_P99:
        return f"{latency.count} requests are too few for a 99th percentile (at least {LEAST_FOR_P99})"
    return ""


def _tokens(good: Samples, seconds: float) -> Tokens | None:
    streamed = good[good["tokens"] > 0]
    if not len(streamed):
        return None
    first = (streamed["first"] - streamed["planned"]).astype(float) / 1e9
    lasted = np.maximum((streamed["end"] - streamed["first"]).astype(float) / 1e9, 1e-6)
    several = streamed["tokens"] > 1
    rates = (streamed["tokens"][several] - 1) / lasted[several] if several.any() else np.zeros(1)
    total = float(streamed["tokens"].sum()) / max(seconds, 1e-9)
    return Tokens(Latency.of(first), float(np.median(rates)), float(np.percentile(rates, 10)), total)


def storm(samples: Samples, least: int = 100) -> str:
    """Why to stop early: every one of the first requests has failed; "" if not."""
    bad = failures(samples)
    if len(samples) < least or not bad.all():
        return ""
    status = Counter(samples["status"].tolist()).most_common(1)[0][0]
    kind = Counter(samples["outcome"].tolist()).most_common(1)[0][0]
    return f"all of the first {len(samples)} requests failed ({f'HTTP {status}' if status else OUTCOMES[kind]})"
