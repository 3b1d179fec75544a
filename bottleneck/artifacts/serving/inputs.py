"""How much of what models infer is padding to a fixed length. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ... import signals
from ...recording.facts import Batch
from ...recording.model import Recording
from .. import Absent, Missing

_MIN_LOOKS = 6  # of the passes 1, 2, 4, ..., and of one in 64


@dataclass(frozen=True)
class InferredInputs:
    """Token sequences that models were given without gradients. ``count``: passes looked at.

    ``fill``: the longest row's share of the padded width; mean over the passes. It is 1 where each batch is padded to
    its longest row.
    """

    count: int
    fill: float

    @classmethod
    def compute(cls, recording: Recording) -> InferredInputs:
        found = [fact for _, fact in recording.facts.of(Batch) if fact.loader == signals.INFERRED]
        if not found:
            raise Absent("No model inferred token sequences.")
        if len(found) < _MIN_LOOKS:
            raise Missing("Too few inferences of token sequences were looked at.")
        return cls(len(found), float(np.mean([max(fact.lengths, default=fact.width) / fact.width for fact in found])))
