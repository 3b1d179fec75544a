"""Facts about what the process holds in memory."""

from __future__ import annotations

from typing import ClassVar

from .base import Count, Fact, Int, Moment


class Container(Fact, frozen=True):
    """A container that has grown since the last look. ``key``: of the item inside it that grows, if one does."""

    kind: ClassVar[str] = "container"
    name: str
    file: str
    container: str
    length: Int
    time_ns: Moment
    item: str = ""
    item_bytes: Int | None = None
    site: Int | None = None
    scope: str = ""
    key: str = ""


class Collections(Fact, frozen=True):
    """Total time and number so far of the full collections that Python started by itself."""

    kind: ClassVar[str] = "collections"
    time_ns: Moment
    total_ns: Count
    count: Int
