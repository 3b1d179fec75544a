"""Tasks while a log is read: packed rows in one buffer, which becomes the table: a task takes its row and nothing else.

The buffer grows in place: the kernel moves its pages, and those that it has to spare are not in memory yet.
"""

from __future__ import annotations

import struct

import numpy as np

from ..recording.model import FAILED, KILLED, SUCCEEDED, TASK_DTYPE, Records
from ._spark_json import TaskEnd

_ROW = struct.Struct("<qqihb6i6q")  # TASK_DTYPE
_MS = 1_000_000
_MOST = 2**31 - 1
_KILLED = ("TaskKilled", "Resubmitted")  # on purpose, as of a speculative copy; or counted already


class Tasks:
    """``last_ms``: the latest end of a task, on the log's clock."""

    def __init__(self) -> None:
        self._rows = bytearray()
        self.last_ms = 0

    def add(self, event: TaskEnd, stage: int, executor: int) -> None:
        """Keep one task; times on the log's clock."""
        info, metrics = event.info, event.metrics
        finish = max(info.finish, info.launch)
        self.last_ms = max(self.last_ms, finish)
        kind = event.reason.kind
        status = SUCCEEDED if kind in ("Success", "") else KILLED if kind in _KILLED else FAILED
        head = info.launch * _MS, finish * _MS, stage, executor, status
        if metrics is None:
            self._rows += _ROW.pack(*head, *(0,) * 12)
        else:
            fetched, shuffled, read, written = metrics.fetched, metrics.shuffled, metrics.read, metrics.written
            self._rows += _ROW.pack(
                *head,
                _ms(metrics.run),
                _ms(round(metrics.cpu_ns / _MS)),
                _ms(metrics.gc),
                _ms(metrics.start),
                _ms(fetched.wait) if fetched else 0,
                _ms(round(shuffled.ns / _MS)) if shuffled else 0,
                metrics.spilled_memory,
                metrics.spilled_disk,
                fetched.remote + fetched.local if fetched else 0,
                shuffled.bytes if shuffled else 0,
                read.bytes if read else 0,
                written.bytes if written else 0,
            )

    def table(self, start_ms: int) -> Records:
        """All rows, with times in ns from ``start_ms``; to be called once, at the end."""
        table: Records = np.frombuffer(self._rows, TASK_DTYPE)
        for edge in ("t0", "t1"):
            table[edge] -= start_ms * _MS
        return table


def _ms(value: int) -> int:
    return min(max(value, 0), _MOST)
