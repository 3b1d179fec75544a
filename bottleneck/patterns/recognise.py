"""Which known pattern a hot line is an instance of."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .known import PATTERNS
from .model import Hot, Pattern, Sighting

Failures = dict[str, Exception]  # id of a pattern -> why it cannot judge a line


def recognise(seen: Sighting, failures: Failures | None = None) -> Pattern | None:
    """The most specific pattern that the line is an instance of; None when it is none that we know."""
    found = list(matching(seen, failures))
    beaten = {other for pattern in found for other in pattern.beats}
    left = [pattern for pattern in found if pattern.id not in beaten]
    return max(left, key=lambda pattern: (not pattern.fallback, len(pattern.when)), default=None)


def matching(seen: Sighting, failures: Failures | None = None) -> Iterator[Pattern]:
    """All patterns that the line is an instance of, in the order of the lists.

    One that fails is none of them, if it can be noted in ``failures``; otherwise it raises.
    """
    hot = [Hot(seen, node) for node in seen.nodes] or [Hot(seen, ast.Pass())]
    for pattern in PATTERNS:
        try:
            fits = pattern.fits(hot)
        except Exception as error:
            if failures is None:
                raise
            failures[pattern.id], fits = error, False
        if fits:
            yield pattern
