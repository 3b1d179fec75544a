"""Where the runs of a trial take place: in a sandbox, or in a copy of the project."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Protocol

from ..pairs.interleaved import ArmError, OutOfTime
from ..sandbox import Box, SandboxError, start
from ..sandbox.copies import Copy
from .arm import Asked, Seen

#: Trackers of experiments: an arm is none.
_QUIET = {
    "WANDB_MODE": "disabled",
    "MLFLOW_TRACKING_URI": "file:///tmp/bottleneck-mlflow",
    "COMET_MODE": "disabled",
    "NEPTUNE_MODE": "offline",
}


class Room(Protocol):
    """Starts a command so that the user's files stay as they are."""

    def running(self, asked: Asked, files: Mapping[Path, bytes], result: IO[bytes]) -> AbstractContextManager[None]:
        """A run as it is going on; leaving the context ends it. Raises SandboxError.

        ``files``: path -> what the program finds there. ``result``: where to write what was seen; it is handed on, and
        closed here.
        """


@dataclass(frozen=True)
class Sandboxed:
    """``writable``: folders to overlay."""

    writable: tuple[Path, ...]
    network: bool = False

    @contextmanager
    def running(self, asked: Asked, files: Mapping[Path, bytes], result: IO[bytes]) -> Iterator[None]:
        box, handed_on = Box(self.writable, self.network, files), result.fileno()
        process = start(
            _command(asked, handed_on), box, Path("/"), {**os.environ, **_QUIET}, (handed_on,), subprocess.DEVNULL
        )
        result.close()
        try:
            yield
        finally:
            process.kill()  # and with it, all of the sandbox
            process.wait()


@dataclass(frozen=True)
class Copied:
    """``project``: the folder of which each run gets a copy."""

    project: Path

    @property
    def not_isolated(self) -> str:
        """What a run on a copy can change all the same."""
        return (
            f"files outside {self.project}, files above 256 MB and what absolute links point to are the real ones; "
            "the network, ports, databases and GPUs are, too; the copy has no .git"
        )

    @contextmanager
    def running(self, asked: Asked, files: Mapping[Path, bytes], result: IO[bytes]) -> Iterator[None]:
        with Copy(self.project.resolve()) as copy:
            copy.put(files)
            asked = replace(asked, words=[copy.there(word) for word in asked.words], folder=copy.there(asked.folder))
            if asked.override is not None:
                asked = replace(asked, override={**asked.override, "file": copy.there(asked.override["file"])})
            environment = {**os.environ, **_QUIET, "MLFLOW_TRACKING_URI": f"file://{copy.temporary}/mlflow"}
            process = copy.start(_command(asked, result.fileno()), environment, result.fileno())
            result.close()
            try:
                yield
            finally:
                copy.stop(process)


def _command(asked: Asked, result: int) -> list[str]:
    package = __name__.partition(".")[0]
    return [sys.executable, "-m", f"{package}.trial.arm", json.dumps(asdict(asked)), str(result)]


@dataclass(frozen=True)
class Runner:
    """Runs one arm. ``name``: as messages call it."""

    name: str
    room: Room
    asked: Asked
    files: Mapping[Path, bytes] = field(default_factory=dict)

    def run(self, until: float) -> Seen:
        """One recorded run. Raises ArmError; OutOfTime when the clock reaches ``until``."""
        read, write = os.pipe()
        try:
            with open(write, "wb") as end, self.room.running(self.asked, self.files, end):
                said = _read(read, until)
        except SandboxError as error:
            raise ArmError(f"{self.name} cannot be run: {error}") from None
        finally:
            os.close(read)
        try:
            seen = Seen(**json.loads(said))
        except ValueError:
            raise ArmError(f"{self.name} could not be recorded") from None
        if seen.problem:
            raise ArmError(f"{self.name} could not be measured: {seen.problem}")
        return seen


def _read(descriptor: int, until: float) -> bytes:
    """All that comes, until the other end is closed. Raises OutOfTime."""
    parts: list[bytes] = []
    while True:
        left = None if until == float("inf") else max(0.0, until - time.monotonic())
        if not select.select([descriptor], [], [], left)[0]:
            raise OutOfTime
        part = os.read(descriptor, 1 << 16)
        if not part:
            return b"".join(parts)
        parts.append(part)
