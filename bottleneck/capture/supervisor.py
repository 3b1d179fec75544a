"""Starts the user's command unchanged, forwards signals and waits. Only this module owns the child process.

The child starts first, and everything else is set up while it loads. Three rules hold whatever happens to us: the
child's streams, process group and signals are the same as without us; our errors never reach it; and it keeps running
if we are killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..signals import LIVE, OPTIONS_VARIABLE, RUN_DIR_VARIABLE
from . import start_code

INJECT = Path(__file__).parent.parent / "agent" / "inject"
FORWARDED = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")
    if hasattr(signal, name)
)
_KERNEL = 0x80  # siginfo's SI_KERNEL: sent by the terminal driver, not by kill(2)
_FROM_KEYBOARD = (signal.SIGINT, getattr(signal, "SIGQUIT", signal.SIGINT))
_RECHECK_SECONDS = 0.5  # worst-case delay in noticing the exit if the child died before we watched SIGCHLD


class Ended(NamedTuple):
    """How the child ended. Times are monotonic nanoseconds (``started_wall_ns``: since the epoch)."""

    exit_code: int | None  # as a shell reports it: 128 + signal number after a signal; None: not our child
    signal: int | None
    pid: int
    started_ns: int
    ended_ns: int
    started_wall_ns: int
    killed_by_us: bool  # by a second Ctrl-C
    tick_error: Exception | None = None  # the first error of ``tick``; the child never saw it
    tick_errors: int = 0


class Supervisor:
    """Runs ``argv`` once with the recorder injected, which writes to ``run_dir``.

    ``environment`` is added to the child's environment (``BOTTLENECK_OPTIONS`` is extended, not replaced).
    """

    def __init__(self, argv: Sequence[str], run_dir: Path, environment: Mapping[str, str] | None = None) -> None:
        self.argv = list(argv)
        self.run_dir = run_dir
        self.pid = 0
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = threading.Event()
        self._ended_ns = 0
        self._interrupts = 0
        self._killed = False
        self._caught: set[int] = set()

    @property
    def has_ended(self) -> bool:
        """Whether we have seen the child exit."""
        return self._ended.is_set()

    def run(self, tick: Callable[[], None], interval_seconds: float = 0.05) -> Ended:
        """Start the child, call ``tick`` every ``interval_seconds`` until it exits, and return how it ended.

        Call it from the main thread. ``tick`` runs in that thread, first right after the start and a last time after
        the exit. Raises `OSError` if the command cannot be started (`command.start_error` turns it into a message).
        Raises nothing else, whatever ``tick`` does.
        """
        (self.run_dir / LIVE).mkdir(parents=True, exist_ok=True)
        start_code.write(self.run_dir)
        previous = self._install_handlers()
        started_wall_ns, started_ns = time.time_ns(), time.monotonic_ns()
        try:
            # close_fds=False: descriptors that the user's shell opened for the program stay open. Ours close on exec.
            self._process = subprocess.Popen(self.argv, env=self.child_environment(), close_fds=False)
        except OSError:
            _restore_handlers(previous)
            raise
        self.pid = self._process.pid
        old_mask = self._watch()
        first_error, errors = self._tick_until_the_end(tick, interval_seconds)
        self._unwatch(old_mask, previous)
        start_code.remove(self.run_dir)
        code = self._process.returncode
        return Ended(
            exit_code=code if code >= 0 else 128 - code,
            signal=-code if code < 0 else None,
            pid=self.pid,
            started_ns=started_ns,
            ended_ns=self._ended_ns,
            started_wall_ns=started_wall_ns,
            killed_by_us=self._killed,
            tick_error=first_error,
            tick_errors=errors,
        )

    def _tick_until_the_end(self, tick: Callable[[], None], interval_seconds: float) -> tuple[Exception | None, int]:
        """Returns (the first exception from ``tick``, the number of them). The caller reports them after the exit."""
        first_error: Exception | None = None
        errors = 0
        last = False
        while not last:
            last = self._ended.is_set()
            try:
                tick()
            except Exception as caught:
                first_error, errors = first_error or caught, errors + 1
            if not last:
                self._ended.wait(interval_seconds)
        return first_error, errors

    def child_environment(self) -> dict[str, str]:
        """The child's environment: ours plus the additions, with the injection folder first in PYTHONPATH."""
        environ = {**os.environ, **self._environment}
        path = environ.get("PYTHONPATH")
        environ["PYTHONPATH"] = f"{INJECT}{os.pathsep}{path}" if path else str(INJECT)
        environ[RUN_DIR_VARIABLE] = os.path.abspath(self.run_dir)
        options = [self._environment.get(OPTIONS_VARIABLE, ""), f"supervisor={os.getpid()}"]
        environ[OPTIONS_VARIABLE] = ",".join(option for option in options if option)
        return environ

    # -- waiting ---------------------------------------------------------------------------------------------

    def _watch(self) -> set[Any] | None:
        """Watch the child and the signals from a separate thread, so that a slow tick delays neither."""
        if not hasattr(signal, "sigtimedwait"):  # macOS: the signal handlers do the forwarding
            threading.Thread(target=self._wait_for_end, daemon=True).start()
            return None
        if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # if ignored, the kernel would discard the exit code
        # Blocking also queues signals that we ignore: a program may handle a signal that it started with ignored.
        # SIGTTOU: our output from the background must not stop the program's process group.
        old_mask = signal.pthread_sigmask(signal.SIG_BLOCK, {*FORWARDED, signal.SIGCHLD, signal.SIGTTOU})
        threading.Thread(target=self._wait_for_signals, daemon=True).start()
        return old_mask

    def _wait_for_signals(self) -> None:
        while not self._has_ended():
            info = signal.sigtimedwait({*FORWARDED, signal.SIGCHLD}, _RECHECK_SECONDS)
            if info is not None and info.si_signo in FORWARDED:
                self._received(info.si_signo, info.si_code == _KERNEL)

    def _wait_for_end(self) -> None:
        assert self._process is not None
        self._process.wait()
        self._has_ended()

    def _has_ended(self) -> bool:
        assert self._process is not None
        if self._process.poll() is None:
            return False
        self._ended_ns = time.monotonic_ns()
        self._ended.set()
        return True

    def _unwatch(self, old_mask: set[Any] | None, previous: dict[int, Any]) -> None:
        if old_mask is not None:
            # Signals that arrived for the child after its exit must not interrupt the report that follows.
            while signal.sigtimedwait(FORWARDED, 0) is not None:
                pass
            signal.pthread_sigmask(signal.SIG_SETMASK, old_mask)
        _restore_handlers(previous)

    # -- signals ---------------------------------------------------------------------------------------------

    def _install_handlers(self) -> dict[int, Any]:
        """Catch the signals to forward, already before the start: exec resets caught signals to the default.

        A signal that was ignored on entry (nohup, a background job) stays ignored, in the child too.
        """
        previous = {}
        for number in FORWARDED:
            if signal.getsignal(number) is not signal.SIG_IGN:
                previous[int(number)] = signal.signal(number, self._handle)
        self._caught = set(previous)
        return previous

    def _handle(self, number: int, frame: object) -> None:
        # Used only before the watching thread runs, and on platforms without sigtimedwait.
        self._received(number, number in _FROM_KEYBOARD and _in_foreground())

    def _received(self, number: int, from_terminal: bool) -> None:
        """Forward a signal unless the terminal already sent it to the whole foreground group, including the child."""
        if from_terminal and number == signal.SIGINT and number in self._caught:
            self._interrupts += 1
            if self._interrupts > 1:
                self._killed = True
                self._send(signal.SIGKILL)
            return
        if from_terminal and number == signal.SIGHUP and os.getsid(0) == os.getpid():
            from_terminal = False  # a closed terminal signals only the session leader, which is us
        if not from_terminal:
            self._send(number)

    def _send(self, number: int) -> None:
        if self._process is not None:
            try:
                self._process.send_signal(number)  # polls first, so it never signals a reused pid
            except OSError:
                pass  # the program now runs as another user


def _restore_handlers(previous: Mapping[int, Any]) -> None:
    for number, handler in previous.items():
        signal.signal(number, handler)


def _in_foreground() -> bool:
    """Whether we have a controlling terminal and are in its foreground process group."""
    try:
        descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(descriptor)
