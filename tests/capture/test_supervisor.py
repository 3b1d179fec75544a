"""The supervisor with real child processes: exit codes, streams, signals."""

from __future__ import annotations

import sys

import pytest

from .conftest import drive

PROGRAMS = [
    ("pass", 0, None),
    ("raise SystemExit(3)", 3, None),
    ("raise ValueError('x')", 1, None),
    ("import os; os._exit(7)", 7, None),
    ("import os, sys; os.execv(sys.executable, [sys.executable, '-c', 'raise SystemExit(5)'])", 5, None),
    ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", 143, 15),
    ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137, 9),
    ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", 139, 11),
]


@pytest.mark.parametrize(("code", "exit_code", "number"), PROGRAMS)
def test_exit_code_is_the_childs(tmp_path, code, exit_code, number):
    result = drive(tmp_path, [sys.executable, "-c", code])
    assert result.ended["exit_code"] == exit_code
    assert result.ended["signal"] == number
    assert result.returncode == exit_code
    assert result.hellos, "the program was not recorded"
    assert result.ended["started_ns"] < result.hellos[0]["time_ns"] < result.ended["ended_ns"]


def test_streams_pass_through_byte_for_byte(tmp_path):
    data = bytes(range(256)) * 300
    code = "import sys; d = sys.stdin.buffer.read(); sys.stdout.buffer.write(d); sys.stderr.write('to stderr')"
    result = drive(tmp_path, [sys.executable, "-c", code], stdin=data)
    assert result.stdout == data
    assert result.stderr == b"to stderr"


def test_errors_of_a_tick_stay_with_us(tmp_path):
    result = drive(tmp_path, [sys.executable, "-c", "print('fine')"], options=["--failing-tick"])
    assert (result.returncode, result.stdout) == (0, b"fine\n")
    assert result.ended["tick_error"] == "disk full"
    assert result.ended["tick_errors"] == result.ended["ticks"] >= 1
