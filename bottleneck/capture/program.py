"""Records a command that we start: the supervisor runs it, and the recorder writes beside it what it does."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..files import reason
from ..recording.folder import hold
from ..signals import OPTIONS_VARIABLE, RUN_DIR_VARIABLE
from .command import start_error
from .run_file import RunFile
from .supervisor import Ended, Supervisor

if TYPE_CHECKING:
    from .recorder import Recorder


@dataclass(frozen=True)
class Options:
    """What is to be recorded. ``device_window``: optimizer steps to trace with torch.profiler, 0 for none."""

    name: str = "run"
    stacks: str = "auto"
    record_args: bool = False
    device_window: int = 0

    def for_the_child(self) -> str:
        """The part of them that the program's side needs, as it reads it."""
        window = f",window={self.device_window}" if self.device_window else ""
        return f"stacks={self.stacks}{window}"


class Recorded(NamedTuple):
    """How the program ended and what to tell the user. ``lost``: one line on what could not be kept, "" for nothing.

    ``readable``: whether the run folder can be analysed.
    """

    ended: Ended
    messages: list[str]
    lost: str
    readable: bool


def record(
    argv: list[str], words: list[str], run_dir: Path, options: Options, progress: Callable[[Any], Any] | None = None
) -> Recorded:
    """Run ``argv`` under supervision into ``run_dir``. Raises CommandError when it cannot be started, nothing else.

    ``progress(recorder)`` is called once after the start and returns an object with ``tick()`` and ``close()``.
    """
    environment = {RUN_DIR_VARIABLE: str(run_dir), OPTIONS_VARIABLE: options.for_the_child()}
    supervisor = Supervisor(argv, run_dir, environment)
    hold(run_dir)
    live = _Live(supervisor, RunFile(run_dir, options.name, words, options.record_args), progress)
    try:
        ended = supervisor.run(live.tick)
    except OSError as error:
        raise start_error(argv, error) from None
    return live.finish(ended)


class _Live:
    """The recording of one supervised command: nothing heavy is imported before the command runs."""

    def __init__(self, supervisor: Supervisor, run_file: RunFile, progress: Callable[[Recorder], Any] | None) -> None:
        self._supervisor = supervisor
        self._run_file = run_file
        self._start = {"started_ns": time.monotonic_ns(), "started_wall_ns": time.time_ns()}
        self._make_progress = progress
        self._progress: Any = None
        self._recorder: Recorder | None = None

    def tick(self) -> None:
        if self._recorder is None:
            self._run_file.begin({"pid": self._supervisor.pid, **self._start})
            self._recorder = self._record(self._supervisor.pid)
            if self._make_progress is not None:
                self._progress = self._make_progress(self._recorder)
        self._recorder.tick()
        if self._progress is not None:
            self._progress.tick()

    def finish(self, ended: Ended) -> Recorded:
        if self._progress is not None:
            self._progress.close()
        messages = []
        if ended.tick_error is not None:
            messages.append(f"recording failed {ended.tick_errors} times; the first error was {ended.tick_error!r}")
        try:  # the program has an exit code by now, and nothing of ours may replace it
            recorder = self._recorder or self._record(ended.pid)
            lost, readable = self._complete(recorder, ended)
            messages += recorder.drain.problems
        except Exception as error:
            lost, readable = f"the recording could not be finished: {type(error).__name__}: {error}", False
        return Recorded(ended, messages, lost, readable)

    def _record(self, pid: int) -> Recorder:
        from .recorder import Recorder

        return Recorder(self._run_file.run_dir, pid)

    def _complete(self, recorder: Recorder, ended: Ended) -> tuple[str, bool]:
        """(what could not be kept, whether the run can be read)."""
        run_dir = self._run_file.run_dir
        lost = recorder.finish()
        try:
            self._run_file.end(ended, recorder)
        except OSError as error:
            if not run_dir.is_dir():
                return (
                    f"the run folder {run_dir} was deleted while the program ran, so there is nothing to report",
                    False,
                )
            return lost or f"recording stopped: cannot write {run_dir}: {reason(error)}", False
        return lost, True
