"""The file system of a sandbox, in a mount namespace of its own.

Everything is read-only, except folders over which an overlay lies: they look as they are, and what is written goes into
memory. Nothing is created on a disk, and the kernel undoes all of it with the last process in the namespace.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from . import syscalls
from .box import LARGE_BYTES, inside
from .syscalls import MS_BIND, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_PRIVATE, MS_REC

_MOST_LOOKED_AT = 300_000  # entries of the overlaid folders, for large files and sockets
_MOST_MASKED = 2_000
_IN_USE = ("nvidia", "mps")  # sockets in /run that a GPU needs


def build(needed: list[str], wished: list[str], room_bytes: int, network: bool) -> None:
    """Make the mounts. Raises OSError: what it names could not be mounted."""
    syscalls.mount("", "/", flags=MS_REC | MS_PRIVATE)
    folders = [*needed, *(each for each in wished if not any(inside(each, other) for other in needed))]
    # One that lies around another takes its place.
    folders = [each for each in folders if not any(each != other and inside(each, other) for other in folders)]
    opened = {folder: os.open(folder, os.O_PATH | os.O_DIRECTORY) for folder in folders}
    masked = list(_to_mask(folders))
    if not network:
        masked += [(path, "") for path in _sockets("/run")]
    syscalls.make_read_only("/")
    syscalls.mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    _memory("/dev/shm", room_bytes, 0o1777)
    base = "/tmp" if os.path.isdir("/tmp") else needed[0]
    _memory(base, room_bytes, 0o700)
    upper = os.open(base, os.O_PATH | os.O_DIRECTORY)
    for number, (folder, lower) in enumerate(opened.items()):
        try:
            _overlay(folder, lower, f"/proc/self/fd/{upper}/{number}")
        except OSError:
            if any(inside(each, folder) for each in needed):
                raise
            if folder == base:
                _memory(base, room_bytes, 0o1777)
    for path, folder in masked:
        source = "/dev/null"
        if folder:
            source = os.path.join(f"/proc/self/fd/{opened[folder]}", os.path.relpath(path, folder))
        try:
            syscalls.mount(source, path, flags=MS_BIND)
        except FileNotFoundError:
            pass  # deleted meanwhile
    for descriptor in (*opened.values(), upper):
        os.close(descriptor)


def _memory(path: str, room_bytes: int, mode: int) -> None:
    if os.path.isdir(path):
        syscalls.mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, f"size={room_bytes},mode={mode:o}")


def _overlay(folder: str, lower: int, layer: str) -> None:
    upper, work = f"{layer}.upper", f"{layer}.work"
    os.mkdir(upper)
    os.mkdir(work)
    status = os.fstat(lower)
    try:
        os.chown(upper, status.st_uid, status.st_gid)
    except OSError:
        pass  # an owner whom the namespace does not know
    os.chmod(upper, stat.S_IMODE(status.st_mode))
    data = f"lowerdir=/proc/self/fd/{lower},upperdir={upper},workdir={work}"
    try:
        syscalls.mount("overlay", folder, "overlay", 0, f"{data},userxattr")
    except OSError:  # before Linux 6.6, a tmpfs has no such attributes
        syscalls.mount("overlay", folder, "overlay", 0, data)


def _to_mask(folders: list[str]) -> Iterator[tuple[str, str]]:
    """(path, folder) of the large files, which stay read-only as they are, and (path, "") of sockets of others."""
    looked = found = 0
    for folder in folders:
        for entry in _entries(folder):
            looked += 1
            if looked > _MOST_LOOKED_AT or found >= _MOST_MASKED:
                return
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            large = stat.S_ISREG(status.st_mode) and status.st_blocks * 512 > LARGE_BYTES
            if large or stat.S_ISSOCK(status.st_mode):
                found += 1
                yield entry.path, folder if large else ""


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    yield entry
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except OSError:
            pass  # not ours to read: what we cannot read, the command cannot copy


def _sockets(folder: str) -> Iterator[str]:
    """Of servers on this machine: databases, containers, trackers."""
    for number, entry in enumerate(_entries(os.path.realpath(folder))):
        if number > _MOST_LOOKED_AT:
            return
        try:
            if stat.S_ISSOCK(entry.stat(follow_symlinks=False).st_mode) and not any(
                word in entry.path for word in _IN_USE
            ):
                yield entry.path
        except OSError:
            pass
