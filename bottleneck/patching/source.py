"""The user's file: its bytes, its tree, where each node stands, and what a call calls."""

from __future__ import annotations

import ast
import io
import re
import stat
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

_MAX_BYTES = 2 << 20
_MARK = b"\xef\xbb\xbf"  # that some editors put before UTF-8
_ENCODINGS = ("utf-8", "utf-8-sig", "ascii")


class NoPatch(Exception):
    """Why there is no patch, or why it was not written: one line."""


class AlreadySo(NoPatch):
    """The file says already what the patch would make it say."""


class Change(NamedTuple):
    """New text for the bytes from ``start`` to ``end``."""

    start: int
    end: int
    new: bytes


def short(code: str) -> str:
    """Code as a part of one line."""
    line = " ".join(code.split())
    return line if len(line) <= 60 else f"{line[:57]}..."


def replaced(text: bytes, changes: Iterable[Change]) -> bytes:
    """The text with the changes made, which do not overlap."""
    for start, end, new in sorted(changes, reverse=True):
        text = text[:start] + new + text[end:]
    return text


@dataclass(frozen=True)
class Source:
    """``text``: the file's bytes without the ``mark`` before them; positions count in it."""

    file: Path
    mark: bytes
    text: bytes
    tree: ast.Module

    @classmethod
    def read(cls, file: str, started_ns: int) -> Source:
        """A file as it was when the run began. Raises NoPatch when it is not there, was changed since, or is no Python.

        A change in the moment of the start counts too: nobody knows which of the two texts ran.
        """
        path = Path(file).resolve()
        name = path.name
        if not str(path).isprintable():
            raise NoPatch(f"the name of {name!r} cannot stand in a patch")
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                raise NoPatch(f"{file} is no file")
            if status.st_mtime_ns >= started_ns:
                raise NoPatch(f"{name} was changed after the run began: run it again")
            if status.st_size > _MAX_BYTES:
                raise NoPatch(f"{name} is too long")
            data = path.read_bytes()
        except OSError as error:
            raise NoPatch(f"{file} cannot be read: {error.strerror}") from None
        mark = _MARK if data.startswith(_MARK) else b""
        text = data[len(mark) :]
        try:
            if tokenize.detect_encoding(io.BytesIO(data).readline)[0] not in _ENCODINGS:
                raise NoPatch(f"{name} is not in UTF-8")
            return cls(path, mark, text, ast.parse(text.decode()))
        except (SyntaxError, ValueError, RecursionError):
            raise NoPatch(f"{name} cannot be parsed by this Python") from None

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def data(self) -> bytes:
        """The whole file."""
        return self.mark + self.text

    @property
    def guarded(self) -> bool:
        """Whether the file asks if it is the program that was started."""
        return any(isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(self.tree))

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer(rb"\r\n|\r|\n", self.text))]

    def span(self, node: ast.expr) -> tuple[int, int]:
        """Where a node stands."""
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self._lines[node.lineno - 1] + node.col_offset, self._lines[node.end_lineno - 1] + node.end_col_offset

    def code(self, node: ast.expr) -> str:
        """A node as its author wrote it."""
        start, end = self.span(node)
        return self.text[start:end].decode()

    @cached_property
    def _bindings(self) -> dict[str, set[str]]:
        """Name -> all that it stands for anywhere in the file: dotted names of imports, "" for anything else."""
        found: dict[str, set[str]] = {}
        for node in ast.walk(self.tree):
            for name, origin in _bound(node):
                found.setdefault(name, set()).add(origin)
        return found

    def called(self, call: ast.Call) -> set[str]:
        """What the called name stands for, by the file's imports; empty when something else may be meant."""
        parts, node = [], call.func
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        origins = self._bindings.get(node.id, set()) if isinstance(node, ast.Name) else set()
        return set() if "" in origins else {".".join([origin, *reversed(parts)]) for origin in origins}

    def call(self, names: set[str], line: int) -> ast.Call:
        """The one call of a function with one of these names in a line. Raises NoPatch."""
        name = min(names, key=len).rpartition(".")[2]
        found = [
            node
            for node in ast.walk(self.tree)
            # A call is recorded where its name stands, which may be lines after its first.
            if isinstance(node, ast.Call) and node.func.lineno <= line <= (node.func.end_lineno or 0)
            if self.called(node) and self.called(node) <= names
        ]
        if not found:
            raise NoPatch(f"{self.name}:{line} holds no plain call of {name}")
        if len(found) > 1:
            raise NoPatch(f"{self.name}:{line} holds {len(found)} calls of {name}")
        return found[0]

    def stands_for(self, name: str) -> set[str]:
        """What a name stands for anywhere in the file: dotted names of imports, "" for anything else."""
        return self._bindings.get(name, set())

    def line_start(self, line: int) -> int:
        """Where a line begins, in bytes."""
        return self._lines[line - 1]

    def constant(self, name: str) -> ast.Constant | None:
        """The literal that a module's constant is set to, once, and that is used once; else None."""
        uses = [n for n in ast.walk(self.tree) if isinstance(n, ast.Name) and n.id == name]
        if len(uses) != 2 or self._bindings.get(name) != {""} or sum(n == name for n in self._all_bound) != 1:
            return None
        for node in self.tree.body:
            target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
            if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(target, ast.Name) and target.id == name:
                return node.value if isinstance(node.value, ast.Constant) else None
        return None

    @cached_property
    def _all_bound(self) -> list[str]:
        return [name for node in ast.walk(self.tree) for name, _ in _bound(node)]


def _bound(node: ast.AST) -> Iterator[tuple[str, str]]:
    """(name, what it stands for) of all that a node binds."""
    if isinstance(node, ast.Import):
        for alias in node.names:  # "import a.b" binds a
            top = alias.name.partition(".")[0]
            yield (alias.asname, alias.name) if alias.asname else (top, top)
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            yield alias.asname or alias.name, f"{'.' * node.level}{node.module or ''}.{alias.name}"
    elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id, ""
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name, ""
    elif isinstance(node, ast.arg):
        yield node.arg, ""
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name, ""
    elif isinstance(node, ast.Global):
        yield from ((name, "") for name in node.names)
