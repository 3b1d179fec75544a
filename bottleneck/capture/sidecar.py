"""``python -m bottleneck_profiler.capture.sidecar PID RUN_DIR NAME COMMAND [quiet]``: the supervisor of ``profile()``.

Copies the records of the process PID until its side file says "bye" or it has ended, then analyses and reports as
``bottleneck run`` does. Its standard output is a pipe to the program: one line when it is ready, its end when done.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

_TICK_SECONDS = 0.05


def main(words: list[str]) -> int:
    """Leave the program's process tree, then watch and report. Returns an exit code."""
    pid, folder, name, command = int(words[0]), Path(words[1]), words[2], words[3]
    if os.fork():
        os._exit(0)
    os.write(1, b"ready\n")
    try:
        watch(pid, folder, name, command)
        report(folder, quiet="quiet" in words[4:])
    except Exception as error:
        print(f"bottleneck: the report failed: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


def watch(pid: int, folder: Path, name: str, command: str) -> None:
    """Record the process ``pid`` into ``folder`` until it says bye or has ended, and write run.json."""
    from ..recording.folder import hold
    from ..session import Options, Recorder, _write_run, begin
    from .drain import _alive
    from .supervisor import Ended

    started_ns, started_wall_ns = time.monotonic_ns(), time.time_ns()
    hold(folder)
    start = {"pid": pid, "started_ns": started_ns, "started_wall_ns": started_wall_ns}
    begin(folder, [command], Options(name, folder), start)
    recorder = Recorder(folder, pid)
    first_error: Exception | None = None
    errors = 0
    while True:
        alive = _alive(pid)
        try:
            recorder.tick()
        except Exception as error:  # the next tick may do better; the program knows nothing of it
            first_error, errors = first_error or error, errors + 1
        if not alive or _note(recorder, pid, "bye"):
            break
        time.sleep(_TICK_SECONDS)
    ended_ns = time.monotonic_ns()
    recorder.finish()
    if first_error is not None:
        recorder.notes.append(f"Recording had {errors} errors, first: {first_error!r}.")
    hello, bye = _note(recorder, pid, "hello"), _note(recorder, pid, "bye")
    ended = Ended(
        exit_code=None,  # the block has none, and the process is not our child
        signal=None,
        pid=pid,
        started_ns=hello.get("time_ns", started_ns),
        ended_ns=bye.get("time_ns", ended_ns),
        started_wall_ns=hello.get("wall_ns", started_wall_ns),
        killed_by_us=False,
        tick_error=first_error,
        tick_errors=errors,
    )
    _write_run(folder, recorder, [command], Options(name, folder), ended)
    # The program lives on and still maps its rings: only their names go.
    for ring in (folder / "live").glob("*.ring"):
        ring.unlink(missing_ok=True)


def report(folder: Path, quiet: bool) -> None:
    """Analyse the run, write the reports, and print the one for the terminal to stderr."""
    from ..session import analyse, complete, write

    complete(folder)
    recording, diagnosis = analyse(folder)
    for warning in write(folder, recording, diagnosis):
        print(f"bottleneck: {warning}", file=sys.stderr)
    if quiet:
        return
    from rich.console import Console

    from ..exporters import terminal

    terminal.render(diagnosis, Console(stderr=True))
    print(f"bottleneck: {folder / 'report.html'}", file=sys.stderr)


def _note(recorder: Any, pid: int, wanted: str) -> dict[str, Any]:
    """The last note of this kind that ``pid`` wrote; {} when there is none."""
    process = recorder.drain.pids.get(pid)
    for index, kind, fields in reversed(recorder.drain.notes):
        if index == process and kind == wanted:
            return dict(fields)
    return {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
