"""Imports the user's modules without running them: only what they define. Used by ``_model_worker.py`` alone.

A pickled model refers to its classes by name, and the module that defines them may load models, open connections or
start the server. So of the user's modules only imports, classes, functions and constants are executed, one by one; a
statement that fails, such as a route of an application that is not there, is left out. Modules of libraries are
imported as usual.
"""

from __future__ import annotations
import __future__

import ast
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

_DEFINITIONS = (ast.Import, ast.ImportFrom, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
#: Calls without effects that constants are made of.
_HARMLESS = frozenset(
    "abs bool dict enumerate float frozenset int len list max min range round set sorted str sum tuple zip "
    "torch.Size torch.arange torch.device torch.ones torch.tensor torch.zeros math.ceil math.exp math.floor math.log "
    "math.sqrt os.environ.get os.getenv os.path.abspath os.path.dirname os.path.join Path pathlib.Path "
    "logging.getLogger partial functools.partial namedtuple collections.namedtuple TypeVar typing.TypeVar".split()
)


class Finder:
    """For ``sys.meta_path``: finds the user's modules, which are those without one of ``prefixes``."""

    def __init__(self, prefixes: Sequence[str]) -> None:
        self._prefixes = tuple(prefixes)

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target)
        origin = "" if spec is None else spec.origin or ""
        if spec is None or not origin.endswith(".py") or origin.startswith(self._prefixes):
            return None  # whoever comes next
        spec.loader = _Definitions(name, origin)
        return spec


class _Definitions(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        define(self.path, vars(module))


def main_module(path: str, package: str = "") -> ModuleType:
    """What the program's own file defines, as the module ``__main__``; ``package``: with ``python -m``, that it is in.

    Raises OSError and SyntaxError.
    """
    module = ModuleType("__main__")
    module.__file__, module.__package__ = path, package
    define(path, vars(module))
    return module


def define(path: str, names: dict[str, Any]) -> None:
    """Put what a file defines into ``names``. Raises OSError and SyntaxError."""
    with open(path, "rb") as file:
        tree = ast.parse(file.read(), path)
    flags = 0
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            for alias in node.names:
                flags |= getattr(__future__, alias.name).compiler_flag
    for statement in kept(tree.body):
        code = compile(ast.Module([statement], []), path, "exec", flags, dont_inherit=True)
        try:
            exec(code, names)
        except Exception as error:
            print(f"{path}:{statement.lineno}: {error!r}", file=sys.stderr)


def kept(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that define something and have no other effect."""
    for node in body:
        if isinstance(node, _DEFINITIONS):
            yield node
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            if node.value is None or _harmless(node.value):
                yield node
        elif isinstance(node, ast.If):
            if _harmless(node.test) and not _asks_for_main(node.test):
                node.body, node.orelse = _some(node.body), [*kept(node.orelse)]
                yield node
        elif isinstance(node, ast.Try):
            for handler in node.handlers:
                handler.body = _some(handler.body)
            node.body, node.orelse, node.finalbody = _some(node.body), [*kept(node.orelse)], [*kept(node.finalbody)]
            yield node


def _some(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    found = [*kept(body)]
    return found or [ast.copy_location(ast.Pass(), body[0])]


def _asks_for_main(test: ast.expr) -> bool:
    return any(isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(test))


def _harmless(value: ast.expr) -> bool:
    calls = [node.func for node in ast.walk(value) if isinstance(node, ast.Call)]
    waits = any(isinstance(node, (ast.Await, ast.Yield, ast.YieldFrom)) for node in ast.walk(value))
    return not waits and all(ast.unparse(function) in _HARMLESS for function in calls)
