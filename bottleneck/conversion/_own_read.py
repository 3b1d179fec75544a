"""The program's own call, in a process of its own: it may need as much memory as the program did."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import _worker
from .jobs import Job, NoConversion

if TYPE_CHECKING:
    from .streaming import Layout


class OwnRead:
    """What the call returned: ``rows``, ``columns``, ``names``, ``types`` (None where it cannot be streamed) and the
    bytes in memory."""

    def __init__(self, job: Job, python: str) -> None:
        self._job, self._python = job, python

    def __enter__(self) -> OwnRead:
        try:
            self._process = subprocess.Popen(
                [self._python, str(Path(_worker.__file__))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        except OSError as error:
            raise NoConversion(f"cannot start {self._python}: {error.strerror}") from None
        try:
            self._read()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def _read(self) -> None:
        job = self._job
        found = self._ask(do="read", call=job.call, path=str(job.source), options=dict(job.options))
        library = job.call.partition(".")[0]
        if job.library and found["version"] != job.library:
            raise NoConversion(
                f"the program read with {library} {job.library}, and {self._python} has {found['version']}; "
                "name the program's Python with --python"
            )
        self.rows: int = found["rows"]
        self.columns: int = found["columns"]
        self.names: list[str] = found["names"]
        self.types: list[str] | None = found["types"]
        self.memory_bytes: int = found["bytes"]

    def difference(self, parquet: Path) -> str:
        """How ``read_parquet`` differs from the call, column by column; "" where it does not."""
        return str(self._ask(do="difference", parquet=str(parquet))["difference"])

    def write(self, parquet: Path, layout: Layout) -> None:
        """Write the table that the call returned."""
        self._ask(do="write", parquet=str(parquet), codec=layout.codec, rows=layout.rows)

    def _ask(self, **request: Any) -> dict[str, Any]:
        answer = self._answer(request)
        if answer.get("errno"):
            raise OSError(answer["errno"], os.strerror(answer["errno"]), request.get("parquet") or request["path"])
        if "error" in answer:
            raise NoConversion(f"{self._job.call} on {self._job.source.name}: {answer['error']}".partition("\n")[0])
        return answer

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            code = self._process.wait()
            why = "was killed, perhaps for lack of memory" if code == -signal.SIGKILL else f"ended with code {code}"
            raise NoConversion(f"the program's own read of {self._job.source.name} {why}; nothing was changed")
        answer: dict[str, Any] = json.loads(line)
        return answer
