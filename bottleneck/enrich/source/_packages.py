"""Which packages an import brings along, by the metadata of what is installed and the program's own files."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from itertools import islice
from pathlib import Path

from ._code import MAX_FILES, parse

_NAME = re.compile(r"[\w.-]+")


def imported(node: ast.AST) -> set[str]:
    """Top-level packages that an import statement names; none of a relative one, which is in a package of its own."""
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    return {(node.module or "").partition(".")[0]} if isinstance(node, ast.ImportFrom) and not node.level else set()


class Packages:
    """The program's own modules in ``folder``, and the packages that are installed in ``sites``."""

    def __init__(self, folder: Path, sites: list[str]) -> None:
        self._folder, self._sites = folder, sites
        self._requirements = cache(self._read_requirements)

    @staticmethod
    def key(name: str) -> str:
        """A package's name as its folder is called, in small letters."""
        return re.sub(r"[-.]+", "_", name).lower()

    def is_installed(self, name: str) -> bool:
        """Whether it is a package that somebody else wrote, and that it requires is known."""
        return not self._own(name) and self._requirements(name) is not None

    def needed(self, names: Iterable[str]) -> frozenset[str] | None:
        """The packages that come with these imports, themselves included; None where that is not known."""
        found: set[str] = set()
        todo = [(name, True) for name in names]
        while todo:
            name, by_import = todo.pop()
            if name in sys.stdlib_module_names or self.key(name) in found:
                continue
            own, requirements = self._own(name), self._requirements(name)
            if own:
                trees = [parse(str(path)) for path in own[:MAX_FILES]]
                if len(own) > MAX_FILES or None in trees:
                    return None
                more = [(top, True) for tree in trees if tree for node in ast.walk(tree) for top in imported(node)]
            elif requirements is not None:
                more = [(requirement, False) for requirement in requirements]
            elif by_import:
                return None
            else:
                continue  # required on other platforms
            found.add(self.key(name))
            todo += more
        return frozenset(found)

    def _own(self, name: str) -> list[Path]:
        """The files of a module of the program's own, ``MAX_FILES`` and one at most; none of one that is installed."""
        file, folder = self._folder / f"{name}.py", self._folder / name
        if file.is_file():
            return [file]
        # A folder of data may be called like an installed package, which then comes first.
        return list(islice(folder.rglob("*.py"), MAX_FILES + 1)) if (folder / "__init__.py").is_file() else []

    def _read_requirements(self, name: str) -> list[str] | None:
        if name in sys.stdlib_module_names:
            return None
        found = next(iter(metadata.distributions(name=name, path=self._sites)), None)
        if found is None:
            known = metadata.distributions(path=self._sites)
            found = next((each for each in known if name in (each.read_text("top_level.txt") or "").split()), None)
        if found is None:
            return None
        wanted = (text for text in found.requires or () if "extra ==" not in text)
        return [match[0] for match in map(_NAME.match, wanted) if match]
