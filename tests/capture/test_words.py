"""Commands that cannot be started, and reasons why nothing was recorded."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from bottleneck_profiler.capture.attachment import attachment_problem
from bottleneck_profiler.capture.command import CommandError, resolve, start_error
from bottleneck_profiler.capture.platforms import platform_notes, platform_problem
from bottleneck_profiler.capture.supervisor import Supervisor

from .conftest import drive


def test_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.py").touch()
    assert resolve(["x.py", "--", "-a"]) == [sys.executable, "x.py", "--", "-a"]
    assert resolve(["--", "x.py"]) == [sys.executable, "x.py"]
    assert resolve(["-m", "mod", "-x"]) == [sys.executable, "-m", "mod", "-x"]
    assert resolve(["sh", "-c", "true"]) == ["sh", "-c", "true"]


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        ([], 2, "no command"),
        (["--"], 2, "no command"),
        (["-m"], 2, "module"),
        (["--what"], 2, "--what"),
        (["missing.py"], 127, "missing.py"),
        (["no-such-command"], 127, "no-such-command"),
        (["folder"], 126, "folder"),
        (["./plain"], 126, "not executable"),
        (["a\nb.py"], 127, "a\\nb.py"),
    ],
)
def test_bad_commands_get_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, part: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "plain").touch()
    with pytest.raises(CommandError) as caught:
        resolve(words)
    assert caught.value.exit_code == code
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_the_kernel_refuses(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o755)
    with pytest.raises(OSError) as caught:
        Supervisor([str(broken)], tmp_path / "run").run(lambda: None)
    error = start_error([str(broken)], caught.value)
    assert error.exit_code in (126, 127)
    assert str(broken) in str(error)
    assert "interpreter" in str(error)


@pytest.mark.parametrize(
    ("flags", "part"), [(["-I"], "-I"), (["-uE"], "-E"), (["-W", "ignore", "-S"], "-S"), (["-Xutf8", "-Ic"], "-I")]
)
def test_flags_that_hide_us_are_named(tmp_path: Path, flags: list[str], part: str) -> None:
    code = ["pass"] if flags[-1].endswith("c") else ["-c", "pass"]
    argv = [sys.executable, *flags, *code]
    result = drive(tmp_path, argv)
    assert result.returncode == 0
    assert not result.hellos
    problem = attachment_problem(result.run_dir, argv)
    assert problem is not None
    assert part in problem


def test_a_script_whose_first_line_hides_us(tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text(f"#!{sys.executable} -sE\nprint('ran')\n")
    tool.chmod(0o755)
    result = drive(tmp_path, [str(tool)])
    assert result.stdout == b"ran\n"
    problem = attachment_problem(result.run_dir, [str(tool)])
    assert problem is not None
    assert "-E" in problem


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        (["true"], "true is not a Python program"),
        (["sh", "-c", f"{sys.executable} -I -c pass"], "no Python"),
        (["env", "-i", sys.executable, "-c", "pass"], "env starts the program in another environment"),
    ],
)
def test_programs_that_cannot_be_recorded(tmp_path: Path, argv: list[str], part: str) -> None:
    result = drive(tmp_path, argv)
    problem = attachment_problem(result.run_dir, argv)
    assert problem is not None
    assert part in problem


def test_no_problem_when_a_process_reported(tmp_path: Path) -> None:
    argv = ["sh", "-c", f"echo 'pass' > x.py; exec {sys.executable} x.py"]
    result = drive(tmp_path, argv)
    assert attachment_problem(result.run_dir, argv) is None
    assert attachment_problem(tmp_path / "drained", argv, hello_seen=True) is None


def test_too_old_interpreter_is_named(tmp_path: Path) -> None:
    (tmp_path / "live").mkdir()
    (tmp_path / "live" / "skipped").write_text("('skipped', {'reason': 'old', 'python': '3.8.18'})\n('skip")
    problem = attachment_problem(tmp_path, ["python3"])
    assert problem is not None
    assert "3.8.18" in problem


def test_records_that_the_program_deleted_are_named(tmp_path: Path) -> None:
    problem = attachment_problem(tmp_path, [sys.executable, "x.py"])
    assert problem == f"the program deleted {tmp_path / 'live'} before its records were read."


def test_platforms() -> None:
    assert platform_problem("linux") is None
    assert platform_problem("darwin") is None
    assert platform_notes("linux") == []
    assert len(platform_notes("darwin")) >= 3
    problem = platform_problem("win32")
    assert problem is not None
    assert os.linesep not in problem
