"""Turns the arguments of ``bottleneck run`` into the command to start, or one line on why it cannot start."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from typing import NoReturn

from ..signals import LIVE, OPTIONS_VARIABLE, RUN_DIR_VARIABLE

_SCRIPT_ENDINGS = (".py", ".pyw", ".pyz")
NOT_FOUND, NOT_EXECUTABLE, USAGE = 127, 126, 2  # exit codes as in a shell


class CommandError(Exception):
    """The command cannot be started. ``str(error)`` is one line; ``exit_code`` is the one a shell would return."""

    def __init__(self, message: str, exit_code: int = USAGE) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def resolve(words: Sequence[str]) -> list[str]:
    """The argv to start for the user's arguments.

    ``train.py ...`` and ``-m module ...`` run with this interpreter. Anything else is an executable, looked up on PATH
    like a shell does, with its arguments unchanged. Raises `CommandError` when there is nothing to start.
    """
    words = list(words)
    if words[:1] == ["--"]:
        words = words[1:]
    if not words or not words[0]:
        raise CommandError("no command given; try: bottleneck run train.py")
    first = words[0]
    if first in ("-m", "-c"):
        if len(words) < 2:
            raise CommandError(f"{first} needs {'a module name' if first == '-m' else 'code'}")
        return [sys.executable, *words]
    if first.startswith("-"):
        raise CommandError(f"unknown option {_shown(first)} (put the program's own options after its name)")
    if first.endswith(_SCRIPT_ENDINGS):
        return _script(words)
    if os.path.isfile(os.path.join(first, "__main__.py")):
        return [sys.executable, *words]
    _check_executable(first)
    return words


def _script(words: list[str]) -> list[str]:
    path = words[0]
    if os.path.isfile(path):
        if not os.access(path, os.R_OK):
            raise CommandError(f"cannot read the script {_shown(path)}", NOT_EXECUTABLE)
        return [sys.executable, *words]
    if os.path.isdir(path):
        if os.path.isfile(os.path.join(path, "__main__.py")):
            return [sys.executable, *words]
        raise CommandError(f"{_shown(path)} is a folder, not a script", NOT_EXECUTABLE)
    if os.sep not in path and shutil.which(path):  # an installed tool whose name ends in .py
        return words
    raise CommandError(f"no such script: {_shown(path)}", NOT_FOUND)


def _check_executable(name: str) -> None:
    if shutil.which(name):
        return
    if os.path.isdir(name):
        raise CommandError(f"{_shown(name)} is a folder with no __main__.py", NOT_EXECUTABLE)
    if not os.path.exists(name):
        raise CommandError(f"command not found: {_shown(name)}", NOT_FOUND)
    if os.access(name, os.X_OK) and os.sep not in name:
        raise CommandError(f"{_shown(name)} is not on PATH; try ./{_shown(name)}", NOT_FOUND)
    raise CommandError(f"not executable: {_shown(name)}; try: python {_shown(name)}", NOT_EXECUTABLE)


def _shown(word: str) -> str:
    """One of the user's arguments with control characters escaped, so that an error stays on one line."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in word)


def outer_run(environ: Mapping[str, str]) -> str | None:
    """The folder of a live `bottleneck run` that is already recording this process; None if there is none."""
    run_dir = environ.get(RUN_DIR_VARIABLE)
    if not run_dir or not os.path.isdir(os.path.join(run_dir, LIVE)):
        return None
    options = dict(item.split("=", 1) for item in environ.get(OPTIONS_VARIABLE, "").split(",") if "=" in item)
    until = options.get("until", "")
    if until.isdigit() and time.monotonic_ns() >= int(until):
        return None
    supervisor = options.get("supervisor", "")
    if supervisor.isdigit():
        try:
            os.kill(int(supervisor), 0)
        except ProcessLookupError:
            return None  # killed: nothing drains its rings any more, so this run does its own recording
        except OSError:
            pass
    return run_dir


def replace_process(argv: Sequence[str]) -> NoReturn:
    """Exec ``argv`` (a nested run). The pid and streams stay, so its exit code is ours. Raises `CommandError`.

    The caller has already told the user, in one line, that the outer run does the recording.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execvp(argv[0], list(argv))
    except OSError as error:
        raise start_error(argv, error) from error


def start_error(argv: Sequence[str], error: OSError) -> CommandError:
    """The one-line `CommandError` for an `OSError` from starting ``argv``."""
    code = NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
    reason = error.strerror or str(error)
    if isinstance(error, FileNotFoundError) and shutil.which(argv[0]):
        reason = "the interpreter on its #! line does not exist"
    return CommandError(f"cannot start {_shown(argv[0])}: {reason}", code)
