"""A plain copy of a project, for machines that allow no namespaces.

The copy lies in a temporary folder that a process of ours holds by a lock. A guard ends the command and deletes the
copy when that process is killed; if both are, the next one to make a copy deletes it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from . import syscalls
from .box import LARGE_BYTES, SandboxError, inside

_PREFIX = "bottleneck-copy-"
_LOCK = "held"
_PATIENCE_SECONDS = 2.0
_LEFT_OUT = (".git", ".bottleneck")


class Copy:
    """``project``: the folder as the copy has it. Use it in a ``with``."""

    def __init__(self, original: Path) -> None:
        remove_abandoned()
        self.original = original
        try:
            self._place = Path(tempfile.mkdtemp(prefix=_PREFIX))
            self._lock = os.open(self._place / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        except OSError as error:
            raise SandboxError(f"cannot make a temporary folder: {error.strerror}") from None
        self.project = self._place / "project" / original.name
        self.temporary = self._place / "tmp"

    def __enter__(self) -> Copy:
        try:
            self.temporary.mkdir()
            _copy(self.original, self.project)
        except OSError as error:
            self.close()
            raise SandboxError(f"cannot copy {error.filename or self.original}: {error.strerror}") from None
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()

    def close(self) -> None:
        shutil.rmtree(self._place, ignore_errors=True)
        os.close(self._lock)

    def there(self, path: str) -> str:
        """A path as it is in the copy, if it lies in the project."""
        original = str(self.original)
        return str(self.project) + path[len(original) :] if inside(path, original) else path

    def put(self, files: Mapping[Path, bytes]) -> None:
        """Write files of the project into the copy. Raises SandboxError."""
        for path, data in files.items():
            there = self.there(str(path))
            if there == str(path):
                raise SandboxError(f"{path} is outside the project {self.original}, which is all that was copied")
            if os.path.islink(there):
                os.unlink(there)
            Path(there).parent.mkdir(parents=True, exist_ok=True)
            Path(there).write_bytes(data)

    def start(self, command: Sequence[str], environment: Mapping[str, str], result: int) -> subprocess.Popen[bytes]:
        """Start a command and its guard, which ends with it; ``result`` is a descriptor to hand on. ``stop`` ends both.

        Orphans become children of this process.
        """
        syscalls.adopt_orphans()
        read, self._alive = os.pipe()
        guard = [sys.executable, "-m", f"{__name__.rpartition('.')[0]}.guard", str(read), *command]
        try:
            return subprocess.Popen(
                guard,
                pass_fds=(read, result),
                cwd="/",
                env={**environment, "TMPDIR": str(self.temporary)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            os.close(read)

    def stop(self, guard: subprocess.Popen[bytes]) -> None:
        """End the command, the guard, and what they have left running, if the guard was killed."""
        os.close(self._alive)
        guard.wait()
        end_descendants()


def end_descendants() -> None:
    """Kill what this process has started, also what became its own when the parent ended."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until:
        children = psutil.Process().children(recursive=True)
        if not children:
            return
        for child in children:
            try:
                child.kill()
            except psutil.Error:
                pass
        psutil.wait_procs(children, timeout=0.2)


def _copy(source: Path, target: Path) -> None:
    """Folders, files and links; large files as links to the original, pipes and sockets not at all. Raises OSError."""
    target.mkdir(parents=True)
    with os.scandir(source) as entries:
        for entry in entries:
            if entry.name in _LEFT_OUT:
                continue
            there = target / entry.name
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISLNK(status.st_mode):
                os.symlink(os.readlink(entry.path), there)
            elif stat.S_ISDIR(status.st_mode):
                _copy(Path(entry.path), there)
            elif stat.S_ISREG(status.st_mode):
                if status.st_size > LARGE_BYTES:
                    os.symlink(entry.path, there)
                else:
                    shutil.copy2(entry.path, there)
    shutil.copystat(source, target)


def remove_abandoned() -> None:
    """Delete the copies that nobody holds any more. Never raises."""
    for place in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            descriptor = os.open(place / _LOCK, os.O_RDWR)
        except OSError:
            continue  # another user's, or not yet held
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(place, ignore_errors=True)
        except OSError:
            pass
        finally:
            os.close(descriptor)
