"""Moves the times in a fact from one clock to another."""

from __future__ import annotations

from functools import cache
from typing import TypeVar, get_args, get_type_hints

import msgspec

from .base import Fact, Moment

F = TypeVar("F", bound=Fact)


@cache
def _moments(kind: type[Fact]) -> tuple[str, ...]:
    """The fields that hold a point in time; a duration is the same on every clock."""
    hints = get_type_hints(kind, include_extras=True)
    return tuple(name for name, hint in hints.items() if hint == Moment or Moment in get_args(hint))


def moved(fact: F, by_ns: int) -> F:
    """The fact with ``by_ns`` nanoseconds added to each of its points in time."""
    if not by_ns:
        return fact
    moments = {name: getattr(fact, name) for name in _moments(type(fact))}
    return msgspec.structs.replace(fact, **{name: ns + by_ns for name, ns in moments.items() if ns is not None})
