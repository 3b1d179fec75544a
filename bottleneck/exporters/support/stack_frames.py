"""Converts a sampled stack for export to other tools."""

from __future__ import annotations

from ...artifacts.run.frames import IDLE
from ...recording.model import Frame

#: The innermost "frame" of a thread that does not run: idle in an event loop or a server, or waiting for anything else.
_IDLE, _WAITING = Frame("[idle]", "", 0, False), Frame("[waiting]", "", 0, False)
_NOT_KEPT = Frame("[stacks not kept]", "", 0, False)


def outermost_first(frames: tuple[Frame, ...], waits: bool) -> list[Frame]:
    """The stack's frames without the import machinery. ``frames``: innermost first, empty if it was not stored."""
    shown = [frame for frame in reversed(frames) if not frame.file.startswith("<frozen")] or [_NOT_KEPT]
    if waits:
        shown.append(_IDLE if any(frame.file.endswith(IDLE) for frame in frames[:1]) else _WAITING)
    return shown
