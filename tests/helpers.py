"""Shared by the tests: processes that nothing outlives, and a program under ``bottleneck run`` with what it left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PIPELINES = ROOT / "sample_pipelines"


@dataclass
class Ran:
    """One finished run."""

    code: int
    out: str
    err: str
    folder: Path

    @property
    def diagnosis(self) -> dict[str, Any]:
        return json.loads((self.folder / "diagnosis.json").read_text())

    @property
    def found(self) -> list[str]:
        return [finding["detector"] for finding in self.diagnosis["findings"]]

    @property
    def failed_hooks(self) -> list[str]:
        """The notes on hooks that failed; none where there is no diagnosis."""
        notes = self.diagnosis["run"]["notes"] if (self.folder / "diagnosis.json").exists() else []
        return [note for note in notes if "hooks failed and were switched off" in note]


def default_signals() -> None:
    """Signals as a shell's job in a terminal has them: nohup and a script's background jobs have some ignored."""
    for name in ("SIGINT", "SIGQUIT", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


def kill_group(leader: int) -> None:
    """End every process of the group, also those that its leader has left behind."""
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


@contextmanager
def started(words: Sequence[str | Path], **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """``words`` as a process group of its own; whatever happens, nothing of the group outlives the block."""
    options = {"preexec_fn": default_signals, **options}
    with subprocess.Popen([str(word) for word in words], start_new_session=True, **options) as process:
        try:
            yield process
        finally:
            kill_group(process.pid)


def finished(
    words: Sequence[str | Path], input: Any = None, timeout: float = 240, **options: Any
) -> subprocess.CompletedProcess[Any]:
    """As ``subprocess.run(words, capture_output=True)``, in a process group that ends with it."""
    if input is not None:
        options["stdin"] = subprocess.PIPE
    with started(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options) as process:
        out, err = process.communicate(input, timeout)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def bottleneck(
    folder: Path, *words: str | Path, options: tuple[str, ...] = (), hooks_may_fail: bool = False, **extra: Any
) -> Ran:
    """``bottleneck run --run-dir <folder>/run <words>``; ``extra`` goes to the process.

    A hook's error harms no program, so that only this notices it: it fails the test, unless ``hooks_may_fail``.
    """
    run_dir = folder / "run"
    command = [sys.executable, "-m", "bottleneck_profiler.cli", "run", "--run-dir", str(run_dir), *options, "--"]
    done = finished(
        [*command, *words],
        text=True,
        cwd=extra.pop("cwd", folder),
        env={**os.environ, **extra.pop("env", {})},
        **extra,
    )
    ran = Ran(done.returncode, done.stdout, done.stderr, run_dir)
    assert hooks_may_fail or not ran.failed_hooks, ran.failed_hooks
    return ran
