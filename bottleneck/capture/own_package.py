"""Finds the files in site-packages that are the user's own.

``pip install .`` copies a project there, as most container images do. When such a project is started by its console
script or by ``-m``, its file names look like a library's.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from .attachment import is_python

_BUILDERS = ("conda",)  # the packages of these installers name the folder in which they were built


def own_paths(argv: Sequence[str]) -> list[str]:
    """The installed files and folders of the project that this command starts.

    Empty unless the project was installed from a local folder.
    """
    program = shutil.which(argv[0]) or argv[0]
    try:
        if not is_python(program):
            script = Path(program).resolve()
            return _paths(script, lambda parts: parts[0] == ".." and parts[-2:] == ("bin", script.name))
        module = argv[argv.index("-m") + 1].partition(".")[0] if "-m" in argv[1:-1] else ""
        return _paths(Path(program), lambda parts: parts[0] in (module, f"{module}.py")) if module else []
    except OSError:
        return []


def _paths(program: Path, started: Callable[[tuple[str, ...]], bool]) -> list[str]:
    """Of the local project beside a program that has an installed file for which ``started`` holds."""
    for source in program.parent.parent.glob("lib*/python3*/site-packages/*.dist-info/direct_url.json"):
        if not _is_local(source):
            continue
        rows = (source.parent / "RECORD").read_text("utf-8", "replace").splitlines()
        installed = [Path(row.split(",")[0]).parts for row in rows if row]
        if any(started(parts) for parts in installed):
            code = {parts[0] + (os.sep if len(parts) > 1 else "") for parts in installed if parts[-1].endswith(".py")}
            return sorted(str(source.parent.parent) + os.sep + name for name in code if not name.startswith(".."))
    return []


def _is_local(source: Path) -> bool:
    try:
        origin = json.loads(source.read_text("utf-8"))
        return "dir_info" in origin and (source.parent / "INSTALLER").read_text("utf-8").strip() not in _BUILDERS
    except (OSError, ValueError, TypeError):
        return False
