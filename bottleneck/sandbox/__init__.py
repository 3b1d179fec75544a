"""Runs a command so that it changes nothing: in namespaces of its own, or, where there are none, on a copy.

``start`` needs user, mount, PID and network namespaces, and overlays inside them (Linux 5.12). All of it is the
kernel's: however any of the processes ends, no process, mount or file is left.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from .box import Box, SandboxError

__all__ = ["Box", "SandboxError", "problem", "start"]

_NOTHING = ("/bin/true", "/usr/bin/true")


def start(
    command: Sequence[str],
    box: Box,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
    output: IO[Any] | int | None = None,
) -> subprocess.Popen[bytes]:
    """Start ``command`` in ``folder`` inside a sandbox; returns when it runs. Raises SandboxError.

    Killing the process that is returned ends everything in it. ``output``: for stdout and stderr.
    """
    if not sys.platform.startswith("linux"):
        raise SandboxError("only Linux has the namespaces for it")
    spec = os.memfd_create("bottleneck")
    read, report = os.pipe()
    try:
        os.write(spec, b"")
        with open(spec, "wb", closefd=False) as file:
            file.write(box.to_json(command, os.environ if environment is None else environment, folder))
        os.lseek(spec, 0, os.SEEK_SET)
        launcher = [sys.executable, "-m", f"{__name__}.launch", str(spec), str(report), str(os.getpid())]
        process = subprocess.Popen(
            launcher,
            pass_fds=(spec, report, *pass_fds),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        os.close(report)
        report = -1
        with open(read, "rb", closefd=False) as file:
            said = file.read().decode("utf-8", "replace")
    finally:
        for descriptor in (spec, read, report):
            if descriptor >= 0:
                os.close(descriptor)
    if said:
        process.kill()
        process.wait()
        raise SandboxError(said)
    return process


def problem() -> str:
    """Why there can be no sandbox here, in one line; "" if there can be."""
    program = next((each for each in _NOTHING if os.path.exists(each)), sys.executable)
    try:
        process = start([program], Box((Path.cwd(),)), Path("/"), output=subprocess.DEVNULL)
    except SandboxError as error:
        return str(error)
    code = process.wait()
    return "" if code == 0 else f"a trial of it ended with code {code}"
