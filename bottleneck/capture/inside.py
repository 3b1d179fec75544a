"""Starts and ends a run from inside the program. ``profile`` uses it when there is no outer ``bottleneck run``.

It loads the agent as ``_bottleneck_child``, under the same name as the injection, so a process never has two
recorders. It starts the sidecar as a process that is not a child of the program. The two communicate through the
side file (the note "bye" ends the run) and one pipe (end-of-file means that the diagnosis is written).
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from .. import signals

if TYPE_CHECKING:
    from ..diagnosis.model import Diagnosis

_CHILD = "_bottleneck_child"
_EXIT_WAIT_SECONDS = 60.0

_lock = threading.RLock()
_open_run: Run | None = None
_said: set[str] = set()


class Run:
    """One run, shared by its ``profile`` blocks. ``problem``: why there will be no diagnosis; "" if there will be one.

    ``inline``: the block that ends the run shows its report below the notebook cell.
    """

    def __init__(self, run_dir: str | None, problem: str = "", pipe: int = -1, inline: bool = False) -> None:
        self.run_dir = run_dir
        self.problem = problem
        self.inline = inline
        self.pid = os.getpid()
        self.depth = 1
        self.ended = False
        self.diagnosis: Diagnosis | None = None  # cached by the first reader: all profiles of the run share it
        self._pipe = pipe
        self._waiting = threading.Lock()

    def wait(self, timeout_seconds: float | None) -> bool:
        """Wait at most ``timeout_seconds`` (None: forever). Returns whether diagnosis.json is complete."""
        if self.problem or not self.ended or self.run_dir is None:
            return False
        with self._waiting:
            if self._pipe >= 0 and self._at_end(timeout_seconds):
                os.close(self._pipe)
                self._pipe = -1
        return self._pipe < 0 and os.path.exists(os.path.join(self.run_dir, "diagnosis.json"))

    def _at_end(self, timeout_seconds: float | None) -> bool:
        import select

        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        poll = select.poll()
        poll.register(self._pipe, select.POLLIN | select.POLLHUP)
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
            if not poll.poll(left):
                return False
            if not os.read(self._pipe, 4096):
                return True

    def reason(self) -> str:
        """Why there is no diagnosis: one sentence without a full stop."""
        if self.problem:
            return self.problem
        return "the report failed" if self.ended else "the profile is still recording"


def begin(name: str | None, run_dir: Any, stacks: str, quiet: bool, sidecar: str, notebook: bool) -> Run:
    """Join the run that records this process, or start one. Never raises; ``Run.problem`` says what went wrong.

    ``sidecar``: the module to run next to the program; it records, analyses and reports. ``notebook``: whether the
    program is a notebook.
    """
    global _open_run
    with _lock:
        if _open_run is not None and _open_run.pid == os.getpid():
            _open_run.depth += 1
            return _open_run
        outer = sys.modules.get(_CHILD + ".agent.recorder")
        if outer is not None and outer.signals.LAYOUT_VERSION != signals.LAYOUT_VERSION:
            return Run(None, "another version of bottleneck is recording this program")
        if outer is not None and outer.recorder() is not None:
            joined = "this profile joined a `bottleneck run`, which reports when the program ends"
            over = "the `bottleneck run` around this profile has stopped recording"
            return Run(outer.recorder().run_dir, joined if outer.recorder().active else over)
        try:
            made = _start(name, run_dir, stacks, quiet, sidecar, notebook)
        except Exception as error:
            made = Run(None, f"nothing was recorded: {str(error) or type(error).__name__}")
        if made.problem:
            _say(made.problem)
        else:
            _open_run = made
        return made


def end(run: Run) -> bool:
    """Leave a run. The last one to leave ends it and gets True. Never raises."""
    global _open_run
    with _lock:
        run.depth -= 1
        if run is not _open_run or run.depth or run.pid != os.getpid():
            return False
        _open_run = None
        try:
            sys.modules[_CHILD + ".agent.bootstrap"].stop()
        except Exception as error:
            _say(f"the recording did not stop cleanly: {error}")
        run.ended = True
        return True


def _start(name: str | None, run_dir: Any, stacks: str, quiet: bool, sidecar: str, notebook: bool) -> Run:
    from pathlib import Path

    from ..recording.folder import create
    from .platforms import platform_problem

    problem = platform_problem()
    if problem:
        return Run(None, problem)
    script = os.path.basename(getattr(sys.modules.get("__main__"), "__file__", None) or "python")
    command = script + (" ..." if len(sys.argv) > 1 else "")
    if notebook:
        script = command = "notebook"  # the kernel's own command line says nothing useful
    label = name or os.path.splitext(script)[0]
    folder = str(create(None, label, Path(run_dir) if run_dir is not None else None))
    silent = ["quiet"] if quiet or notebook else []
    pipe = _start_sidecar([sidecar, str(os.getpid()), folder, label, command, *silent])
    try:
        _load_child().start(folder, f"stacks={stacks}")
    except BaseException:
        os.close(pipe)
        raise
    run = Run(folder, pipe=pipe, inline=notebook and not quiet)
    if not silent:
        atexit.register(_wait_at_exit, run)
    return run


def _start_sidecar(words: list[str]) -> int:
    """Start the sidecar. Returns a descriptor that reads end-of-file when the sidecar exits. Raises OSError."""
    import subprocess

    environ = {k: v for k, v in os.environ.items() if k not in (signals.RUN_DIR_VARIABLE, signals.OPTIONS_VARIABLE)}
    ours, theirs = os.pipe()
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", *words],
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            env=environ,
            start_new_session=True,  # Ctrl-C in the terminal must only reach the program
        )
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    # It forks at once and the parent exits, so it is not a child of the program and os.wait() never returns it.
    ready = os.read(ours, 16)
    process.wait()
    if not ready:
        os.close(ours)
        raise OSError("the supervising process could not be started")
    return ours


def _wait_at_exit(run: Run) -> None:
    """Make the report appear before the shell prompt. A fork of the program does not wait for its parent's report."""
    if run.pid == os.getpid():
        run.wait(_EXIT_WAIT_SECONDS)


def _load_child() -> Any:
    """Load the agent under its private name, like agent/inject/sitecustomize.py does."""
    if _CHILD not in sys.modules:
        package: Any = type(sys)(_CHILD)
        package.__path__ = [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]
        sys.modules[_CHILD] = package
    from importlib import import_module

    return import_module(_CHILD + ".agent.bootstrap")


def _say(text: str) -> None:
    if text not in _said and sys.stderr is not None:
        _said.add(text)
        try:
            print(f"bottleneck: {text}.", file=sys.stderr)
        except (OSError, ValueError):
            pass


def _after_fork() -> None:
    global _lock
    _lock = threading.RLock()  # in the parent, a thread that does not exist here may hold the old one


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
