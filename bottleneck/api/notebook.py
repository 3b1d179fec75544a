"""In a notebook: the report below the cell, and the magic ``%%bottleneck``.

IPython is never imported here: if it runs the program, it is loaded already.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .profiles import Profile

_NAME = "bottleneck"
_FIRST_LINE = re.compile(rf"%%{_NAME}(?=\s)")


def running_shell() -> Any:
    """The IPython shell that runs this program; None where none does."""
    ipython = sys.modules.get("IPython")
    find = getattr(ipython, "get_ipython", None)
    return None if find is None else find()


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this program, so that the report can be shown below the cell."""
    return getattr(running_shell(), "kernel", None) is not None


def show(profile: Profile) -> None:
    """Wait for the report of a profile that has ended, and show it below the cell. Never raises an error of ours."""
    try:
        running_shell().display_pub.publish(_report(profile))
    except Exception as error:
        print(f"bottleneck: the report cannot be shown: {type(error).__name__}: {error}", file=sys.stderr)


def _report(profile: Profile) -> dict[str, str]:
    """The report as HTML and as plain text; if there is none, the text says why."""
    from ..exporters.html import REPORT_FILE, inline
    from .profiles import ProfileError

    text, file = profile.report(), f"{profile.run_dir}/{REPORT_FILE}"
    try:
        return {"text/html": inline(profile.diagnosis, file), "text/plain": f"{text}Report: {file}"}
    except ProfileError:
        return {"text/plain": text}


def load_ipython_extension(shell: Any) -> None:
    """Add the magic to an IPython shell: ``%load_ext bottleneck_profiler``."""
    unload_ipython_extension(shell)
    shell.register_magic_function(bottleneck, "line_cell", _NAME)
    shell.input_transformers_cleanup.append(_plain)


def unload_ipython_extension(shell: Any) -> None:
    """Remove the magic."""
    for functions in shell.magics_manager.magics.values():
        functions.pop(_NAME, None)
    while _plain in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.remove(_plain)


def _plain(lines: list[str]) -> list[str]:
    """Turn the line ``%%bottleneck`` at the start of a cell into a statement.

    The cell is then like any other: IPython runs it and shows its result or its exception. Lines keep their numbers.
    """
    return [lines[0][1:], *lines[1:]] if lines and _FIRST_LINE.match(lines[0]) else lines


def bottleneck(line: str, cell: str | None = None) -> None:
    """Profile a cell and show the report below it: ``%%bottleneck`` or ``%%bottleneck NAME`` as its first line.

    ``%bottleneck`` on a later line profiles the rest of the cell. NAME is the name of the run.
    """
    from .profiles import profile

    shell = running_shell()
    if cell is not None:  # called by code: what begins a cell comes here as a line
        shell.run_cell(f"%{_NAME} {line}\n{cell}")
    else:
        _RestOfCell(shell, profile(name=line.strip() or None))


class _RestOfCell:
    """A profile that begins now and ends with the cell, even if that raises an exception."""

    def __init__(self, shell: Any, profile: Profile) -> None:
        self._events, self._profile = shell.events, profile
        self._cells_inside = 0
        profile.__enter__()
        self._events.register("pre_execute", self._enter)
        self._events.register("post_execute", self._leave)

    def _enter(self) -> None:
        """The cell has IPython run another one."""
        self._cells_inside += 1

    def _leave(self) -> None:
        if self._cells_inside:
            self._cells_inside -= 1
            return
        self._events.unregister("pre_execute", self._enter)
        self._events.unregister("post_execute", self._leave)
        self._profile.__exit__()
        self._profile.wait()  # in a terminal the report comes from another process: before the next prompt
