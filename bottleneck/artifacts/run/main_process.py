"""Which process of a run the report is about. Pure."""

from __future__ import annotations

from collections import Counter

import numpy as np

from ... import signals
from ...recording.model import Recording
from ..serving.requests import service
from ..training.steps import Steps

_ROOTS_PART = 0.2  # share of the run spent below the user's own frames; a launcher has none


def main_process(recording: Recording, steps: Steps | None) -> int:
    """Index of the process the report is about: the one with steps, requests, or else most records; not a launcher."""
    if steps is not None:
        return steps.process
    served = recording.requests[recording.requests["kind"] == signals.REQUEST]
    if len(served):
        return service(recording, served)[0]
    for records in (recording.requests, recording.events):
        if len(records):
            values, counts = np.unique(records["process"], return_counts=True)
            return int(values[np.argmax(counts)])
    return _busiest(recording)


def _busiest(recording: Recording) -> int:
    """The first process, unless it is only a launcher: then the one that computed most below the user's own frames."""
    running, seconds = Counter[int](), Counter[int]()
    for table, kind in ((recording.stacks, signals.STACK_CPU), (recording.threads, signals.THREAD_CPU)):
        keys = table["process"].astype("i8") << 32 | (table["arg"] & signals.STACK_MASK).astype("i8")
        stacks, which = np.unique(keys, return_inverse=True)
        each = (table["t1"] - table["t0"]) / 1e9
        spent, ran = (np.bincount(which, w, len(stacks)).tolist() for w in (each, each * (table["kind"] == kind)))
        for key, value, cpu in zip(stacks.tolist(), spent, ran, strict=True):
            if any(frame.user for frame in recording.facts.stacks.get((key >> 32, key & signals.STACK_MASK), ())):
                seconds[key >> 32] += value
                running[key >> 32] += cpu
    first = next((process for process in sorted(seconds) if recording.is_root(process)), None)
    if first is not None and seconds[first] >= _ROOTS_PART * recording.wall_seconds:
        return first
    if running:
        return max(running, key=running.__getitem__)
    return int(np.bincount(recording.stacks["process"]).argmax()) if len(recording.stacks) else 0
