"""What a recorder has seen so far, added up while the program runs: for a live page of metrics."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import signals
from ..recording.model import Records, Table
from ..recording.tally import Tally
from .shares import Spent, spent

if TYPE_CHECKING:
    from .recorder import Recorder

_SETTLE_SECONDS = 5.0  # rows of steps are made so often; everything else is of this moment


class LiveTally:
    """``tally``: up to the last ``look()``."""

    def __init__(self, recorder: Recorder) -> None:
        self.tally = Tally()
        self._recorder = recorder
        self._texts: dict[tuple[int, int], str] = {}
        self._noted = 0
        self._host, self._gpu = _Rows(), _Rows()
        self._spent: dict[int, Spent] = {}
        self._settled = 0.0
        recorder.drain.watcher = self

    def look(self) -> dict[str, float]:
        """Add what is new; the seconds in each phase of the process that has most."""
        drain = self._recorder.drain
        drain.poll(everything=True)
        now = time.monotonic()
        if now >= self._settled + _SETTLE_SECONDS:
            self._settled = now
            drain.settle()
        if host := self._host.new(self._recorder.host_rows):
            self.tally.add_host(_table(host))
        if gpu := self._gpu.new(self._recorder.gpu_rows):
            self.tally.add_gpus(_table(gpu))
        self._spent.update((pid, spent(cells)) for pid, cells in drain.live_totals())
        busiest = max(self._spent.values(), key=lambda each: each.total_seconds, default=None)
        return {} if busiest is None else {signals.PHASES[phase]: own for phase, own in busiest.seconds.items()}

    def steps(self, rows: Table) -> None:
        """The drain has made rows of steps."""
        self.tally.add_steps(rows)

    def requests(self, records: Records) -> None:
        """The drain has read requests."""
        notes = self._recorder.drain.notes
        for process, kind, fields in notes[self._noted :]:
            if kind == "string":
                self._texts[process, int(fields.get("id", 0))] = str(fields.get("text", ""))
        self._noted = len(notes)
        self.tally.add_requests(records, lambda process, text: self._texts.get((process, text), ""))


class _Rows:
    """Rows of a list that grows, and is replaced by an empty one whenever it has been saved."""

    def __init__(self) -> None:
        self._list: list[dict[str, Any]] = []
        self._seen = 0

    def new(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Those since the last call."""
        found = self._list[self._seen :]
        if rows is not self._list:
            found, self._list = found + rows, rows
        self._seen = len(rows)
        return found


def _table(rows: list[dict[str, Any]]) -> Table:
    """Columns; a value that a row lacks is NaN."""
    times = np.array([row["time_ns"] for row in rows], np.int64)
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: np.array([row.get(name, np.nan) for row in rows], float) for name in names}
    return {**columns, "time_ns": times}
