"""What other processes than the first do while they run no user code, such as workers of a library's pool."""

from __future__ import annotations

import numpy as np

from ... import signals
from ...artifacts.run.every_thread import by_thread
from ...artifacts.run.gaps import importing
from ...patterns import Frame
from ...recording.model import Recording

_MAX_STACKS = 200


def crew_of(recording: Recording) -> tuple[tuple[tuple[Frame, ...], float], ...]:
    """The stacks without user code in all processes but the first, with their shares of the time in such stacks."""
    spent: dict[tuple[Frame, ...], float] = {}
    for process, thread, rows in by_thread(recording):
        if thread or recording.is_root(process):
            continue
        stacks, which = np.unique(rows["arg"], return_inverse=True)
        seconds = np.bincount(which, (rows["t1"] - rows["t0"]) * (rows["kind"] == signals.STACK_CPU) / 1e9)
        for stack, value in zip(stacks.tolist(), seconds.tolist(), strict=True):
            frames = recording.facts.stacks.get((process, stack), ())
            if frames and not importing(frames) and not any(frame.user for frame in frames):
                key = tuple(Frame(each.function.rpartition(".")[2], each.file) for each in frames[::-1])
                spent[key] = spent.get(key, 0.0) + value
    total = sum(spent.values())
    heaviest = sorted(spent, key=lambda key: -spent[key])[:_MAX_STACKS]
    return tuple((frames, spent[frames] / total) for frames in heaviest if total > 0)
