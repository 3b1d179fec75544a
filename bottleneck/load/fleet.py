"""Processes that send requests, and the samples that they hand over."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import LoadError
from .samples import OUTCOMES, Samples, empty

if TYPE_CHECKING:
    from .worker import Settings

_LEAD_NS = 50_000_000  # from now to the first planned request
_START_SECONDS = 30.0
_STOP_SECONDS = 5.0
#: Called with new samples and the number of requests in flight; it returns whether to stop.
Watch = Callable[[Samples, int], bool]


class Fleet:
    """``count`` processes with the same settings. ``cpu_seconds``: what the last test cost them all.

    ``interrupted``: Ctrl-C ended a test.
    """

    def __init__(self, settings: Settings, count: int = 1) -> None:
        self._settings = settings
        self._count = count
        self._processes: list[subprocess.Popen[bytes]] = []
        self._connections: list[Connection] = []
        self.cpu_seconds = 0.0
        self.interrupted = False

    def __enter__(self) -> Fleet:
        package = __name__.partition(".")[0]
        for _ in range(self._count):
            ours, theirs = socket.socketpair()
            code = f"import sys; sys.path[:0] = {_paths()!r}; from {package}.load.worker import main; main()"
            process = subprocess.Popen(
                [sys.executable, "-c", code, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for us: we tell them to stop
            )
            theirs.close()
            self._processes.append(process)
            connection = Connection(ours.detach())
            self._connections.append(connection)
            connection.send(self._settings)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        for connection in self._connections:
            connection.close()
        until = time.monotonic() + _STOP_SECONDS
        for process in self._processes:
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stderr is not None:
                process.stderr.close()

    def probe(self) -> list[tuple[int, int]]:
        """(outcome, status) of one request to each target. Raises LoadError where no response came."""
        for connection in self._connections[:1]:
            self._send(connection, ("probe",))
            if not connection.poll(_START_SECONDS * len(self._settings.targets)):
                raise LoadError("the process that sends requests did not start in time")
            answers = self._receive(connection)[1]
        found = []
        for target, (outcome, status, text) in zip(self._settings.targets, answers, strict=True):
            if outcome:
                raise LoadError(f"{target.url}: {OUTCOMES[outcome]}{f' ({text})' if text else ''}")
            found.append((outcome, status))
        return found

    def open(
        self,
        planned_seconds: npt.NDArray[np.float64],
        rates: npt.NDArray[np.float64],
        watch: Watch,
        versions: npt.NDArray[np.int64] | None = None,
        first_number: int = 0,
    ) -> Samples:
        """Send at these times, whatever the server does; returns the samples when all have ended."""
        count, begin = len(planned_seconds), time.monotonic_ns() + _LEAD_NS
        planned = begin + (planned_seconds * 1e9).astype("i8")
        numbers = np.arange(first_number, first_number + count)
        versions = np.zeros(count, "i8") if versions is None else versions
        commands = [
            ("open", *(column[part :: self._count] for column in (planned, numbers, versions, rates)))
            for part in range(self._count)
        ]
        return self._run(commands, watch)

    def closed(self, clients: int, seconds: float, most: int, watch: Watch) -> Samples:
        """``clients`` that each send the next request when the last one has ended."""
        until, numbers = time.monotonic_ns() + int(seconds * 1e9), np.arange(most)
        shares = [len(range(part, clients, self._count)) for part in range(self._count)]
        commands = [("closed", share, until, numbers[part :: self._count]) for part, share in enumerate(shares)]
        return self._run(commands, watch)

    def _run(self, commands: list[tuple[Any, ...]], watch: Watch) -> Samples:
        """KeyboardInterrupt stops the test like ``watch``, and is raised no further."""
        for connection, command in zip(self._connections, commands, strict=True):
            self._send(connection, command)
        self.cpu_seconds = 0.0
        parts, running, flying = [empty()], list(self._connections), {}
        stopped = False
        while running:
            try:
                ready = wait(running, 1.0)
                for connection in [each for each in running if each in ready]:
                    kind, *values = self._receive(connection)
                    if kind == "done":
                        self.cpu_seconds += values[0]
                        running.remove(connection)
                        continue
                    parts.append(values[0])
                    flying[connection.fileno()] = values[1]
                    if watch(values[0], sum(flying.values())) and not stopped:
                        stopped = True
                        self._stop(running)
            except KeyboardInterrupt:
                self.interrupted = stopped = True
                self._stop(running)
        found = np.concatenate(parts)
        return found[np.argsort(found["planned"], kind="stable")]

    def _stop(self, running: list[Connection]) -> None:
        for connection in running:
            self._send(connection, ("stop",))

    def _send(self, connection: Connection, command: tuple[Any, ...]) -> None:
        try:
            connection.send(command)
        except OSError:
            raise self._died(connection) from None

    def _receive(self, connection: Connection) -> tuple[Any, ...]:
        try:
            received: tuple[Any, ...] = connection.recv()
        except (EOFError, OSError):
            raise self._died(connection) from None
        return received

    def _died(self, connection: Connection) -> LoadError:
        process = self._processes[self._connections.index(connection)]
        process.kill()
        said = b"" if process.stderr is None else process.stderr.read().strip()
        last = said.decode(errors="replace").rpartition("\n")[2]
        return LoadError(f"the process that sends requests ended ({last or f'exit code {process.wait()}'})")


def _paths() -> list[str]:
    """Where Python finds packages here: the child's own path may lack this one."""
    return [os.path.abspath(entry or os.getcwd()) for entry in sys.path]
