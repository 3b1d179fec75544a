"""``python -m bottleneck_profiler.sandbox.guard ALIVE COMMAND...``: run a command, and leave nothing running.

``ALIVE`` is a pipe whose other end is held as long as the command is wanted. If it closes before the command ends, the
command is ended; if that is because its holder was killed, nobody holds the copy any more, and it is deleted.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys

from . import syscalls
from .copies import end_descendants, remove_abandoned


def main() -> int:
    alive, *command = sys.argv[1:]
    os.set_inheritable(int(alive), False)
    syscalls.adopt_orphans()
    process = subprocess.Popen(command, close_fds=False)
    ended = os.pidfd_open(process.pid)
    ready = select.select([int(alive), ended], [], [])[0]
    end_descendants()
    if ended not in ready:
        remove_abandoned()
    return process.wait()


if __name__ == "__main__":
    sys.exit(main())
