"""Imports at the top of the main script that only some of its paths need, found after the run.

This module only reads the source; the samples show whether such a path was taken. In case of doubt an import counts as
needed. Detectors read no files, so the imports become facts.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from ...diagnosis.findings import is_cell
from ...recording.facts.imports import RareImport, ScriptImports
from ...recording.model import Facts, Recording
from ._code import Function, parse
from ._packages import Packages, imported

_Import = ast.Import | ast.ImportFrom
_LOOKS_NAMES_UP = frozenset(("eval", "exec", "globals", "locals", "vars"))
_DISPATCH = "set_defaults"  # argparse: sets the function of a subcommand, which is one of several
_COMMAND = "command"  # the decorator that click and typer use for the same


def enrich(run_dir: Path, recording: Recording) -> None:
    """Add one ``ScriptImports`` for the main process's script. Reads source files and package metadata."""
    facts = recording.facts
    script = script_of(facts)
    # One cell of a notebook may use what another one imports.
    if script is None or is_cell(script) or facts.of(ScriptImports):
        return
    tree = parse(script)
    if tree is not None:
        packages = Packages(Path(script).parent, _site_folders(facts))
        facts.add(0, ScriptImports(script, tuple(find_rare_imports(tree, packages))))


def script_of(facts: Facts) -> str | None:
    """The file in which most stacks begin, if it is the user's."""
    begins: dict[str, int] = {}
    for frames in facts.stacks.values():
        outer = next((frame for frame in reversed(frames) if not frame.file.startswith("<frozen")), None)
        if outer is not None and outer.user and outer.function == "<module>":
            begins[outer.file] = begins.get(outer.file, 0) + 1
    return max(begins, key=begins.__getitem__, default=None)


def find_rare_imports(tree: ast.Module, packages: Packages) -> Iterator[RareImport]:
    """Imports that no certain path uses, and that no other import of the program pulls in anyway."""
    if any(isinstance(node, ast.Name) and node.id in _LOOKS_NAMES_UP for node in ast.walk(tree)):
        return
    always, uses = _Paths(tree).always, _uses(tree)
    statements = [node for node in ast.walk(tree) if isinstance(node, _Import)]
    for statement in (node for node in tree.body if isinstance(node, _Import)):
        names, tops = _bound(statement), imported(statement)
        if not names or len(tops) != 1 or names & always or not packages.is_installed(*tops):
            continue
        (package,) = tops
        others = [each for each in statements if each is not statement and each.lineno > statement.lineno]
        shared = packages.needed({top for each in others for top in imported(each)})
        if shared is not None and packages.key(package) not in shared:
            lines = sorted({line for name in names for line in uses.get(name, ())})
            if 0 in lines:
                continue
            yield RareImport(statement.lineno, ast.unparse(statement), package, tuple(lines), tuple(sorted(shared)))


def _site_folders(facts: Facts) -> list[str]:
    """Folders of installed packages that appear in stacks."""
    folders = set()
    for frames in facts.stacks.values():
        for frame in frames:
            for part in ("/site-packages/", "/dist-packages/"):
                before, found, _ = frame.file.partition(part)
                if found:
                    folders.add(before + part)
    return sorted(folders)


def _bound(statement: _Import) -> set[str]:
    """The names that an import binds; none for a relative, ``*`` or ``__future__`` import."""
    if isinstance(statement, ast.ImportFrom) and (statement.level or statement.module == "__future__"):
        return set()
    names = {alias.asname or alias.name.partition(".")[0] for alias in statement.names}
    return set() if "*" in names else names


class _Paths:
    """``always``: names that are used, assigned or exported on every path."""

    def __init__(self, tree: ast.Module) -> None:
        self.always: set[str] = set()
        self._named: dict[str, list[ast.AST]] = {}
        self._methods: dict[str, list[ast.AST]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                self.always.add(node.id)
            defined = self._methods if isinstance(node, ast.ClassDef) else self._named
            for child in ast.iter_child_nodes(node):
                if isinstance(child, Function | ast.ClassDef):
                    defined.setdefault(child.name, []).append(child)
        self._todo: list[ast.AST] = [tree]
        seen: set[ast.AST] = set()
        while self._todo:
            block = self._todo.pop()
            if block not in seen:
                seen.add(block)
                for statement in getattr(block, "body", ()):
                    self._visit(statement)

    def _visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.Name):
            self.always.add(node.id)
            self._reach(self._named.get(node.id, ()))
        elif isinstance(node, ast.Attribute):
            self._reach(self._methods.get(node.attr, ()))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            self.always.add(node.value)  # in __all__, or looked up by name
        elif isinstance(node, Function | ast.ClassDef) and _is_registered(node):
            self._todo.append(node)
        for child in _certain(node):
            self._visit(child)

    def _reach(self, definitions: Iterable[ast.AST]) -> None:
        for node in definitions:
            self._todo.append(node)
            if isinstance(node, ast.ClassDef):  # calls made by a base class are not visible here
                methods = [each for each in node.body if isinstance(each, Function)]
                self._todo += [each for each in methods if node.bases or each.name.startswith("__")]


def _certain(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a node that run whenever the node does."""
    if isinstance(node, ast.If):
        yield node.test
        if "__name__" in ast.unparse(node.test):
            yield from node.body
    elif isinstance(node, ast.IfExp):
        yield node.test
    elif isinstance(node, ast.Match):
        yield node.subject
    elif isinstance(node, ast.Dict):
        yield from (each for each in node.keys if each is not None)
        yield from (each for each in node.values if not isinstance(each, ast.Name))  # a table of functions
    elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == _DISPATCH:
        yield node.func
    elif isinstance(node, Function):
        yield from (*node.decorator_list, node.args, *([node.returns] if node.returns else []))
    elif not isinstance(node, ast.ExceptHandler):
        yield from ast.iter_child_nodes(node)


def _is_registered(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Whether a decorator may register it with code that calls it."""
    named = [each.func if isinstance(each, ast.Call) else each for each in node.decorator_list]
    return any(getattr(each, "attr", getattr(each, "id", "")) != _COMMAND for each in named)


def _uses(tree: ast.AST) -> dict[str, set[int]]:
    """Name -> lines of the innermost branches and functions that use it; 0 for a use outside of them."""
    found: dict[str, set[int]] = {}

    def visit(node: ast.AST, block: range) -> None:
        if isinstance(node, ast.Name):
            found.setdefault(node.id, set()).update(block)
        for name, value in ast.iter_fields(node):
            children = [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, ast.AST)]
            own = children and name in ("body", "orelse") and isinstance(node, Function | ast.If | ast.match_case)
            own = own or (children and name == "body" and isinstance(node, ast.ExceptHandler))
            inner = _lines(children) if own else block
            for child in children:
                visit(child, inner)

    visit(tree, range(1))
    return found


def _lines(nodes: list[ast.AST]) -> range:
    first, last = nodes[0], nodes[-1]
    return range(getattr(first, "lineno", 0), (getattr(last, "end_lineno", None) or 0) + 1)
