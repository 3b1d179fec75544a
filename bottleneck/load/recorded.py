"""Starts a server under `bottleneck run`, waits until it answers, and ends it: so its recording can be joined."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from . import LoadError
from .target import Target

_START_SECONDS = 120.0
_END_SECONDS = 30.0
LOG = "server.log"


class RecordedServer:
    """A context: inside, the server accepts connections. Its output goes to ``server.log`` of ``folder``."""

    def __init__(self, command: Sequence[str], target: Target, run_dir: Path, folder: Path) -> None:
        self._command = command
        self._target = target
        self._run_dir = run_dir
        self._log = folder / LOG

    def __enter__(self) -> RecordedServer:
        """Raises LoadError if the address is taken, or if the server ends or does not answer in time."""
        if self._accepts():
            raise LoadError(f"a server answers at {self._target.origin} already; stop it, or leave out the command")
        package = __name__.partition(".")[0]
        options = ["--quiet", "--no-probe", "--sample-often", "--run-dir", str(self._run_dir)]
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"{package}.cli", "run", *options, "--", *self._command],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            until = time.monotonic() + _START_SECONDS
            while not self._accepts():
                if self._process.poll() is not None:
                    raise LoadError(f"the server ended before it answered: {self._last_words()}")
                if time.monotonic() > until:
                    raise LoadError(f"the server does not answer at {self._target.origin}")
                time.sleep(0.1)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            if self._process.poll() is None:
                self._process.send_signal(number)
            try:
                self._process.wait(_END_SECONDS)
                return
            except subprocess.TimeoutExpired:
                continue
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except OSError:
            pass
        self._process.wait()

    def _accepts(self) -> bool:
        try:
            socket.create_connection((self._target.addresses[0], self._target.port), 1.0).close()
        except OSError:
            return False
        return True

    def _last_words(self) -> str:
        try:
            lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:
            lines = []
        return lines[-1] if lines else f"exit code {self._process.returncode}"
