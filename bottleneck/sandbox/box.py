"""What a sandbox is asked for, as it is passed to the process that builds it."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LARGE_BYTES = 256 << 20  # a file that has more on the disk is not copied in order to be written
_LEAST_BYTES, _MOST_BYTES = 256 << 20, 8 << 30  # of memory, for what the command writes
_CACHES = (".cache", ".triton", ".nv", ".keras", ".matplotlib")


class SandboxError(Exception):
    """Why there is no sandbox: one line."""


@dataclass(frozen=True)
class Box:
    """``writable``: folders in which the command may write, to a layer in memory that is thrown away.

    ``network``: it may use the network; else only 127.0.0.1. ``files``: path -> the bytes that the command finds there,
    in a writable folder.
    """

    writable: tuple[Path, ...]
    network: bool = False
    files: Mapping[Path, bytes] = field(default_factory=dict)

    def to_json(self, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> bytes:
        """What the launcher reads."""
        files = {str(path): base64.b64encode(data).decode() for path, data in self.files.items()}
        return json.dumps(
            {
                "needed": outermost([*self.writable, *(path.parent for path in self.files)]),
                "wished": outermost(_places_to_write()),
                "network": self.network,
                "files": files,
                "bytes": _room(),
                "command": list(command),
                "environment": dict(environment),
                "folder": str(folder),
            }
        ).encode()


def outermost(folders: Sequence[Path]) -> list[str]:
    """The folders that exist, links followed, without those inside another one."""
    found: list[str] = []
    for folder in sorted({os.path.realpath(folder) for folder in folders if folder.is_dir()}):
        if not any(inside(folder, other) for other in found):
            found.append(folder)
    return found


def inside(path: str, folder: str) -> bool:
    """Whether a path is the folder or below it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _places_to_write() -> list[Path]:
    """Where libraries write by themselves: temporary files and caches."""
    home = Path(os.path.expanduser("~"))
    named = [os.environ.get(name) for name in ("TMPDIR", "XDG_CACHE_HOME", "HF_HOME", "TORCH_HOME")]
    return [Path("/tmp"), Path("/var/tmp"), *(home / name for name in _CACHES), *(Path(each) for each in named if each)]


def _room() -> int:
    """A quarter of the memory that is available."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            available = next(int(line.split()[1]) << 10 for line in file if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        available = 0
    return min(max(available // 4, _LEAST_BYTES), _MOST_BYTES)
