"""Writes run.json: the known fields when a run starts, and all fields when it has ended."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files import write_json
from ..recording.folder import VERSION

if TYPE_CHECKING:
    from .recorder import Recorder
    from .supervisor import Ended


@dataclass(frozen=True)
class RunFile:
    """run.json of one run. ``record_args``: also store arguments and environment (they can contain secrets).

    ``probe``: files that were read may be tried in other formats after the run.
    """

    run_dir: Path
    name: str
    words: Sequence[str]
    record_args: bool = False
    probe: bool = True

    def begin(self, start: Mapping[str, int]) -> None:
        """Write the fields known so far, so that the run can be read if we are killed. Never raises OSError.

        ``start``: pid, started_ns and started_wall_ns. ``capture.recovery`` completes a run without an end.
        """
        try:
            self._write({**start, "exit_code": None, "ended_ns": None})
        except OSError:
            pass  # writing the first part of the tables will report it

    def end(self, ended: Ended, recorder: Recorder, finished: bool = True) -> None:
        """Write all fields of a complete recording. ``finished``: the program has ended too. Raises OSError."""
        from . import resume

        self._write(
            {
                "exit_code": ended.exit_code,
                "pid": ended.pid,
                "started_ns": ended.started_ns,
                "ended_ns": ended.ended_ns,
                "finished": finished,
                "started_wall_ns": ended.started_wall_ns,
                "gpus": recorder.gpus,
                "notes": recorder.notes,
                "unit_costs": {"call_seconds": _call_seconds()},
                "dropped_records": recorder.drain.dropped,
                "written_records": recorder.drain.written,
                "totals": [[*key, *value] for key, value in recorder.drain.totals.items()],
            }
        )
        resume.forget(self.run_dir)

    def _write(self, fields: Mapping[str, Any]) -> None:
        words = list(self.words if self.record_args else _public(self.words))
        identity = {
            "format": "bottleneck.run",
            "version": VERSION,
            "name": self.name,
            "command": " ".join(words),
            "words": words,
            "machine": _machine(),
            "versions": _versions(),
            "cwd": os.getcwd(),
            **({"environment": dict(os.environ)} if self.record_args else {}),
            **({} if self.probe else {"probe": False}),
        }
        write_json(self.run_dir / "run.json", {**identity, **fields})


def _public(words: Sequence[str]) -> list[str]:
    """The command without its arguments: program and script names only (arguments can contain secrets)."""
    shown: list[str] = []
    for index, word in enumerate(words):
        shown.append(word)
        if word.endswith(".py") or (index and words[index - 1] == "-m"):
            break
        if index >= 3 or (index and not word.startswith("-")):
            break
    return shown if len(shown) == len(words) else [*shown, "..."]


def _machine() -> dict[str, Any]:
    try:
        from ..collectors.host.proc import machine_facts

        return machine_facts()
    except Exception:
        count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return {"cores": float(count), "hostname": socket.gethostname()}


def _call_seconds() -> float | None:
    try:
        from ..agent.calibration import call_seconds

        return call_seconds()
    except OSError:
        return None


def _versions() -> dict[str, str]:
    from .. import __version__

    return {"bottleneck": __version__, "python": "%d.%d.%d" % sys.version_info[:3]}
