"""Converts the sampled call stacks to a pyinstrument Session, for its renderers and ``pyinstrument --load``."""

from __future__ import annotations

import sys
from typing import Any

from ... import signals
from ...artifacts.run.stacks import Stacks
from ...recording.model import Recording

_SEPARATOR = "\x00"
_LINE_ATTRIBUTE = "\x01l"


def stack_session(recording: Recording, stacks: Stacks) -> Any:
    """A ``pyinstrument.session.Session`` of the recording's samples, running and blocked time, in time order.

    Raises ImportError if pyinstrument is not installed.
    """
    from pyinstrument.session import Session

    rows = stacks.rows[stacks.rows["t1"].argsort(kind="stable")]
    named = _named(stacks)
    unknown = [f"[stacks not kept]{_SEPARATOR}<unknown>{_SEPARATOR}0"]
    weights = ((rows["t1"] - rows["t0"]) / 1e9).tolist()
    records = [
        (named.get(stack) or unknown, weight) for stack, weight in zip(rows["arg"].tolist(), weights, strict=True)
    ]
    cpu_seconds = sum(
        weight for weight, kind in zip(weights, rows["kind"].tolist(), strict=True) if kind == signals.STACK_CPU
    )
    started_ns = recording.run.get("started_wall_ns", 0)
    return Session(
        frame_records=records,
        start_time=float(started_ns) / 1e9,
        duration=recording.wall_seconds,
        min_interval=0.01,
        max_interval=0.1,
        sample_count=len(records),
        start_call_stack=records[0][0][:1] if records else [],
        target_description=f"Program: {recording.run.get('name', '')}",
        cpu_time=cpu_seconds,
        sys_path=list(sys.path),
        sys_prefixes=Session.current_sys_prefixes(),
    )


def _named(stacks: Stacks) -> dict[int, list[str]]:
    """Stack id -> its frames in pyinstrument's notation, outermost first."""
    # pyinstrument identifies a function by its first line. We only know sampled lines, so we use the smallest.
    first: dict[tuple[str, str], int] = {}
    for frame in (frame for frames in stacks.frames.values() for frame in frames):
        key = frame.function, frame.file
        first[key] = min(frame.line, first.get(key, frame.line))
    return {
        stack: [
            _SEPARATOR.join((f.function, f.file, f"{first[f.function, f.file]}{_LINE_ATTRIBUTE}{f.line}"))
            for f in reversed(frames)
        ]
        for stack, frames in stacks.frames.items()
    }
