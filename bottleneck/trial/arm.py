"""``python -m bottleneck_profiler.trial.arm SPEC RESULT``: one recorded run of the program, ended after so many steps.

It runs where the program may change nothing, so the recording goes to a temporary folder, and what is wanted of it
through the descriptor ``RESULT``, as JSON. ``SPEC``: JSON with the fields of ``Asked``.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import time
from array import array
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..capture.program import Options

_TAIL_BYTES = 4096
_GRACE_SECONDS = 2.0  # between asking a program to end and ending it
_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Asked:
    """``signals``: end the program when a process has this many steps; 0: let it end. ``kind``: of the steps."""

    words: list[str]
    folder: str
    signals: int = 0
    kind: str = ""
    override: dict[str, Any] | None = None


@dataclass
class Seen:
    """``starts``, ``ends``: of the steps after warm-up, in nanoseconds. ``code``: the program's; None: we ended it.

    ``problem``: why there is nothing to measure. ``said``: the last line that the program printed.
    """

    wall_seconds: float = 0.0
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    code: int | None = None
    problem: str = ""
    said: str = ""


class _Stopper:
    """Ends the program after so many steps; called by the recorder at every tick."""

    def __init__(self, recorder: Any, asked: Asked) -> None:
        self._recorder = recorder
        self._asked = asked
        self._next = 0.0
        self._since = 0.0
        self.stopped = False

    def tick(self) -> None:
        now = time.monotonic()
        if self._asked.signals and now >= self._next:
            self._next = now + _LOOK_SECONDS
            if self.stopped:
                self._send(signal.SIGKILL if now > self._since + _GRACE_SECONDS else 0)
            elif self._count() >= self._asked.signals:
                self.stopped, self._since = True, now
                self._send(signal.SIGTERM)

    def close(self) -> None:
        pass

    def _send(self, number: int) -> None:
        try:
            os.kill(self._recorder.root_pid, number)
        except OSError:
            pass  # it has ended

    def _count(self) -> int:
        """Steps of the process with most of them."""
        from .. import signals

        counted = signals.OPTIMIZER if self._asked.kind == "optimizer" else signals.DATA_WAIT
        most = 0
        for _, cells in self._recorder.drain.live_totals():
            steps = sum(count for (phase, _), (count, _) in cells.items() if phase == counted)
            most = max(most, steps + cells.get((signals.NONE, signals.IMPORT), (0, 0))[0])
        return most


def run(asked: Asked) -> Seen:
    """Record one run in this process's place."""
    from ..capture.command import CommandError, resolve
    from ..capture.program import Watching, record
    from ..recording.folder import RunError, create

    os.chdir(asked.folder)
    place = Path(tempfile.mkdtemp(prefix="bottleneck-arm-"))
    stoppers: list[_Stopper] = []

    def watch(recorder: Any) -> _Stopper:
        stoppers.append(_Stopper(recorder, asked))
        return stoppers[-1]

    try:
        argv = resolve(asked.words)
        run_dir = create(None, "arm", place / "run")
        trial = place / "trial.json"
        trial.write_text(json.dumps({"override": asked.override, "losses": str(place)}), encoding="utf-8")
        options = _options(trial)
        with open(place / "output", "wb") as output:
            _redirect(output.fileno())
            recorded = record(argv, asked.words, run_dir, options, Watching(watch))
        said = _last_line(place / "output")
        ended = recorded.ended
        stopped = any(each.stopped for each in stoppers)
        seen = Seen((ended.ended_ns - ended.started_ns) / 1e9, code=None if stopped else ended.exit_code, said=said)
        if recorded.lost or not recorded.readable:
            seen.problem = recorded.lost or "nothing was recorded"
        elif seen.code:
            seen.problem = f"the program ended with exit code {seen.code}: {said or 'it printed nothing'}"
        else:
            _read(run_dir, seen)
            seen.losses = max((_losses(path) for path in place.glob("*.losses")), key=len, default=[])
        return seen
    except (CommandError, RunError) as error:
        return Seen(problem=str(error))
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _options(trial: Path) -> Options:
    """What to record, and where the agent finds what ``collectors/support/trial.py`` does."""
    from ..capture.program import Options

    class Arm(Options):
        def for_the_child(self, until_ns: int | None, own: Sequence[str] = ()) -> str:
            return f"{super().for_the_child(until_ns, own)},trial={trial}"

    return Arm("arm", probe=False)


def _read(run_dir: Path, seen: Seen) -> None:
    from ..artifacts import Artifacts, Missing
    from ..artifacts.training.steps import Steps
    from ..recording.read import load

    recording = load(run_dir)
    try:
        steps = Artifacts(recording).get(Steps)
    except Missing:
        return
    seen.starts, seen.ends = steps.start_ns.tolist(), steps.end_ns.tolist()


def _losses(path: Path) -> list[float]:
    found = array("d")
    data = path.read_bytes()
    found.frombytes(data[: len(data) // found.itemsize * found.itemsize])
    return found.tolist()


def _redirect(descriptor: int) -> None:
    """What the program prints is not ours to show, but its last line may say why it failed."""
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)


def _last_line(path: Path) -> str:
    with open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        lines = file.read().decode("utf-8", "replace").replace("\r", "\n").strip().splitlines()
    return "".join(c if c.isprintable() else " " for c in lines[-1].strip())[:200] if lines else ""


def main() -> int:
    result = int(sys.argv[2])
    os.set_inheritable(result, False)
    with open(result, "w", encoding="utf-8") as file:
        json.dump(asdict(run(Asked(**json.loads(sys.argv[1])))), file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
