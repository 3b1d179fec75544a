"""A recording of a program that did nothing but what its samples say."""

from __future__ import annotations

import numpy as np
from bottleneck_profiler import signals
from bottleneck_profiler.recording.model import RECORD_DTYPE, Facts, Frame, Process, Recording, Table, empty_steps

MS = 1_000_000
Stacks = dict[int, tuple[Frame, ...]]


def recording(
    stacks: Stacks, *samples: tuple[int, int, int], steps: Table | None = None, requests: tuple[int, ...] = ()
) -> Recording:
    """Ten seconds of one process; samples are (milliseconds at the end, milliseconds, stack), requests take 100 ms."""
    rows = np.zeros(len(samples), RECORD_DTYPE)
    for row, (at, length, stack) in zip(rows, samples, strict=True):
        row["kind"], row["t0"], row["t1"], row["arg"] = signals.STACK_CPU, (at - length) * MS, at * MS, stack
    served = np.zeros(len(requests), RECORD_DTYPE)
    for row, at in zip(served, requests, strict=True):
        row["kind"], row["t0"], row["t1"] = signals.REQUEST, at * MS, (at + 100) * MS
    empty = np.zeros(0, RECORD_DTYPE)
    facts = Facts(processes=[Process(0, 1, hello_ns=1, ready_ns=1)], stacks={(0, k): v for k, v in stacks.items()})
    return Recording({}, facts, steps or empty_steps(), empty, empty, rows, served, {}, {}, 0, 10_000 * MS)
