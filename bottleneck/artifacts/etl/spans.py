"""Time spans, (begin, end) in ns of the run's clock: merge, complement and overlap."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...recording.model import Recording

Span = tuple[int, int]


def merged(spans: list[Span]) -> list[Span]:
    """Sorted spans without overlaps."""
    result: list[Span] = []
    for start, end in sorted(spans):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        else:
            result.append((start, end))
    return result


def overlap(span: Span, others: list[Span]) -> int:
    """Nanoseconds of ``span`` covered by the merged ``others``."""
    return sum(max(0, min(span[1], end) - max(span[0], start)) for start, end in others)


def complement(spans: npt.NDArray[np.int64], recording: Recording) -> npt.NDArray[np.int64]:
    """The parts of the run that the merged spans, one per row, do not cover; a long run has one for each step."""
    starts, ends = np.append(recording.started_ns, spans[:, 1]), np.append(spans[:, 0], recording.ended_ns)
    found: npt.NDArray[np.int64] = np.array([starts, ends], "i8").T[ends > starts]
    return found
