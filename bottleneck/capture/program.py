"""Records a command that we start: the supervisor runs it while the recorder writes the recording.

With a duration, the recording may end before the command does. Every process knows the end time. The supervisor writes
and reports the recording, then keeps waiting for the command.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..files import reason
from ..recording.folder import hold
from ..signals import OPTIONS_VARIABLE, RUN_DIR_VARIABLE
from .command import start_error
from .own_package import own_paths
from .run_file import RunFile
from .supervisor import Ended, Supervisor

if TYPE_CHECKING:
    from .recorder import Recorder

_NO_WINDOW = "The recording ended before the device window did, so the window is not shown."
_OFTEN = 8
_LAST_RECORDS_NS = 200_000_000  # after a duration ends: enough for every process to write its last records


@dataclass(frozen=True)
class Options:
    """What to record. ``device_window``: number of optimizer steps to trace with torch.profiler, 0 for none.

    ``duration_seconds``: stop recording after this time even if the program continues; None: record to its end.
    ``probe``: files that were read may be tried in other formats after the run. ``probe_model``: a copy of the served
    model may be kept, and tried in faster variants after the run. ``often``: sample up to ``_OFTEN``
    times as often. ``trackers``: experiment trackers, of whose runs the program's are noted.
    """

    name: str = "run"
    stacks: str = "auto"
    record_args: bool = False
    device_window: int = 0
    duration_seconds: int | None = None
    probe: bool = True
    often: bool = False
    trackers: tuple[str, ...] = ()
    probe_model: bool = False

    def until_ns(self, started_ns: int) -> int | None:
        """When the recording of a program started at ``started_ns`` ends; None: when the program ends."""
        return None if self.duration_seconds is None else started_ns + self.duration_seconds * 10**9

    def for_the_child(self, until_ns: int | None, own: Sequence[str] = ()) -> str:
        """The options that the agent in the program needs, in the format it parses. ``own``: see `own_paths`."""
        window = f",window={self.device_window}" if self.device_window else ""
        paths = os.pathsep.join(path for path in own if "," not in path)
        until = "" if until_ns is None else f",until={until_ns}"
        pace = f",pace={_OFTEN}" if self.often else ""
        model = ",model=1" if self.probe_model else ""
        trackers = f",trackers={'+'.join(self.trackers)}" if self.trackers else ""
        return f"stacks={self.stacks}{window}{until}{pace}{model}{trackers}{f',own={paths}' if paths else ''}"


class Recorded(NamedTuple):
    """How the program ended and what to tell the user. ``lost``: one line on data that was lost, "" if none was.

    ``readable``: whether the run folder can be analysed and has not been yet.
    """

    ended: Ended
    messages: list[str]
    lost: str
    readable: bool


@dataclass(frozen=True)
class Watching:
    """Callbacks while the program runs. ``progress(recorder)`` is called once after the start and returns an object
    with ``tick()`` and ``close()``. ``stopped`` is called once if the recording ends before the program does."""

    progress: Callable[[Any], Any] | None = None
    stopped: Callable[[Recorded], None] | None = None


def record(
    argv: list[str], words: list[str], run_dir: Path, options: Options, watching: Watching | None = None
) -> Recorded:
    """Run ``argv`` and record it into ``run_dir``. Raises only CommandError, when the command cannot be started."""
    start = {"started_ns": time.monotonic_ns(), "started_wall_ns": time.time_ns()}
    until_ns = options.until_ns(start["started_ns"])
    environment = {RUN_DIR_VARIABLE: str(run_dir), OPTIONS_VARIABLE: options.for_the_child(until_ns, own_paths(argv))}
    supervisor = Supervisor(argv, run_dir, environment)
    hold(run_dir)
    run_file = RunFile(run_dir, options.name, words, options.record_args, options.probe)
    live = _Live(supervisor, run_file, start, until_ns, options, watching or Watching())
    try:
        ended = supervisor.run(live.tick)
    except OSError as error:
        raise start_error(argv, error) from None
    return live.finish(ended)


class _Live:
    """The recording of one supervised command. It imports nothing heavy before the command runs."""

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
        """End the recording while the program keeps running."""
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
        """Write what was recorded. Never raises: an error of ours must not replace the program's exit code."""
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
        """Returns (one line on lost data or "", whether the run can be read)."""
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
