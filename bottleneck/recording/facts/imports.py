"""Facts about a program's imports, found in its source."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from .base import Fact, Int


class RareImport(Struct, frozen=True):
    """An import at the top of a file whose names are used only on some paths, or nowhere (no ``lines``).

    ``lines``: of the blocks that use them. ``shared``: packages that other imports of the program need anyway.
    """

    line: Int
    statement: str
    package: str
    lines: tuple[Int, ...] = ()
    shared: tuple[str, ...] = ()


class ScriptImports(Fact, frozen=True):
    """The imports of the main script that some of its paths do not need."""

    kind: ClassVar[str] = "script_imports"
    file: str
    rare: tuple[RareImport, ...] = ()
