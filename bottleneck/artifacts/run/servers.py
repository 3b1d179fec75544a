"""Which processes answer requests, whichever server runs them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ... import signals
from ...recording.model import Frame, Recording
from .frames import HANDLERS, through
from .gaps import importing

_SERVES = 0.5  # of the user's time, below a server's request handlers


def answers(frames: Sequence[Frame]) -> bool:
    """Whether a stack is below a server's request handlers; the import of a framework is not."""
    return through(frames, HANDLERS) and not importing(frames)


def servers(recording: Recording) -> list[int]:
    """Processes that answer requests: those that recorded some, and those mostly seen below a server's frames."""
    requests = recording.requests[recording.requests["kind"] == signals.REQUEST]
    found = set(np.unique(requests["process"]).tolist())
    for process in np.unique(recording.stacks["process"]).tolist():
        rows = recording.stacks[recording.stacks["process"] == process]
        stacks, which = np.unique(rows["arg"], return_inverse=True)
        seconds = np.bincount(which, rows["t1"] - rows["t0"])
        frames = [recording.facts.stacks.get((process, stack), ()) for stack in stacks.tolist()]
        handling = np.array([answers(each) for each in frames])
        own = np.array([any(frame.user for frame in each) for each in frames])
        imports = np.array([importing(each) for each in frames])
        if float(seconds[handling].sum()) > _SERVES * float(seconds[own & ~imports].sum()) > 0:
            found.add(process)
    return sorted(found)
