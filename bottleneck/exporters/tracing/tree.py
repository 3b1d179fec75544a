"""Plain spans, and a builder that keeps ids deterministic and children inside their parents."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from ...recording.model import Site
from . import names

Value = str | bool | int | float
Attributes = dict[str, Value]


@dataclass(frozen=True)
class Event:
    """A point in time inside a span; ``time_ns``: wall clock."""

    name: str
    time_ns: int
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True)
class Link:
    """A link to a span of another trace; ids in lower-case hex."""

    trace_id: str
    span_id: str


@dataclass
class Span:
    """One span. ``trace_id`` has 32 hex digits, ``span_id`` 16; times are wall-clock nanoseconds, start <= end.

    ``parent``: span id in the same trace, None for the root. ``process``: key into ``Spans.processes``. ``server``:
    an incoming request. ``failed``: the program itself failed; never set for "slow".
    """

    name: str
    trace_id: str
    span_id: str
    parent: str | None
    start_ns: int
    end_ns: int
    process: int
    attributes: Attributes = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    server: bool = False
    failed: bool = False


@dataclass
class Builder:
    """Builds the spans of one run. ``offset_ns``: wall clock minus the recording's monotonic clock."""

    seed: str
    offset_ns: int
    spans: list[Span] = field(default_factory=list)
    processes: dict[int, Attributes] = field(default_factory=dict)  # resource attributes without service.name
    _made: int = 0

    def root(self, name: str, start: int, end: int, process: int, attributes: Mapping[str, Value]) -> Span:
        """Add the first span of a new trace; times in monotonic ns."""
        trace = self._id("trace", 32)
        return self._add(name, trace, None, start + self.offset_ns, end + self.offset_ns, process, attributes)

    def child(
        self, parent: Span, name: str, start: int, end: int, attributes: Mapping[str, Value], process: int | None = None
    ) -> Span:
        """Add a span inside ``parent``, clipped to it; times in monotonic ns."""
        begin = min(max(start + self.offset_ns, parent.start_ns), parent.end_ns)
        finish = min(max(end + self.offset_ns, begin), parent.end_ns)
        place = parent.process if process is None else process
        return self._add(name, parent.trace_id, parent.span_id, begin, finish, place, attributes)

    def _add(
        self, name: str, trace: str, parent: str | None, start: int, end: int, process: int, given: Mapping[str, Value]
    ) -> Span:
        span = Span(name, trace, self._id("span", 16), parent, start, max(start, end), process, dict(given))
        self.spans.append(span)
        return span

    def _id(self, kind: str, digits: int) -> str:
        self._made += 1
        digest = hashlib.sha256(f"{self.seed}/{kind}/{self._made}".encode()).hexdigest()[:digits]
        return digest if int(digest, 16) else "1".rjust(digits, "0")  # all zeros means "no id"


def code(site: Site | None) -> Attributes:
    """Attributes for a line of the user's code; none if it is unknown."""
    if site is None:
        return {}
    return {names.CODE_FILE: site.file, names.CODE_LINE: int(site.line), names.CODE_FUNCTION: site.function}
