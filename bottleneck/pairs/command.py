"""A version as a command that is recorded in its own folder, by a process of its own.

A process of its own, because the recorder starts the program in the folder and with the environment that it has itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..recording.folder import RunError, read_run
from .interleaved import ArmError, OutOfTime

OUTPUT = ".output.txt"  # behind the name of the run folder: what the program printed
_LAST_BYTES = 4096


@dataclass(frozen=True)
class Command:
    """``words``: as given to ``bottleneck run``. ``environment``: added to ours."""

    version: str  # as messages call it: "the old version"
    words: Sequence[str]
    cwd: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def record(self, folder: Path, until: float = float("inf")) -> None:
        """Record one run, whose output goes beside ``folder``. Raises ArmError, OutOfTime."""
        package = __name__.partition(".")[0]
        output = folder.with_name(folder.name + OUTPUT)
        words = [sys.executable, "-m", f"{package}.pairs.record", str(folder), str(self.cwd), *self.words]
        folder.parent.mkdir(parents=True, exist_ok=True)
        with open(output, "wb") as file:
            process = subprocess.Popen(
                words,
                cwd=folder.parent,  # -m looks for modules here first, and the program's own must not hide ours
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        try:
            process.wait(None if until == float("inf") else max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise OutOfTime from None
        finally:
            _end(process)
        self._check(folder, output)

    def _check(self, folder: Path, output: Path) -> None:
        try:
            code = read_run(folder).get("exit_code")
        except RunError:
            raise ArmError(f"{self.version} was not recorded: {_last_line(output)}") from None
        if code:
            raise ArmError(f"{self.version} ended with exit code {code}: {_last_line(output)} (all of it: {output})")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the recorder and its program, if they still run."""
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except OSError:
            pass
        process.wait()


def _last_line(output: Path) -> str:
    try:
        with open(output, "rb") as file:
            file.seek(max(0, output.stat().st_size - _LAST_BYTES))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
    except OSError:
        lines = []
    return lines[-1].strip() if lines else "it printed nothing"
