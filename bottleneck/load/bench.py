"""Tests of a running server at one rate each, as the search for the knee asks for them."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from . import LoadError
from .fleet import Fleet
from .knee import Trial
from .samples import Samples, empty
from .schedule import arrivals, soak
from .summary import MAX_LAG_SECONDS, counts, failures, lags, latencies, storm

_CALM_REQUESTS = 3  # in a row that are as fast as on an idle server
_CALM_SECONDS = 10.0
_REPORTED_SECONDS = 0.5  # until samples are here
_ALONE_REQUESTS, _ALONE_SECONDS = 20, 2.0

Show = Callable[[str, float], None]  # what is being done, and the share of the time that is over


class LiveBench:
    """Implements ``knee.Bench``. ``samples``: of all tests so far; ``judged``: without those in which the generator
    was late."""

    def __init__(self, fleet: Fleet, slo_seconds: float, budget_seconds: float, seed: int, poisson: bool, show: Show):
        self._fleet = fleet
        self._slo = slo_seconds
        self._seconds = budget_seconds
        self._until = time.monotonic() + budget_seconds
        self._seed = seed
        self._poisson = poisson
        self._show = show
        self._alone: float | None = None
        self._number = 0
        self.samples: Samples = empty()
        self.judged: Samples = empty()
        self.cpu_seconds = 0.0
        self.interrupted = False

    def left(self) -> float:
        return 0.0 if self.interrupted else self._until - time.monotonic()

    def alone(self) -> float:
        """Median seconds of requests sent one after the other. Raises LoadError when none is answered well."""
        self._show("single requests", self._share())
        found = self._fleet.closed(1, _ALONE_SECONDS, _ALONE_REQUESTS, lambda *_: False)
        good = found[counts(found)]
        if not len(good):
            raise LoadError(storm(found, 1) or "no request was answered")
        self._alone = float(np.median(latencies(good)))
        return self._alone

    def trial(self, rate: float, seconds: float, stop: Callable[[int, int, float], bool]) -> Trial:
        self._seed += 1
        planned, rates = arrivals(soak(rate, seconds), self._seed, self._poisson)
        seen = [0, 0]
        began, ended_early = time.monotonic(), False

        def watch(samples: Samples, flying: int) -> bool:
            nonlocal ended_early
            passed = time.monotonic() - began
            self._show(f"{rate:,.4g}/s", self._share())
            seen[0] += len(samples)
            seen[1] += int(self._above(samples).sum())
            # Requests that should have been answered by now and are not count as above, too.
            late = max(0.0, min(seconds, passed - self._slo - _REPORTED_SECONDS) * rate - seen[0])
            hanging = min(late, flying)
            ended_early = ended_early or stop(int(seen[0] + hanging), int(seen[1] + hanging), passed)
            return ended_early or passed > seconds + max(1.0, 3 * self._slo)

        samples = self._fleet.open(planned, rates, watch, first_number=self._number)
        self.interrupted = self.interrupted or self._fleet.interrupted
        self._number += len(planned)
        self.cpu_seconds += self._fleet.cpu_seconds
        self.samples = np.concatenate([self.samples, samples])
        times = (samples["planned"] - samples["planned"][:1]) / 1e9
        late = int((lags(samples) > MAX_LAG_SECONDS).sum())
        trial = Trial(rate, times, self._above(samples), late, not ended_early)
        if not trial.generator_behind:
            self.judged = np.concatenate([self.judged, samples])
        return trial

    def recover(self) -> None:
        until = time.monotonic() + min(_CALM_SECONDS, max(0.0, self.left()))
        calm = 0
        while time.monotonic() < until and calm < _CALM_REQUESTS and not self.interrupted:
            self._show("waiting until the server is idle", self._share())
            found = self._fleet.closed(1, 1.0, 1, lambda samples, flying: time.monotonic() > until)
            self.interrupted = self._fleet.interrupted
            fast = len(found) and not failures(found).any() and latencies(found).max() <= self._calm_seconds
            calm = calm + 1 if fast else 0

    @property
    def _calm_seconds(self) -> float:
        return self._slo / 2 if self._alone is None else max(2 * self._alone, min(self._slo / 2, 4 * self._alone))

    def _above(self, samples: Samples) -> npt.NDArray[np.bool_]:
        """Failed, or took longer than the objective; of what the end of a test stopped, only what had taken longer."""
        lasted = (samples["end"] - samples["planned"]) / 1e9
        found: npt.NDArray[np.bool_] = failures(samples) | (lasted > self._slo)
        return found

    def _share(self) -> float:
        return min(1.0, 1 - (self._until - time.monotonic()) / self._seconds)
