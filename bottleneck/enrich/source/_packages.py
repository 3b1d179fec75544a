"""Which packages an import pulls in, according to installed metadata and the program's own files."""

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
    """Top-level packages named by an import statement; none for a relative import, which stays in its own package."""
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    return {(node.module or "").partition(".")[0]} if isinstance(node, ast.ImportFrom) and not node.level else set()


class Packages:
    """The program's own modules in ``folder``, and the packages installed in ``sites``."""

    def __init__(self, folder: Path, sites: list[str]) -> None:
        self._folder, self._sites = folder, sites
        self._requirements = cache(self._read_requirements)

    @staticmethod
    def key(name: str) -> str:
        """A package's name spelled like its folder, in lower case."""
        return re.sub(r"[-.]+", "_", name).lower()

    def is_installed(self, name: str) -> bool:
        """Whether it is a third-party package with known requirements."""
        return not self._own(name) and self._requirements(name) is not None

    def needed(self, names: Iterable[str]) -> frozenset[str] | None:
        """The packages that come with these imports, including themselves; None if unknown."""
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
                continue  # only required on other platforms
            found.add(self.key(name))
            todo += more
        return frozenset(found)

    def _own(self, name: str) -> list[Path]:
        """The files of one of the program's own modules, at most ``MAX_FILES`` + 1; none for an installed package."""
        file, folder = self._folder / f"{name}.py", self._folder / name
        if file.is_file():
            return [file]
        # A data folder may have the name of an installed package, which takes precedence.
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
