"""Tasks while a log is read: packed rows in pieces, so that a task takes its row and nothing else."""

from __future__ import annotations

import struct

import numpy as np

from ..recording.model import FAILED, KILLED, SUCCEEDED, TASK_DTYPE, Records
from ._spark_json import TaskEnd

_ROW = struct.Struct("<qqihb6i6q")  # TASK_DTYPE
_PIECE = _ROW.size << 14
_MS = 1_000_000
_MOST = 2**31 - 1
_KILLED = ("TaskKilled", "Resubmitted")  # on purpose, as of a speculative copy; or counted already


class Tasks:
    """``last_ms``: the latest end of a task, on the log's clock."""

    def __init__(self) -> None:
        self._full: list[bytearray] = []
        self._open = bytearray()
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
            self._open += _ROW.pack(*head, *(0,) * 12)
        else:
            fetched, shuffled, read, written = metrics.fetched, metrics.shuffled, metrics.read, metrics.written
            self._open += _ROW.pack(
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
        if len(self._open) >= _PIECE:
            self._full.append(self._open)
            self._open = bytearray()

    def table(self, start_ms: int) -> Records:
        """All rows, with times in ns from ``start_ms``. What was packed is given back piece by piece."""
        pieces, self._full, self._open = [*self._full, self._open], [], bytearray()
        table = np.empty(sum(map(len, pieces)) // _ROW.size, TASK_DTYPE)
        at = 0
        pieces.reverse()
        while pieces:
            rows = np.frombuffer(pieces.pop(), TASK_DTYPE)
            table[at : at + len(rows)] = rows
            at += len(rows)
        for edge in ("t0", "t1"):
            table[edge] -= start_ms * _MS
        return table


def _ms(value: int) -> int:
    return min(max(value, 0), _MOST)
