"""Where the line to change stands, for patterns whose hot line only shows the symptom."""

from __future__ import annotations

import ast
from collections.abc import Callable

from .model import Sighting
from .places import WITH_BODY, calls_of, handlers

Cause = Callable[[Sighting], int | None]


def called(*names: str) -> Cause:
    """The only call of one of these in the file."""

    def find(seen: Sighting) -> int | None:
        lines = {call.lineno for call in calls_of(seen.source, *names)}
        return lines.pop() if len(lines) == 1 else None

    return find


def answered() -> Cause:
    """The last ``return`` of the request handler: the only one of the file, or the only one that was seen to run."""

    def find(seen: Sighting) -> int | None:
        found = _one_that_ran(seen, handlers(seen.source))
        if len(found) != 1:
            return None
        inside = [each for each in ast.walk(found[0]) if isinstance(each, ast.Return)]
        lines = [each.lineno for each in inside if seen.source.function(each) is found[0]]
        return max(lines, default=None)

    return find


def given() -> Cause:
    """The only request handler of the file that takes a body, or the only one of those that was seen to run."""

    def find(seen: Sighting) -> int | None:
        found = _one_that_ran(seen, handlers(seen.source, WITH_BODY))
        return found[0].lineno if len(found) == 1 else None

    return find


def _one_that_ran(
    seen: Sighting, found: list[ast.FunctionDef | ast.AsyncFunctionDef]
) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    ran = [each for each in found if each.name in seen.ran]
    return found if len(found) == 1 else ran
