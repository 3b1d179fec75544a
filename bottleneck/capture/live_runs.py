"""Finds the runs that are being recorded on this machine, whatever folder they are in. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil

from .. import signals
from ..recording.folder import RunError, all_runs, is_held, is_written_by, read_run

_SIDECAR = ".sidecar"  # the module beside ``profile()``; its arguments are a pid and the run folder


class LiveRuns:
    """``folders`` lists the runs in progress; ``problems`` has a line on each one that was found but cannot be shown.

    ``only``: the one run to look at; None: all that this user's processes are recorded into, and those below the
    current folder.
    """

    def __init__(self, only: Path | None = None) -> None:
        self._only = only
        self._over: set[Path] = set()  # they have ended, and a run does not begin again
        self.problems: list[str] = []

    def look(self) -> dict[Path, list[Path]]:
        """Run folder -> the side files of its living processes, by pid."""
        self.problems = []
        candidates = [self._only] if self._only is not None else sorted({*_of_processes(), *all_runs()} - self._over)
        found = {}
        for folder in candidates:
            sides = self._living(folder)
            if sides:
                found[folder] = sides
        return found

    def _living(self, folder: Path) -> list[Path]:
        try:
            ended = read_run(folder).get("ended_ns") is not None
        except RunError as error:
            if folder == self._only or (folder / "run.json").exists():  # otherwise it may have only begun
                self.problems.append(str(error))
            return []
        if ended:
            self._over.add(folder)
            if folder == self._only:
                self.problems.append(f"{folder} has ended; `bottleneck report` shows it")
            return []
        sides = [side for side in (folder / signals.LIVE).glob("*.side") if side.stem.isdigit()]
        living = sorted(filter(is_written_by, sides), key=lambda side: int(side.stem))
        if not living and not is_held(folder):  # else it is being written or analysed
            self.problems.append(f"{folder} was cut off, none of its processes runs; `bottleneck report` shows it")
        return living


def _of_processes() -> Iterator[Path]:
    """The run folders that this user's processes are recorded into."""
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            at = next((number for number, word in enumerate(words) if word.endswith(_SIDECAR)), None)
            folder = process.environ().get(signals.RUN_DIR_VARIABLE) if at is None else words[at + 2]
        except (psutil.Error, OSError, IndexError):
            continue  # another user's process, or it has just ended
        if folder:
            yield Path(folder)
