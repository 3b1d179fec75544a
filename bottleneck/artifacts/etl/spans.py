"""Time spans, (begin, end) in ns of the run's clock: merge, complement and overlap."""

from __future__ import annotations

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


def complement(spans: list[Span], recording: Recording) -> list[Span]:
    """The parts of the run that the merged spans do not cover."""
    edges = [recording.started_ns, *(edge for span in spans for edge in span), recording.ended_ns]
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]
