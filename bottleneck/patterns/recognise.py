"""Which known pattern a hot line is an instance of."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .known import PATTERNS
from .model import Hot, Pattern, Sighting


def recognise(seen: Sighting) -> Pattern | None:
    """The most specific pattern that the line is an instance of; None when it is none that we know."""
    found = list(matching(seen))
    beaten = {other for pattern in found for other in pattern.beats}
    left = [pattern for pattern in found if pattern.id not in beaten]
    return max(left, key=lambda pattern: len(pattern.when), default=None)


def matching(seen: Sighting) -> Iterator[Pattern]:
    """All patterns that the line is an instance of, in the order of the lists."""
    hot = [Hot(seen, node) for node in seen.nodes] or [Hot(seen, ast.Pass())]
    for pattern in PATTERNS:
        if pattern.fits(hot):
            yield pattern
