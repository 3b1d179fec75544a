"""Signals: each reaches the program once, a key pressed twice kills it, and our own end never does."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from bottleneck_profiler.capture.supervisor import FORWARDED
from helpers import default_signals, finished, kill_group, started

from .conftest import driver_words, environment

# Logs each signal that it gets, and ends at SIGUSR2 after having told of everything before.
COUNTER = """
import os, signal, sys
log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def note(number, frame):
    os.write(log, (signal.Signals(number).name + "\\n").encode())
    if number == signal.SIGUSR2:
        sys.exit(0)
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
    signal.signal(number, note)
os.write(log, b"ready\\n")
while True:
    signal.pause()
"""


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 40
    while not condition():
        assert time.monotonic() < end, f"never happened: {what}"
        time.sleep(0.02)


def log(folder: Path) -> list[str]:
    path = folder / "log"
    return path.read_text().split() if path.exists() else []


def ended(folder: Path) -> dict[str, object]:
    return json.loads((folder / "run" / "ended.json").read_text())


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "counter.py"
    path.write_text(COUNTER)
    return path


class Terminal:
    """The supervisor as the foreground job of a new pseudo-terminal."""

    def __init__(self, folder: Path, words: list[str]) -> None:
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            try:
                default_signals()
                os.chdir(folder)
                os.execve(words[0], words, environment(TERM="xterm"))
            finally:
                os._exit(99)
        self.status: int | None = None

    def press(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def wait(self) -> int:
        """Read until the program is gone; its exit code."""
        while True:
            try:
                if not os.read(self.master, 4096):
                    break
            except OSError:
                break
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status

    def close(self) -> None:
        kill_group(self.pid)  # pty.fork makes the supervisor the leader of a group, the program in it
        if self.status is None:
            os.waitpid(self.pid, 0)
        with suppress(OSError):
            os.close(self.master)


@contextmanager
def in_terminal(folder: Path, script: Path) -> Iterator[Terminal]:
    """The program in a terminal, once it is ready."""
    opened = Terminal(folder, driver_words(folder / "run", [sys.executable, str(script)]))
    try:
        until(lambda: "ready" in log(folder), "program ready")
        yield opened
    finally:
        opened.close()


@pytest.fixture
def terminal(tmp_path: Path, program: Path) -> Iterator[Terminal]:
    with in_terminal(tmp_path, program) as opened:
        yield opened


def ignore_all() -> None:
    for number in FORWARDED:
        signal.signal(number, signal.SIG_IGN)


@pytest.mark.parametrize("before", [default_signals, ignore_all], ids=["default", "ignored"])
def test_each_signal_is_forwarded_once(tmp_path: Path, program: Path, before: Callable[[], None]) -> None:
    words = driver_words(tmp_path / "run", [sys.executable, str(program)])
    with started(words, cwd=tmp_path, env=environment(), preexec_fn=before) as run:
        until(lambda: "ready" in log(tmp_path), "program ready")
        for name in ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGINT", "SIGQUIT", "SIGINT", "SIGUSR2"):
            before_it = len(log(tmp_path))
            run.send_signal(getattr(signal, name))
            until(lambda n=before_it: len(log(tmp_path)) > n, f"{name} forwarded")
        assert run.wait(40) == 0
    # kill -INT, unlike the key, may come as often as it likes
    assert log(tmp_path)[1:] == ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGINT", "SIGQUIT", "SIGINT", "SIGUSR2"]
    assert ended(tmp_path)["killed_by_us"] is False


def test_ctrl_c_reaches_the_program_once_and_the_second_kills(tmp_path: Path, terminal: Terminal) -> None:
    terminal.press(b"\x03")
    until(lambda: "SIGINT" in log(tmp_path), "Ctrl-C")
    os.kill(terminal.pid, signal.SIGTERM)  # comes behind whatever was sent for the key
    until(lambda: "SIGTERM" in log(tmp_path), "SIGTERM")
    assert log(tmp_path) == ["ready", "SIGINT", "SIGTERM"]
    terminal.press(b"\x03")
    assert terminal.wait() == 137
    assert ended(tmp_path)["killed_by_us"] is True


def test_kill_int_in_the_foreground_is_forwarded(tmp_path: Path, terminal: Terminal) -> None:
    os.kill(terminal.pid, signal.SIGINT)
    until(lambda: "SIGINT" in log(tmp_path), "kill -INT")
    os.kill(terminal.pid, signal.SIGUSR2)
    assert terminal.wait() == 0
    assert log(tmp_path) == ["ready", "SIGINT", "SIGUSR2"]


def test_ctrl_backslash_does_not_end_the_supervisor(tmp_path: Path, terminal: Terminal) -> None:
    terminal.press(b"\x1c")
    until(lambda: "SIGQUIT" in log(tmp_path), "SIGQUIT")
    os.kill(terminal.pid, signal.SIGUSR2)
    assert terminal.wait() == 0
    assert log(tmp_path) == ["ready", "SIGQUIT", "SIGUSR2"]


def test_closed_terminal_is_told_to_the_program(tmp_path: Path, terminal: Terminal) -> None:
    os.close(terminal.master)
    until(lambda: "SIGHUP" in log(tmp_path), "SIGHUP")
    os.kill(terminal.pid, signal.SIGUSR2)
    assert terminal.wait() == 0
    assert log(tmp_path) == ["ready", "SIGHUP", "SIGUSR2"]


def test_program_without_handler_dies_of_ctrl_c(tmp_path: Path) -> None:
    script = tmp_path / "sleep.py"
    script.write_text("open('log', 'w').write('ready'); import time; time.sleep(100)")
    with in_terminal(tmp_path, script) as opened:
        opened.press(b"\x03")
        assert opened.wait() == 130
    assert ended(tmp_path)["signal"] == signal.SIGINT


def test_a_tick_that_hangs_does_not_hold_signals_back(tmp_path: Path, program: Path) -> None:
    # the driver's tick waits until the program has logged SIGUSR1
    words = driver_words(tmp_path / "run", [sys.executable, str(program)], "--wait-for-usr1")
    with started(words, cwd=tmp_path, env=environment()) as run:
        until(lambda: "ready" in log(tmp_path), "program ready")
        run.send_signal(signal.SIGUSR1)
        until(lambda: "SIGUSR1" in log(tmp_path), "SIGUSR1 forwarded from within a tick")
        run.send_signal(signal.SIGUSR2)
        assert run.wait(40) == 0


def test_program_survives_a_killed_supervisor(tmp_path: Path) -> None:
    script = tmp_path / "goes_on.py"
    script.write_text(
        "import os, time\n"
        "open('log', 'w').write('ready')\n"
        "while not os.path.exists('go'): time.sleep(0.02)\n"
        "open('log', 'w').write('done')\n"
    )
    words = driver_words(tmp_path / "run", [sys.executable, str(script)])
    with started(words, cwd=tmp_path, env=environment()) as run:
        until(lambda: log(tmp_path) == ["ready"], "program ready")
        run.kill()
        run.wait()
        (tmp_path / "go").touch()
        until(lambda: log(tmp_path) == ["done"], "program went on")


def test_program_starts_with_the_signals_it_would_have_had(tmp_path: Path) -> None:
    script = tmp_path / "signals.py"
    script.write_text(
        "import signal\n"
        "print([signal.getsignal(n).name for n in (15, 1, 10, 12)], signal.getsignal(2).__name__,\n"
        "      signal.pthread_sigmask(signal.SIG_BLOCK, []), flush=True)\n"
    )

    def ignore_hangup() -> None:
        default_signals()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    plain = finished([sys.executable, script], preexec_fn=ignore_hangup, env=environment())
    words = driver_words(tmp_path / "run", [sys.executable, str(script)])
    ours = finished(words, preexec_fn=ignore_hangup, env=environment())
    assert b"'SIG_IGN'" in plain.stdout
    assert ours.stdout == plain.stdout, ours.stderr.decode()


def test_open_descriptors_reach_the_program(tmp_path: Path) -> None:
    read, write = os.pipe()
    code = f"import os; os.write({write}, b'through')"
    words = driver_words(tmp_path / "run", [sys.executable, "-c", code])
    assert subprocess.run(words, pass_fds=[write], env=environment()).returncode == 0
    os.close(write)
    with os.fdopen(read, "rb") as file:
        assert file.read() == b"through"
