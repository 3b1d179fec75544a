"""Chrome's JSON of events, as torch.profiler exports it, read as a stream: no file is held whole.

The bytes are cut between two events, at a place that is only guessed, and each part is decoded with the columns that
are used. A wrong guess leaves a string or a bracket open, so the part cannot be decoded; then it is cut by reading all
of its brackets, which also finds the end of the events.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from .trace_files import Damaged, Progress, pieces

_MAX_OTHER = 1 << 26  # bytes before the events, and behind them: what lies further from them is not read
_MAX_EVENT = 1 << 24  # bytes of one event
_EVENTS = re.compile(rb'(?<!\\)"traceEvents"\s*:\s*\[')
_BARE = re.compile(rb"(?:\xef\xbb\xbf)?\s*\[")
_BETWEEN = re.compile(rb"\}\s*,\s*\Z")
_BRACKET = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[][{}]', re.DOTALL)
_NO_JSON = re.compile(r"(?<=[:\s])-?(?:N/A|inf|nan|Infinity|NaN)(?=\s*[,}\]])")


class Arguments(msgspec.Struct, gc=False):
    """What is used of an event's arguments."""

    correlation: Any = 0
    device: Any = -1
    stream: Any = 0
    bytes: Any = 0
    stack: Any = msgspec.field(default=None, name="Call stack")


class Event(msgspec.Struct, gc=False):
    """One event; ``ts`` and ``dur`` in microseconds."""

    name: str = ""
    ph: str = ""
    cat: str = ""
    tid: Any = 0
    ts: float = 0.0
    dur: float = 0.0
    args: Arguments | None = None


class Header(msgspec.Struct):
    """What is used of a trace beside its events. Other keys, which may hold the whole environment, are not read."""

    deviceProperties: Any = None
    baseTimeNanoseconds: Any = 0  # to be added to all times, where it is given
    distributedInfo: Any = None


_UNREADABLE = (ValueError, RecursionError)  # what msgspec raises
_decode = msgspec.json.Decoder(list[Event], strict=False).decode


@dataclass
class EventStream:
    """The events of a file, in parts. ``header`` and ``problems``, ends of sentences, are known after the last part."""

    path: Path
    progress: Progress | None = None
    header: Header = field(default_factory=Header)
    problems: list[str] = field(default_factory=list)
    _lost: int = 0

    def __iter__(self) -> Iterator[list[Event]]:
        """Raises OSError, and ValueError for a file without a list of events."""
        content = self._content()
        before, rest = _up_to_events(content)
        done = False
        for piece in content:
            if done:
                rest += piece[: max(0, _MAX_OTHER - len(rest))]
                continue
            events, rest, done = self._part(rest + piece)
            yield events
        if not done:
            events, rest, done = self._part(rest, last=True)
            yield events
        if self._lost:
            self.problems.append(f"{self._lost} of its events cannot be decoded")
        if not done and (before is not None or rest.strip(b" \t\r\n,")):
            self.problems.append("it ends in the middle of its events")
        if before is not None:
            self.header = _header(before, rest if done else b"")

    def _content(self) -> Iterator[bytes]:
        try:
            yield from pieces(self.path, self.progress)
        except Damaged as problem:
            self.problems.append(str(problem))

    def _part(self, data: bytes, last: bool = False) -> tuple[list[Event], bytes, bool]:
        """(events that are complete in ``data``, the rest of it, whether that lies behind the last event)."""
        end = _guess(data)
        if end and not last:
            try:
                return _decode(_listed(data, end)), data[data.index(b"{", end) :], False
            except _UNREADABLE:
                pass
        ends, close = _read_brackets(data)
        if not ends:
            if len(data) > _MAX_EVENT:
                raise ValueError("one of its events is too long")
            return [], data if close is None else data[close:], close is not None
        return (
            self._decoded(data, ends),
            data[ends[-1] if close is None else close :].lstrip(b", \t\r\n"),
            close is not None,
        )

    def _decoded(self, data: bytes, ends: list[int]) -> list[Event]:
        """The events that end there; of several, those that can be decoded."""
        part = b"[%b]" % data[: ends[-1]].lstrip(b", \t\r\n")
        try:
            return _decode(part)
        except _UNREADABLE:
            pass
        try:  # what kineto is known to write (tb_plugin repairs it too) becomes 0
            return _decode(_NO_JSON.sub("0", part.decode("utf-8", "replace")))
        except _UNREADABLE:
            pass
        if len(ends) == 1:
            self._lost += 1
            return []
        found = list[Event]()
        begin = 0
        for end in ends:
            found += self._decoded(data[begin:end], [end - begin])
            begin = end
        return found


def _up_to_events(content: Iterator[bytes]) -> tuple[bytes | None, bytes]:
    """(the content up to its events, None for a list of events without anything else; what was read of them)."""
    start = b""
    for piece in content:
        searched = max(0, len(start) - 100)
        start += piece
        if bare := _BARE.match(start):
            return None, start[bare.end() :]
        if found := _EVENTS.search(start, searched):
            return start[: found.end()], start[found.end() :]
        if len(start) > _MAX_OTHER:
            break
    raise ValueError("it holds no list of events")


def _guess(data: bytes) -> int:
    """Where the last event but one seems to end; 0 if nothing looks like it."""
    at = len(data)
    while (at := data.rfind(b"{", 0, at)) > 0:
        if found := _BETWEEN.search(data, max(0, at - 200), at):
            return found.start() + 1
    return 0


def _listed(data: bytes, end: int) -> bytes:
    """The events up to there, as a list."""
    return b"".join((b"[", memoryview(data)[:end], b"]"))


def _read_brackets(data: bytes) -> tuple[list[int], int | None]:
    """(where each event ends, where their list does)."""
    ends, depth = list[int](), 0
    for found in _BRACKET.finditer(data):
        token = found[0]
        if token in (b"{", b"["):
            depth += 1
        elif token in (b"}", b"]"):
            depth -= 1
            if depth < 0:
                return ends, found.start()
            if depth == 0 and token == b"}":
                ends.append(found.end())
    return ends, None


def _header(before: bytes, after: bytes) -> Header:
    """From what stands before the events and what stands behind them, if that is complete."""
    for end in (after, b"]}"):
        try:
            return msgspec.json.decode(before + end, type=Header)
        except _UNREADABLE:
            pass
    return Header()
