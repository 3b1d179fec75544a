"""The cells of a notebook: the program leaves their text in ``live/`` for lookups of its source after the run."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .. import signals

_session: list[str] = []  # the text of every cell, in notebook order


@contextmanager
def readable_cells(run_dir: Path) -> Iterator[None]:
    """Make cells known to ``linecache`` by name; afterwards their text is deleted, from the run folder too."""
    paths = list((run_dir / signals.LIVE).glob("*" + signals.CELLS_SUFFIX))
    cells = [cell for path in paths for cell in _cells(path)]
    named = {name: text for name, text in cells if name}
    linecache.cache.update({name: (len(text), None, text.splitlines(True), name) for name, text in named.items()})
    _session[:] = dict.fromkeys(text.strip("\n") for _, text in sorted(cells, key=lambda cell: cell[0]))
    try:
        yield
    finally:
        _session.clear()
        for name in named:
            linecache.cache.pop(name, None)
        for path in paths:
            with suppress(OSError):
                path.unlink()


def statements_before(cell: str) -> list[ast.stmt]:
    """The statements of the other cells, placed as if before the first line of this one, which is line 1.

    A notebook is one module: cells use what other cells import, define or assign.
    """
    own = "".join(linecache.getlines(cell)).strip("\n")
    others = [text for text in _session if text != own]
    found: list[ast.stmt] = []
    line = -sum(text.count("\n") + 1 for text in others)
    for text in others:
        with suppress(SyntaxError, ValueError, RecursionError):
            found += ast.increment_lineno(ast.parse(text), line - 1).body
        line += text.count("\n") + 1
    return found


def _cells(path: Path) -> list[tuple[str, str]]:
    """(name, text) of each cell in a file whose last line may be truncated."""
    found = []
    with suppress(OSError, ValueError, SyntaxError, TypeError):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            name, text = ast.literal_eval(line)
            found.append((str(name), str(text)))
    return found
