"""Counts the tokens of a streamed response: its events (server-sent events) or lines (JSON lines)."""

from __future__ import annotations

import re

_EVENTS = ("text/event-stream",)
_LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/jsonlines",
          "application/x-jsonlines")  # fmt: skip
_USAGE = re.compile(rb'"completion_tokens"\s*:\s*(\d+)')
_TAIL = 4096  # bytes of the end in which the server may say how many tokens it sent
_NO_TOKEN = (b"", b"[DONE]")


class TokenCounter:
    """One event or line counts as one token, unless the server states ``completion_tokens`` at the end."""

    def __init__(self, events: bool) -> None:
        self._events = events
        self._rest = b""
        self._tail = b""
        self._count = 0

    @classmethod
    def of(cls, content_type: str) -> TokenCounter | None:
        """None for a type that is not a stream of tokens."""
        return cls(content_type in _EVENTS) if content_type in (*_EVENTS, *_LINES) else None

    def add(self, part: bytes) -> bool:
        """Count what a part of the body completes. Returns whether the first token was in it."""
        before = self._count
        *lines, self._rest = (self._rest + part).split(b"\n")
        for line in lines:
            self._count += self._is_token(line)
        self._tail = (self._tail + part)[-_TAIL:]
        return not before and self._count > 0

    def _is_token(self, line: bytes) -> bool:
        if self._events:
            return line.startswith(b"data:") and line[5:].strip() not in _NO_TOKEN
        return bool(line.strip())

    @property
    def total(self) -> int:
        stated = _USAGE.findall(self._tail)
        return int(stated[-1]) if stated else self._count + self._is_token(self._rest)
