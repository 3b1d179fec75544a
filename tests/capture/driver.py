"""A small supervising program for the tests: RUN_DIR COMMAND..., answers in RUN_DIR/ended.json."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from bottleneck_profiler.capture.progress import Progress
from bottleneck_profiler.capture.supervisor import Supervisor


def _logged(word: str) -> bool:
    path = Path("log")
    return path.exists() and word in path.read_text()


def main() -> int:
    words = sys.argv[1:]
    options = []
    while words[0].startswith("--"):
        options.append(words.pop(0))
    for option in options:
        if option.startswith("--env="):  # for the program alone, not for this process's own start
            name, _, value = option[6:].partition("=")
            os.environ[name] = value
    run_dir = Path(words[0])
    supervisor = Supervisor(words[1:], run_dir)
    progress = Progress(
        quiet="--progress" not in options, quiet_seconds=30.0 if "--patient" in options else 0.3, plain_seconds=0.5
    )
    started = time.monotonic()
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        ticks += 1
        if "--failing-tick" in options:
            raise OSError("disk full")
        while "--wait-for-usr1" in options and not _logged("SIGUSR1"):
            time.sleep(0.01)
        progress.check()
        progress.update(time.monotonic() - started, {"data_wait": 0.6, "forward": 0.3}, steps=ticks)

    ended = supervisor.run(tick)
    progress.close()
    fields = {**ended._asdict(), "tick_error": str(ended.tick_error), "ticks": ticks, "drawn": progress.drawn}
    temporary = run_dir / "ended.tmp"
    temporary.write_text(json.dumps(fields))
    os.replace(temporary, run_dir / "ended.json")
    return ended.exit_code


if __name__ == "__main__":
    sys.exit(main())
