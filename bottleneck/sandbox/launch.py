"""Builds a sandbox and runs a command in it: ``python -m bottleneck_profiler.sandbox.launch SPEC REPORT PARENT``.

Three processes, each of which the kernel kills when the one before it ends, however it ends:

- the launcher stays outside and gives the user namespace its users;
- the second one makes the namespaces and waits, as nobody can enter a PID namespace of its own;
- the first process of the new PID namespace mounts, starts the command, and collects what the command leaves behind.
  With it, all processes of the namespace end, and with them the mounts.

``SPEC`` is a descriptor with JSON (``Box.to_json``), ``REPORT`` one for an error of ours, a line; it closes without one
when the command has started. The exit code is the command's.
"""

from __future__ import annotations

import base64
import errno
import json
import os
import select
import signal
import stat
import sys
from typing import Any, NoReturn

from . import mounts, syscalls

_FAILED = 125
_CALLS = {
    "namespaces": "this system lets you make no namespaces",
    "users": "this system lets you make no user namespaces",
}
_REASONS = {
    errno.EOVERFLOW: "it belongs to a user or group of which a sandbox of yours knows nothing",
    errno.ENOSPC: "the memory for what is written is full",
}


def main() -> NoReturn:
    spec, report, parent = (int(word) for word in sys.argv[1:])
    with open(spec, "rb") as file:
        asked = json.loads(file.read())
    os.set_inheritable(report, False)
    try:
        syscalls.die_with_parent()
        if os.getppid() != parent:
            os._exit(_FAILED)
        os._exit(_launch(asked, report))
    except BaseException as error:
        _fail(report, error)


def _launch(asked: dict[str, Any], report: int) -> int:
    made, known = _pipe(), _pipe()
    launcher = os.getpid()
    second = os.fork()
    if second == 0:
        try:
            os.close(made[0])
            os.close(known[1])
            _second(asked, report, launcher, made[1], known[0])
        except BaseException as error:
            _fail(report, error)
    os.close(made[1])
    os.close(known[0])
    if os.read(made[0], 1):
        try:
            _name_users(second)
            os.write(known[1], b".")
        except OSError as error:
            _say(report, error)
    os.close(known[1])
    os.close(report)  # from here on it is open in the namespaces only
    return _code(os.waitpid(second, 0)[1])


def _second(asked: dict[str, Any], report: int, launcher: int, made: int, known: int) -> NoReturn:
    flags = syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWNS | syscalls.CLONE_NEWPID | syscalls.CLONE_NEWIPC
    syscalls.unshare(flags | (0 if asked["network"] else syscalls.CLONE_NEWNET))
    syscalls.die_with_parent()  # new credentials have undone it
    if os.getppid() != launcher:
        os._exit(_FAILED)
    os.write(made, b".")
    if not os.read(known, 1):
        os._exit(_FAILED)  # the launcher has said why
    alive = _pipe()
    first = os.fork()
    if first == 0:
        try:
            os.close(alive[1])
            _first(asked, report, alive[0])
        except BaseException as error:
            _fail(report, error)
    os.close(report)
    os._exit(_code(os.waitpid(first, 0)[1]))


def _first(asked: dict[str, Any], report: int, alive: int) -> NoReturn:
    syscalls.die_with_parent()
    if select.select([alive], [], [], 0)[0]:
        os._exit(_FAILED)  # it has ended before
    if not asked["network"]:
        syscalls.bring_up_loopback()
    mounts.build(asked["needed"], asked["wished"], asked["bytes"], asked["network"])
    for path, text in asked["files"].items():
        _put(path, base64.b64decode(text))
    command = os.fork()
    if command == 0:
        try:
            syscalls.give_up_mounting()
            os.chdir(asked["folder"])
            os.execvpe(asked["command"][0], asked["command"], asked["environment"])
        except BaseException as error:
            _fail(report, error)
    os.close(report)
    while True:
        pid, status = os.waitpid(-1, 0)  # also of orphans, which become ours
        if pid == command:
            os._exit(_code(status))


def _put(path: str, data: bytes) -> None:
    mode = stat.S_IMODE(os.stat(path).st_mode) if os.path.exists(path) else 0o644
    if not os.access(path, os.W_OK) and os.path.exists(path):
        os.unlink(path)  # write-protected: another one takes its place
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode)


def _name_users(pid: int) -> None:
    """The same users inside as outside: all of them where we may name them, else the one that we are."""
    for kind, own in (("uid", os.geteuid()), ("gid", os.getegid())):
        try:
            _write(f"/proc/{pid}/{kind}_map", f"0 0 {2**32 - 1}")
        except PermissionError:
            if kind == "gid":
                _write(f"/proc/{pid}/setgroups", "deny")
            _write(f"/proc/{pid}/{kind}_map", f"{own} {own} 1")


def _write(path: str, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        raise type(error)(error.errno, error.strerror, "users") from None


def _pipe() -> tuple[int, int]:
    return os.pipe()  # not inherited by what is executed


def _code(status: int) -> int:
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _say(report: int, error: BaseException) -> None:
    if isinstance(error, OSError):
        said = _CALLS.get(str(error.filename))
        line = f"{said}: {error.strerror}" if said else _about(error)
    else:
        line = f"{type(error).__name__}: {error}"
    os.write(report, line.partition("\n")[0].encode())


def _about(error: OSError) -> str:
    return f"cannot use {error.filename}: {_REASONS.get(error.errno or 0, error.strerror)}"


def _fail(report: int, error: BaseException) -> NoReturn:
    try:
        _say(report, error)
    except OSError:
        pass
    os._exit(_FAILED)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    main()
