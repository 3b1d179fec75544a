"""One file with the code that every process of a run begins with.

Python looks for each module in every folder of its path and opens it, which takes a process several times as long as
running it. An interpreter of another version imports the modules one by one, as it does without this file.
"""

from __future__ import annotations

import marshal
from importlib.machinery import SourceFileLoader
from importlib.util import MAGIC_NUMBER
from pathlib import Path

from ..signals import LIVE, START_CODE_SUFFIX

_PACKAGE = Path(__file__).parent.parent
NAME = MAGIC_NUMBER.hex() + START_CODE_SUFFIX
#: Each after those that it imports. A folder is a package.
MODULES = (
    "agent", "signals", "agent.libc", "agent.descriptors", "agent.files", "agent.frames", "agent.ring",
    "agent.unpatched", "agent.phases", "agent.recorder", "agent.bootstrap", "collectors", "collectors.support",
    "agent.native_thread", "collectors.support.thread_files", "collectors.support.gil",
    "collectors.support.recoding", "collectors.support.hooking", "collectors.support.other_threads",
    "collectors.support.pace", "collectors.support.posix_timer", "collectors.support.sampled_forks",
    "collectors.support.stack_table", "collectors.support.task_queues", "collectors.support.tasks",
    "collectors.support.thread_pools", "collectors.support.stacks",
)  # fmt: skip


def write(run_dir: Path) -> None:
    """Write the file, which ``agent/inject/sitecustomize.py`` reads. Never raises OSError."""
    try:
        (run_dir / LIVE / NAME).write_bytes(marshal.dumps([_module(name) for name in MODULES]))
    except OSError:
        remove(run_dir)  # processes import their modules one by one


def remove(run_dir: Path) -> None:
    """Delete the file. Never raises OSError."""
    try:
        (run_dir / LIVE / NAME).unlink(missing_ok=True)
    except OSError:
        pass


def _module(name: str) -> tuple[str, str, bool, object]:
    """(name, file, is it a package, code)."""
    path = _PACKAGE.joinpath(*name.split("."))
    is_package = path.is_dir()
    file = str(path / "__init__.py" if is_package else path.with_suffix(".py"))
    return name, file, is_package, SourceFileLoader(name, file).get_code(name)
