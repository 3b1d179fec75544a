"""Facts of what a program imports, found in its source."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from .base import Fact, Int


class RareImport(Struct, frozen=True):
    """An import at the top of a file whose names are used on some paths only, or nowhere (no ``lines``).

    ``lines``: of the blocks that use them. ``shared``: packages that other imports of the program need in any case.
    """

    line: Int
    statement: str
    package: str
    lines: tuple[Int, ...] = ()
    shared: tuple[str, ...] = ()


class ScriptImports(Fact, frozen=True):
    """The imports of the file that was run that it can do without on some of its paths."""

    kind: ClassVar[str] = "script_imports"
    file: str
    rare: tuple[RareImport, ...] = ()
