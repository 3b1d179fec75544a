"""``python -m bottleneck_profiler.sidecar PID RUN_DIR NAME COMMAND [quiet]``: the process beside ``profile()``.

Records the process PID until it says "bye" or has ended, then analyses and reports as ``bottleneck run`` does. Its
standard output is a pipe to the program: one line when it is ready, its end when done.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main(words: list[str]) -> int:
    """Leave the program's process tree, then watch and report. Returns an exit code."""
    pid, folder, name, command = int(words[0]), Path(words[1]), words[2], words[3]
    if os.fork():
        os._exit(0)
    os.write(1, b"ready\n")
    try:
        from .capture.beside import watch

        watch(pid, folder, name, command)
        report(folder, quiet="quiet" in words[4:])
    except Exception as error:
        print(f"bottleneck: the report failed: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


def report(folder: Path, quiet: bool) -> None:
    """Analyse the run, write the reports, and print the one for the terminal to stderr."""
    from rich.console import Console

    from .configuration import prices
    from .exporters.html import REPORT_FILE
    from .prices import PriceError
    from .session import Asked, analyse, complete, write

    complete(folder)
    try:
        known = prices(None)
    except PriceError as error:
        known = None
        print(f"bottleneck: {error}", file=sys.stderr)
    recording, diagnosis = analyse(folder, Asked(known))
    options = {} if quiet else {"terminal": {"console": Console(stderr=True)}}
    for warning in write(folder, recording, diagnosis, options):
        print(f"bottleneck: {warning}", file=sys.stderr)
    if not quiet:
        print(f"Report: {folder / REPORT_FILE}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
