"""Records a command that we start: the supervisor runs it, and the recorder writes beside it what it does.

With a duration the recording ends before the command may: every process knows the moment, and the supervisor goes on
waiting when the recording has been written and reported.
"""

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

_NO_WINDOW = "The recording ended before the device window did, so the window is not shown."
_LAST_RECORDS_NS = 200_000_000  # after the end of a duration: by then every process has written its last records


@dataclass(frozen=True)
class Options:
    """What is to be recorded. ``device_window``: optimizer steps to trace with torch.profiler, 0 for none.

    ``duration_seconds``: when the recording ends, though the program may go on; None: with the program.
    """

    name: str = "run"
    stacks: str = "auto"
    record_args: bool = False
    device_window: int = 0
    duration_seconds: int | None = None

    def until_ns(self, started_ns: int) -> int | None:
        """When the recording of a program ends that starts then; None: with the program."""
        return None if self.duration_seconds is None else started_ns + self.duration_seconds * 10**9

    def for_the_child(self, until_ns: int | None) -> str:
        """The part of them that the program's side needs, as it reads it."""
        window = f",window={self.device_window}" if self.device_window else ""
        return f"stacks={self.stacks}{window}{'' if until_ns is None else f',until={until_ns}'}"


class Recorded(NamedTuple):
    """How the program ended and what to tell the user. ``lost``: one line on what could not be kept, "" for nothing.

    ``readable``: whether the run folder can be analysed, and has not been yet.
    """

    ended: Ended
    messages: list[str]
    lost: str
    readable: bool


@dataclass(frozen=True)
class Watching:
    """Who is told while the program runs. ``progress(recorder)`` is called once after the start and returns an object
    with ``tick()`` and ``close()``; ``stopped`` once, when the recording has ended and the program goes on."""

    progress: Callable[[Any], Any] | None = None
    stopped: Callable[[Recorded], None] | None = None


def record(
    argv: list[str], words: list[str], run_dir: Path, options: Options, watching: Watching | None = None
) -> Recorded:
    """Run ``argv`` under supervision into ``run_dir``. Raises CommandError when it cannot be started, nothing else."""
    start = {"started_ns": time.monotonic_ns(), "started_wall_ns": time.time_ns()}
    until_ns = options.until_ns(start["started_ns"])
    environment = {RUN_DIR_VARIABLE: str(run_dir), OPTIONS_VARIABLE: options.for_the_child(until_ns)}
    supervisor = Supervisor(argv, run_dir, environment)
    hold(run_dir)
    run_file = RunFile(run_dir, options.name, words, options.record_args)
    live = _Live(supervisor, run_file, start, until_ns, options, watching or Watching())
    try:
        ended = supervisor.run(live.tick)
    except OSError as error:
        raise start_error(argv, error) from None
    return live.finish(ended)


class _Live:
    """The recording of one supervised command: nothing heavy is imported before the command runs."""

    def __init__(
        self,
        supervisor: Supervisor,
        run_file: RunFile,
        start: dict[str, int],
        until_ns: int | None,
        options: Options,
        watching: Watching,
    ) -> None:
        self._supervisor = supervisor
        self._run_file = run_file
        self._start = start
        self._until_ns = until_ns
        self._options = options
        self._watching = watching
        self._progress: Any = None
        self._recorder: Recorder | None = None
        self._stopped = False

    def tick(self) -> None:
        if self._stopped:
            return
        if self._recorder is None:
            self._run_file.begin({"pid": self._supervisor.pid, **self._start})
            self._recorder = self._record(self._supervisor.pid)
            if self._watching.progress is not None:
                self._progress = self._watching.progress(self._recorder)
        self._recorder.tick()
        if self._progress is not None:
            self._progress.tick()
        over = self._until_ns is not None and time.monotonic_ns() >= self._until_ns + _LAST_RECORDS_NS
        if over and not self._supervisor.has_ended:
            self._stop()

    def _stop(self) -> None:
        """The recording ends here, and the program goes on."""
        assert self._recorder is not None and self._until_ns is not None
        self._stopped = True
        if self._options.device_window and not any(
            kind == "device_window" for _, kind, _ in self._recorder.drain.notes
        ):
            self._recorder.notes.append(_NO_WINDOW)
        so_far = Ended(
            exit_code=None,
            signal=None,
            pid=self._supervisor.pid,
            started_ns=self._start["started_ns"],
            ended_ns=self._until_ns,
            started_wall_ns=self._start["started_wall_ns"],
            killed_by_us=False,
        )
        recorded = self._finish(so_far, finished=False)
        self._recorder.leave()
        self._recorder = None
        if self._watching.stopped is not None:
            self._watching.stopped(recorded)

    def finish(self, ended: Ended) -> Recorded:
        messages = []
        if ended.tick_error is not None:
            messages.append(f"recording failed {ended.tick_errors} times; the first error was {ended.tick_error!r}")
        recorded = Recorded(ended, [], "", False) if self._stopped else self._finish(ended, finished=True)
        return recorded._replace(messages=messages + recorded.messages)

    def _finish(self, ended: Ended, finished: bool) -> Recorded:
        """Write what there is. Nothing of ours may replace the program's exit code, so it raises nothing."""
        if self._progress is not None:
            self._progress.close()
        try:
            recorder = self._recorder or self._record(ended.pid)
            lost, readable = self._complete(recorder, ended, finished)
            return Recorded(ended, recorder.drain.problems, lost, readable)
        except Exception as error:
            return Recorded(ended, [], f"the recording could not be finished: {type(error).__name__}: {error}", False)

    def _record(self, pid: int) -> Recorder:
        from .recorder import Recorder

        return Recorder(self._run_file.run_dir, pid)

    def _complete(self, recorder: Recorder, ended: Ended, finished: bool) -> tuple[str, bool]:
        """(what could not be kept, whether the run can be read)."""
        run_dir = self._run_file.run_dir
        lost = recorder.finish()
        try:
            self._run_file.end(ended, recorder, finished)
        except OSError as error:
            if not run_dir.is_dir():
                return (
                    f"the run folder {run_dir} was deleted while the program ran, so there is nothing to report",
                    False,
                )
            return lost or f"recording stopped: cannot write {run_dir}: {reason(error)}", False
        return lost, True
