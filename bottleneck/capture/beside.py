"""Records a program that is already running and is not our child. The sidecar of ``profile()`` uses it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ..recording.folder import hold
from .drain import alive
from .recorder import Recorder
from .run_file import RunFile
from .supervisor import Ended

_TICK_SECONDS = 0.05


def watch(pid: int, folder: Path, name: str, command: str) -> None:
    """Record process ``pid`` into ``folder`` until it says bye or exits, then write run.json."""
    started = {"started_ns": time.monotonic_ns(), "started_wall_ns": time.time_ns()}
    hold(folder)
    run_file = RunFile(folder, name, [command])
    run_file.begin({"pid": pid, **started})
    recorder = Recorder(folder, pid)
    error, errors = _follow(recorder, pid)
    ended_ns = time.monotonic_ns()
    recorder.finish()
    if error is not None:
        recorder.notes.append(f"Recording failed {errors} times; the first error was {error!r}.")
    hello, bye = _note(recorder, pid, "hello"), _note(recorder, pid, "bye")
    ended = Ended(
        exit_code=None,  # the block has none, and the process is not our child
        signal=None,
        pid=pid,
        started_ns=hello.get("time_ns", started["started_ns"]),
        ended_ns=bye.get("time_ns", ended_ns),
        started_wall_ns=hello.get("wall_ns", started["started_wall_ns"]),
        killed_by_us=False,
        tick_error=error,
        tick_errors=errors,
    )
    run_file.end(ended, recorder)
    recorder.leave()


def _follow(recorder: Recorder, pid: int) -> tuple[Exception | None, int]:
    """Copy records until the end. Returns (the first error, the number of errors)."""
    first: Exception | None = None
    errors = 0
    while True:
        still_there = alive(pid)
        try:
            recorder.tick()
        except Exception as error:  # the next tick may succeed; the program is not affected
            first, errors = first or error, errors + 1
        if not still_there or _note(recorder, pid, "bye"):
            return first, errors
        time.sleep(_TICK_SECONDS)


def _note(recorder: Recorder, pid: int, wanted: str) -> dict[str, Any]:
    """The last note of kind ``wanted`` that ``pid`` wrote; {} if there is none."""
    process = recorder.drain.pids.get(pid)
    for index, kind, fields in reversed(recorder.drain.notes):
        if index == process and kind == wanted:
            return dict(fields)
    return {}
