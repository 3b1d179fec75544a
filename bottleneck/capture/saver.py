"""Writes the records a drain has accumulated to the run folder and saves the state of the drain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..files import reason
from ..recording.write import Writer
from . import resume
from .drain import Drain


@dataclass
class Saver:
    """Saves one recording to disk. ``problem``: the first write that failed, "" if none did."""

    drain: Drain
    writer: Writer
    problem: str = ""
    _noted: int = 0

    def save(self, host: list[dict[str, Any]], gpu: list[dict[str, Any]], final: bool = False) -> None:
        """Write one part of each table and the notes not yet written. Never raises OSError."""
        steps, records = self.drain.take(final)
        notes = self.drain.notes[self._noted :]
        try:
            self.writer.append(steps, records, host, gpu, notes)
            self._noted += len(notes)
            resume.save(self.drain, self.writer.part, self.writer.facts_bytes())
        except OSError as error:
            if not self.problem:
                self.problem = f"recording stopped: cannot write {self.writer.run_dir}: {reason(error)}"
        self.drain.discard()
