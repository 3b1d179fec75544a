"""The live line and tqdm on one terminal, seen through a small terminal emulator; plain lines; silence."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from bottleneck_profiler.capture.progress import Progress

from .conftest import driver_words, environment

ROWS, COLUMNS = 12, 80
LINE = "bottleneck 0m"
TOKEN = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])|\x1b([78DM])|([\r\n])|([^\x1b])", re.DOTALL)


class Screen:
    """As much of a VT100 as tqdm and the live line use; rows that scrolled away are kept in `history`."""

    def __init__(self) -> None:
        self.rows = [[" "] * COLUMNS for _ in range(ROWS)]
        self.history: list[str] = []
        self.row = self.column = 0
        self.saved = (0, 0)

    def feed(self, text: str) -> None:
        for match in TOKEN.finditer(text):
            parameters, final, escape, control, character = match.groups()
            if final:
                self._sequence([int(p or 0) for p in parameters.split(";")], final)
            elif escape == "7":
                self.saved = (self.row, self.column)
            elif escape == "8":
                self.row, self.column = self.saved
            elif escape == "D" or control == "\n":
                self._down()
            elif control == "\r":
                self.column = 0
            elif character:
                if self.column == COLUMNS:
                    self.column = 0
                    self._down()
                self.rows[self.row][self.column] = character
                self.column += 1

    def _down(self) -> None:
        if self.row == ROWS - 1:
            self.history.append("".join(self.rows.pop(0)))
            self.rows.append([" "] * COLUMNS)
        else:
            self.row += 1

    def _sequence(self, parameters: list[int], final: str) -> None:
        if final == "H":
            self.row, self.column = parameters[0] - 1, parameters[1] - 1
        elif final == "A":
            self.row = max(0, self.row - (parameters[0] or 1))
        elif final == "K":
            self.rows[self.row][self.column :] = [" "] * (COLUMNS - self.column)
        elif final != "m":
            raise AssertionError(f"unexpected sequence {final}")

    def lines(self) -> list[str]:
        return [line.rstrip() for line in [*self.history, *("".join(row) for row in self.rows)]]


def on_terminal(folder: Path, code: str, *options: str) -> str:
    """Everything that a program, run by the driver with stdout and stderr on a new terminal, put on the screen."""
    (folder / "program.py").write_text(code)
    words = driver_words(folder / "run", [sys.executable, "program.py"], *options)
    pid, master = pty.fork()
    if pid == 0:
        try:
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            os.chdir(folder)
            os.execve(words[0], words, environment(TERM="xterm"))
        finally:
            os._exit(99)
    output = b""
    while True:
        try:
            data = os.read(master, 65536)
        except OSError:
            break
        if not data:
            break
        output += data
    os.close(master)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, output
    return output.decode()


TQDM = """
import sys, time
import tqdm
for line in range({lines}):
    print("line", line, flush=True)
for _ in tqdm.tqdm(range(40), ncols=60, mininterval=0, desc="first"):
    time.sleep(0.01)
print("resting", end="\\r", flush=True)
time.sleep(1.5)
for _ in tqdm.tqdm(range(40), ncols=79, mininterval=0, desc="second"):
    time.sleep(0.01)
time.sleep(1.5)
print("end")
"""


@pytest.mark.parametrize("lines", [0, 30], ids=["upper-half", "scrolling"])
def test_tqdm_and_the_live_line_never_mix(tmp_path: Path, lines: int) -> None:
    pytest.importorskip("tqdm")
    code = TQDM.format(lines=lines)
    output = on_terminal(tmp_path, code, "--progress")
    assert f"\x1b[2m{LINE}" in output, "never drawn: the test would show nothing"
    assert LINE in output[output.rindex("it/s") :], "not drawn again: the program's writing was not noticed"
    screen = Screen()
    mixed = []
    for piece in re.split(r"(?=\x1b7)", output):  # the screen after each of our drawings
        screen.feed(piece)
        mixed += [line for line in screen.lines() if LINE in line and "it/s" in line]
    assert mixed == []
    final = screen.lines()
    assert not any(LINE in line for line in final), "the line was left on the screen"
    assert [line.split(":")[0] for line in final if "it/s" in line] == ["first", "second"]
    assert [line for line in final if line.startswith("line ")] == [f"line {n}" for n in range(lines)]
    assert final[screen.row + len(screen.history) - 1] == "end"


def test_nothing_of_ours_without_silence(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfor _ in range(300):\n    sys.stdout.write('\\rbusy'); sys.stdout.flush(); time.sleep(0.005)"
    )
    output = on_terminal(tmp_path, code, "--progress", "--patient")
    assert "\x1b" not in output


def test_a_program_that_owns_the_screen_is_left_alone(tmp_path: Path) -> None:
    code = "import time, tty; tty.setraw(0); time.sleep(1.2)"
    assert "\x1b" not in on_terminal(tmp_path, code, "--progress")


def test_the_line_is_gone_after_a_silent_end(tmp_path: Path) -> None:
    output = on_terminal(tmp_path, "import time; time.sleep(1.2)", "--progress")
    screen = Screen()
    screen.feed(output)
    assert LINE in output
    assert not any(screen.lines())


def test_quiet_writes_nothing(tmp_path: Path) -> None:
    assert on_terminal(tmp_path, "import time; time.sleep(0.8)") == ""


def test_plain_lines_where_stderr_is_no_terminal(tmp_path: Path) -> None:
    words = driver_words(tmp_path / "run", [sys.executable, "-c", "import time; time.sleep(1.3)"], "--progress")
    done = subprocess.run(words, capture_output=True, env=environment())
    assert done.stdout == b""
    lines = done.stderr.decode().splitlines()
    assert lines
    assert all(re.fullmatch(r"bottleneck: 0m0\ds, [0-9]+ steps?, data_wait 60%, forward 30%", line) for line in lines)


def test_a_phase_named_by_the_user_cannot_steer_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    Progress(plain_seconds=0).update(3700, {"python:\x1b[2Jevil\n": 0.5, "tiny": 0.001})
    assert capfd.readouterr().err == "bottleneck: 1h01m, python:[2Jevil 50%\n"


def test_a_closed_stderr_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    progress = Progress(descriptor=write, plain_seconds=0)
    progress.update(1, {})
    os.close(write)
    progress.update(2, {})
    progress.close()
