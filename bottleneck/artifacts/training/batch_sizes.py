"""The cost of a step with a full batch and with the smaller batch that ends each pass over the data. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...recording.model import Recording
from .. import Missing
from ..loading.loader import Loader
from .steps import Floats, Steps

_ROUNDS = 200
_PHASES = ("h2d", "forward", "backward", "optimizer")  # phases that work on a batch


@dataclass(frozen=True)
class BatchSizes:
    """``full_seconds``: one value per step with a full batch of ``size`` samples; ``last_seconds``: per step with
    ``last_size`` samples.

    Copying to the device, forward, backward and optimizer only, without warm-up. ``epochs``: passes over all the data.
    """

    size: int
    last_size: int
    full_seconds: Floats
    last_seconds: Floats
    epochs: int

    @classmethod
    def compute(cls, recording: Recording, steps: Steps, loader: Loader) -> BatchSizes:
        samples, size = loader.facts.samples, loader.facts.batch_size
        if not samples or not size or size < 2:
            raise Missing("Batch sizes were not recorded.")
        last_size = 0 if loader.facts.drop_last else samples % size
        if not last_size:
            raise Missing("All batches have the same size.")
        batches = -(-int(samples) // int(size))
        seconds = np.sum([steps.rows[name] for name in _PHASES], axis=0) / 1e6
        loop = steps.rows["loop"]
        _, first, counts = np.unique(loop, return_index=True, return_counts=True)
        ends = np.zeros(len(loop), bool)
        ends[(first + counts - 1)[counts == batches]] = True  # of passes that covered all the data
        return cls(
            int(size),
            last_size,
            seconds[~steps.warm & ~ends],
            seconds[~steps.warm & ends],
            int((counts == batches).sum()),
        )

    def fixed_share(self) -> tuple[float, float, float]:
        """(share of a in T(b) = a + k b for full batches, its P10, its P90).

        Uses the lower quartile for both sizes: other work on the machine can only lengthen a step.
        """
        random = np.random.default_rng(7)
        draws = [
            self._share(
                random.choice(self.full_seconds, len(self.full_seconds)),
                random.choice(self.last_seconds, len(self.last_seconds)),
            )
            for _ in range(_ROUNDS)
        ]
        low, high = np.percentile(draws, [10, 90])
        return self._share(self.full_seconds, self.last_seconds), float(low), float(high)

    def _share(self, full: Floats, last: Floats) -> float:
        return fixed_share(self.size, float(np.percentile(full, 25)), self.last_size, float(np.percentile(last, 25)))


def fixed_share(size: int, seconds: float, other_size: int, other_seconds: float) -> float:
    """The part of ``seconds`` that does not depend on the size, from two points on a line: 0 to 1."""
    slope = (seconds - other_seconds) / (size - other_size)
    return min(1.0, max(0.0, 1.0 - max(0.0, slope) * size / max(seconds, 1e-9)))
