"""One file of the user's, parsed once: its tree with parents, what its names stand for, what stands on a line.

``paths`` says where a value comes from, written as code would reach it from an import: ``pandas.read_csv()[]``,
``sqlite3.connect().cursor().execute``. A value that cannot be followed to an import has no path: a name alone is no
proof of anything. Names are followed into the user's other modules where ``find`` knows them.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator
from functools import cached_property, wraps
from itertools import chain
from typing import Any, Concatenate, ParamSpec, TypeVar

from .syntax import (
    Binding,
    Comprehension,
    Function,
    Loop,
    arguments,
    bindings_of,
    defaults,
    is_self,
    last_name,
    line_of,
    parameters,
    unpacked,
)

MAX_DEPTH = 25  # assignments and calls followed from one value
MAX_PATHS = 16
MAX_VISITS = 2_000  # nodes followed from one value
_BUILTINS = frozenset(dir(builtins))
_DISPLAYS: dict[type[ast.expr], str] = {
    ast.List: "list", ast.ListComp: "list", ast.Tuple: "tuple", ast.Dict: "dict", ast.DictComp: "dict",
    ast.Set: "set", ast.SetComp: "set", ast.GeneratorExp: "generator", ast.JoinedStr: "str",
}  # fmt: skip


P = ParamSpec("P")
T = TypeVar("T")


def once(question: Callable[Concatenate[Source, P], T]) -> Callable[Concatenate[Source, P], T]:
    """A question about a file that pattern after pattern asks, way after way: answered once for the same arguments."""

    @wraps(question)
    def asked(source: Source, /, *given: P.args, **named: P.kwargs) -> T:
        key = (question, *given, *named.items())
        if key not in source.answers:
            source.answers[key] = question(source, *given, **named)
        answer: T = source.answers[key]
        return answer

    return asked


class Source:
    """The syntax tree of one file and the questions that patterns ask of it. SyntaxError where it cannot be parsed.

    ``find``: gives the source of another module of the user's by the name that this file imports it by.
    """

    def __init__(self, text: str | bytes | ast.Module, find: Callable[[str], Source | None] | None = None) -> None:
        self._find = find or (lambda name: None)
        self.tree = text if isinstance(text, ast.Module) else ast.parse(text)
        self.parents: dict[ast.AST, ast.AST] = {}
        self.answers: dict[tuple[object, ...], Any] = {}  # to the questions that are asked ``once``
        self._asked: dict[ast.AST, frozenset[str]] = {}
        self._visits_left = 0
        self.by_line: dict[int, list[ast.AST]] = {}
        self.functions: dict[str, list[ast.FunctionDef | ast.AsyncFunctionDef]] = {}
        self.calls: dict[str, list[ast.Call]] = {}
        for node in ast.walk(self.tree):
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self.functions.setdefault(node.name, []).append(node)
            elif isinstance(node, ast.Call):
                self.calls.setdefault(last_name(node.func), []).append(node)
            if isinstance(node, ast.expr | ast.stmt):
                for line in _own_lines(node):
                    self.by_line.setdefault(line, []).append(node)

    @cached_property
    def imports(self) -> dict[str, str]:
        """What each imported name stands for; a name imported twice for different things stands for neither."""
        found: dict[str, set[str]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    whole = alias.name if alias.asname else alias.name.partition(".")[0]
                    found.setdefault(alias.asname or whole, set()).add(whole)
            elif isinstance(node, ast.ImportFrom):
                origin = "." * node.level + (node.module or "")
                for alias in node.names:
                    found.setdefault(alias.asname or alias.name, set()).add(f"{origin}.{alias.name}")
        return {name: next(iter(origins)) for name, origins in found.items() if len(origins) == 1}

    @cached_property
    def handed(self) -> dict[str, list[ast.Call]]:
        """The calls that are given something of a name, as an argument: ``f`` of ``pool.map(f, items)``."""
        found: dict[str, list[ast.Call]] = {}
        for call in (each for calls in self.calls.values() for each in calls):
            for given in arguments(call):
                if isinstance(given, ast.Name | ast.Attribute):
                    found.setdefault(last_name(given), []).append(call)
        return found

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes around one, innermost first."""
        while (parent := self.parents.get(node)) is not None:
            yield parent
            node = parent

    def statement(self, node: ast.AST) -> ast.AST:
        """The statement that a node belongs to."""
        if isinstance(node, ast.stmt):
            return node
        return next((outer for outer in self.above(node) if isinstance(outer, ast.stmt)), node)

    def function(self, node: ast.AST) -> Function | None:
        """The function around a node."""
        return next((outer for outer in self.above(node) if isinstance(outer, Function)), None)

    @once
    def loops(self, node: ast.AST) -> list[Loop | Comprehension]:
        """The loops of the same function that run a node once per pass, innermost first.

        What a loop iterates over, and what stands in its ``else``, runs once and is not inside it.
        """
        found: list[Loop | Comprehension] = []
        inner = node
        for outer in self.above(node):
            if isinstance(outer, ast.For | ast.AsyncFor):
                if inner is not outer.iter and inner not in outer.orelse:
                    found.append(outer)
            elif isinstance(outer, ast.While):
                if inner not in outer.orelse:
                    found.append(outer)
            elif isinstance(outer, Comprehension):
                if inner is not outer.generators[0]:
                    found.append(outer)
            elif isinstance(outer, ast.comprehension):
                if inner is not outer.iter:  # a condition of a comprehension runs once per item too
                    found.extend(around for around in [self.parents[outer]] if isinstance(around, Comprehension))
            elif isinstance(outer, Function | ast.ClassDef):
                break
            inner = outer
        return found

    @cached_property
    def _bound(self) -> dict[ast.AST, dict[str, list[Binding]]]:
        """The bindings of each name in each function and in the module."""
        scopes: dict[ast.AST, dict[str, list[Binding]]] = {}
        for node in ast.walk(self.tree):
            for target, binding in bindings_of(node):
                scope = self.function(node) or self.tree
                scopes.setdefault(scope, {}).setdefault(target, []).append(binding)
        return scopes

    @cached_property
    def _attributes(self) -> dict[tuple[ast.AST, str], list[Binding]]:
        """The bindings of ``self.name`` in each class, those in its body among them."""
        found: dict[tuple[ast.AST, str], list[Binding]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                owner, targets = self.class_of(node), node.targets if isinstance(node, ast.Assign) else [node.target]
                for target, value in (pair for each in targets for pair in unpacked(each, node.value)):
                    of_class = isinstance(target, ast.Name) and self.parents.get(node) is owner
                    if owner is not None and (is_self(target) or of_class):
                        found.setdefault((owner, last_name(target)), []).append(Binding(node, value))
        return found

    def class_of(self, node: ast.AST) -> ast.ClassDef | None:
        """The class around a node."""
        return next((outer for outer in self.above(node) if isinstance(outer, ast.ClassDef)), None)

    def literal(self, node: ast.expr | None) -> ast.expr | None:
        """The expression itself, or what a name or a ``self.name`` stands for that is bound once."""
        bound = self.bindings(node) if isinstance(node, ast.Name) else []
        if node is not None and is_self(node):
            bound = self.bindings_of_self(node)
        return bound[0].value if len(bound) == 1 else node

    def bindings_of_self(self, node: ast.Attribute) -> list[Binding]:
        """The bindings of ``self.name`` in the class around the node."""
        owner = self.class_of(node)
        return self._attributes.get((owner, node.attr), []) if owner is not None else []

    def bindings(self, name: ast.Name) -> list[Binding]:
        """The bindings that a name can have where it stands; none for parameters, imports and builtins."""
        scope: ast.AST | None = self.function(name) or self.tree
        first = scope
        while scope is not None:
            bound = self._bound.get(scope, {}).get(name.id)
            if bound:
                return self._reaching(bound, name) if scope is first else bound
            if isinstance(scope, Function) and name.id in parameters(scope):
                return []
            scope = (self.function(scope) or self.tree) if scope is not self.tree else None
        return []

    def _reaching(self, bound: list[Binding], use: ast.Name) -> list[Binding]:
        """Without those that a later one has certainly replaced before the name is used."""
        around = {each for each in self.above(use) if not isinstance(each, ast.Assign | ast.AnnAssign)}
        line = getattr(self.statement(use), "lineno", 0)
        before = [each for each in bound if line_of(each.where) < line or each.where in around]
        certain = [each for each in before if each.where in around or self.parents.get(each.where) in around]
        last = max(certain, key=lambda each: line_of(each.where), default=None)
        if last is None:
            return bound
        loops = [loop for loop in self.loops(use) if loop not in self.above(last.where)]
        after = [each for each in bound if line_of(each.where) >= line]
        later = [each for each in after if any(loop in self.above(each.where) for loop in loops)]
        return [each for each in before if line_of(each.where) >= line_of(last.where)] + later

    def paths(self, node: ast.AST | None, depth: int = 0, seen: frozenset[ast.AST] = frozenset()) -> frozenset[str]:
        """Where a value comes from: see the module's docstring. Empty when it cannot be told."""
        if node is None or depth > MAX_DEPTH or node in seen:
            return frozenset()
        if not depth:
            if node not in self._asked:
                self._visits_left = MAX_VISITS
                self._asked[node] = self._walked(node, depth, seen)
            return self._asked[node]
        # Parameters lead to calls, and these to parameters: what takes too many steps cannot be told.
        self._visits_left -= 1
        return self._walked(node, depth, seen) if self._visits_left > 0 else frozenset()

    def _walked(self, node: ast.AST, depth: int, seen: frozenset[ast.AST]) -> frozenset[str]:
        found: set[str] = set()
        for path in self._paths(node, depth + 1, seen | {node}):
            found.add(path)
            if len(found) >= MAX_PATHS:
                break
        return frozenset(found)

    def _paths(self, node: ast.AST, depth: int, seen: frozenset[ast.AST]) -> Iterator[str]:
        if isinstance(node, ast.Name):
            yield from self._of_name(node, depth, seen)
        elif isinstance(node, ast.Attribute):
            for path in self.paths(node.value, depth, seen):
                yield f"{path}.{node.attr}"
                yield from self._of_module(f"{path}.{node.attr}", depth, seen)
            for binding in self.bindings_of_self(node) if is_self(node) else ():
                yield from self._of_binding(binding, depth, seen)
        elif isinstance(node, ast.Call):
            yield from (f"{path}()" for path in self.paths(node.func, depth, seen))
            yield from self._of_returned(node, depth, seen)
        elif isinstance(node, ast.Subscript):
            yield from (f"{path}[]" for path in self.paths(node.value, depth, seen))
            for item in _items(self.literal(node.value)):
                yield from self.paths(item, depth, seen)
        elif isinstance(node, ast.Await | ast.NamedExpr | ast.UnaryOp | ast.Starred):
            yield from self.paths(node.operand if isinstance(node, ast.UnaryOp) else node.value, depth, seen)
        elif isinstance(node, ast.BinOp):
            yield from self.paths(node.left, depth, seen) | self.paths(node.right, depth, seen)
        elif isinstance(node, ast.IfExp):
            yield from self.paths(node.body, depth, seen) | self.paths(node.orelse, depth, seen)
        elif isinstance(node, ast.Constant):
            yield f"builtins.{type(node.value).__name__}()"
        elif isinstance(node, ast.expr) and type(node) in _DISPLAYS:
            yield f"builtins.{_DISPLAYS[type(node)]}()"

    def _of_binding(self, binding: Binding, depth: int, seen: frozenset[ast.AST]) -> Iterator[str]:
        yield from (path + binding.suffix for path in self.paths(binding.value, depth, seen))

    def _of_name(self, node: ast.Name, depth: int, seen: frozenset[ast.AST]) -> Iterator[str]:
        bound = self.bindings(node)
        for binding in bound:
            yield from self._of_binding(binding, depth, seen)
        if bound:
            return
        function: Function | None = self.function(node)
        while function is not None and node.id not in parameters(function):
            function = self.function(function)
        if function is not None:
            yield from self._of_parameter(function, node.id, depth, seen)
        elif node.id in self.imports:
            yield self.imports[node.id]
            yield from self._of_module(self.imports[node.id], depth, seen)
        elif node.id in _BUILTINS and node.id not in self.functions:
            yield f"builtins.{node.id}"

    def _of_parameter(self, function: Function, name: str, depth: int, seen: frozenset[ast.AST]) -> Iterator[str]:
        """From its annotation, or from what this file hands to the function."""
        arguments = function.args.posonlyargs + function.args.args + function.args.kwonlyargs
        annotation = next((each.annotation for each in arguments if each.arg == name), None)
        if annotation is not None:
            yield from (f"{path}()" for path in self.paths(annotation, depth, seen) if not path.endswith("[]"))
        if isinstance(function, ast.Lambda):
            return
        names = [each.arg for each in function.args.posonlyargs + function.args.args]
        makes = self.class_of(function) if function.name == "__init__" else None
        for call in self.calls.get(function.name if makes is None else makes.name, ()):
            given = {keyword.arg: keyword.value for keyword in call.keywords}
            method = names[:1] == ["self"] and (isinstance(call.func, ast.Attribute) or makes is not None)
            given.update(zip(names[method:], call.args, strict=False))
            yield from self.paths(given.get(name) or defaults(function).get(name), depth, seen)

    def _of_returned(self, call: ast.Call, depth: int, seen: frozenset[ast.AST]) -> Iterator[str]:
        """What a function of the user's gives back."""
        for other, value in self.returned(call, depth, seen):
            yield from other._asked_by(self, value, depth, seen)

    def returned(
        self, call: ast.Call, depth: int = 0, seen: frozenset[ast.AST] = frozenset()
    ) -> Iterator[tuple[Source, ast.expr]]:
        """What the function of the user's that is called may return, each with the file that it stands in."""
        source, function = self._called(call, depth, seen)
        for node in ast.walk(function) if function is not None else ():
            if isinstance(node, ast.Return) and node.value is not None and source.function(node) is function:
                yield source, node.value

    def _called(self, call: ast.Call, depth: int, seen: frozenset[ast.AST]) -> tuple[Source, ast.AST | None]:
        """A function of this file or another, or a method of an object that is made of a class of the user's."""
        definitions = self.functions.get(last_name(call.func), [])
        if isinstance(call.func, ast.Attribute) and not is_self(call.func):
            made = self.literal(call.func.value)
            name = last_name(made.func) if isinstance(made, ast.Call) else ""
            definitions = [each for each in definitions if name and getattr(self.class_of(each), "name", "") == name]
        if definitions:
            return self, definitions[0] if len(definitions) == 1 else None
        for path in self.paths(call.func, depth, seen):
            other, owner, name = self._elsewhere(path)
            found = other.functions.get(name, []) if other is not None else []
            mine = [each for each in found if other and getattr(other.class_of(each), "name", "") == owner]
            if other is not None and len(mine) == 1:
                return other, mine[0]
        return self, None

    def _of_module(self, path: str, depth: int, seen: frozenset[ast.AST]) -> Iterator[str]:
        """What a variable of another module of the user's holds, or an attribute of an object of a class there."""
        other, owner, name = self._elsewhere(path)
        if other is None:
            return
        kept = (
            bound for (of, key), bound in other._attributes.items() if (getattr(of, "name", ""), key) == (owner, name)
        )
        for binding in other._bound.get(other.tree, {}).get(name, []) if not owner else chain.from_iterable(kept):
            for found in other._asked_by(self, binding.value, depth, seen):
                yield found + binding.suffix

    def _asked_by(self, asker: Source, node: ast.AST | None, depth: int, seen: frozenset[ast.AST]) -> frozenset[str]:
        """``paths``, perhaps for another file, which has a count of steps of its own."""
        if asker is not self:
            self._visits_left = max(self._visits_left, MAX_VISITS // 4)
        return self.paths(node, depth, seen)

    def _elsewhere(self, path: str) -> tuple[Source | None, str, str]:
        """(another module of the user's, a class of it or "", the name) of ``module.name``, ``module.Class().name``."""
        module, _, name = path.rpartition(".")
        owner = ""
        if module.endswith("()"):
            module, _, owner = module[:-2].rpartition(".")
        plain = module and "(" not in module and "[" not in module and name.isidentifier()
        return (self._find(module) if plain else None), owner, name

    def imported(self) -> list[Source]:
        """The user's other modules that this file imports, or imports from."""
        names = {part for path in self.imports.values() for part in (path, path.rpartition(".")[0]) if part}
        found = {id(each): each for each in map(self._find, sorted(names)) if each is not None}
        return list(found.values())


def _items(value: ast.expr | None) -> list[ast.expr]:
    """What a dict or a list holds that is written out."""
    if isinstance(value, ast.Dict):
        return value.values
    if isinstance(value, ast.DictComp):
        return [value.value]
    return (
        value.elts
        if isinstance(value, ast.List | ast.Tuple)
        else [value.elt]
        if isinstance(value, ast.ListComp)
        else []
    )


def _own_lines(node: ast.expr | ast.stmt) -> set[int]:
    """The lines that a traceback can give for a node: where it begins, and for a method call where its name stands."""
    if isinstance(node, ast.Call) and node.func.end_lineno is not None:
        return {node.lineno, node.func.end_lineno}
    return {node.lineno}
