"""``python -m bottleneck_profiler.pairs.record FOLDER CWD COMMAND...``: record one run, and write no report."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Returns the program's exit code; 2 if it could not be started or recorded, with one line on stderr."""
    from ..capture.command import CommandError, resolve
    from ..capture.program import Options, record
    from ..recording.folder import RunError, create
    from ..session import complete

    folder, cwd, *words = arguments
    os.chdir(cwd)
    try:
        argv = resolve(words)
        run_dir = create(None, Path(folder).name, Path(folder))
        recorded = record(argv, words, run_dir, Options(Path(folder).name, probe=False))
    except (CommandError, RunError) as error:
        print(f"bottleneck: {error}", file=sys.stderr)
        return 2
    for message in [*recorded.messages, *filter(None, [recorded.lost])]:
        print(f"bottleneck: {message}", file=sys.stderr)
    if recorded.readable:
        complete(run_dir)
    return recorded.ended.exit_code or 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
