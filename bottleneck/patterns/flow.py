"""What the statements of a loop hand to each other: which of them make what its step works on.

A statement feeds another one when it sets a name, or may change an object, that the other reads: later in the same
pass, or in the next pass where nothing sets the name anew before. A call may change the object that it is called on and
those that it is given; a library's function (``numpy.stack(parts)``) and a builtin change neither.
"""

from __future__ import annotations

import ast
import builtins
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from .source import Source
from .syntax import Loop, arguments, dotted, stored

_BUILTINS = frozenset(dir(builtins))
_CHANGING = ("next", "setattr")  # builtins that change what they are given
_MAX_PARTS = 200  # statements of one loop
#: What a training step is made of.
LIBRARIES = frozenset(
    "jax jaxlib flax optax equinox haiku torch tensorflow keras sklearn xgboost lightgbm catboost mlx cupy paddle "
    "mxnet tinygrad onnxruntime".split()
)
#: Functions of these change nothing that they are given.
KEEPING = LIBRARIES | {"numpy", "scipy", "pandas", "polars", "math", "random", "time"}


@dataclass(frozen=True, eq=False)
class Part:
    """One statement of a loop's body, by its ``index``; -1 is what the loop goes through, or its condition.

    ``sets``: of what it ``writes``, the names that it sets anew without reading them.
    """

    index: int
    node: ast.AST
    first: int
    last: int
    reads: frozenset[str]
    writes: frozenset[str]
    sets: frozenset[str]


def parts(source: Source, loop: Loop) -> list[Part]:
    """The statements of a loop in their order, what it goes through first; none where there are too many."""
    if len(loop.body) > _MAX_PARTS:
        return []
    fixed = _fixed(source)
    head = loop.test if isinstance(loop, ast.While) else loop.iter
    names = _Names(source)
    for each in [head, *([] if isinstance(loop, ast.While) else [loop.target, *_made_of(source, loop.iter)])]:
        names.visit(each)
    found = [_part(-1, head, names, fixed, loop.lineno)]
    for index, statement in enumerate(loop.body):
        names = _Names(source)
        names.visit(statement)
        found.append(_part(index, statement, names, fixed))
    return found


def feeding(found: list[Part], step: Part) -> list[Part]:
    """The parts that feed the step, directly or through others, and that the step does not feed in turn."""
    fresh: dict[str, int] = {}
    for part in found:
        for name in part.sets:
            fresh.setdefault(name, part.index)
    feeds = {part: [other for other in found if other is not part and _feeds(part, other, fresh)] for part in found}
    after = _reached(step, feeds)
    return [part for part in found if part is not step and part not in after and step in _reached(part, feeds)]


def _feeds(one: Part, other: Part, fresh: dict[str, int]) -> bool:
    shared = one.writes & other.reads
    return bool(shared) and (one.index < other.index or any(fresh.get(name, 1 << 30) > other.index for name in shared))


def _reached(begin: Part, feeds: dict[Part, list[Part]]) -> set[Part]:
    reached: set[Part] = set()
    todo = list(feeds[begin])
    while todo:
        part = todo.pop()
        if part not in reached:
            reached.add(part)
            todo += feeds[part]
    return reached


def _part(index: int, node: ast.AST, names: _Names, fixed: frozenset[str], line: int = 0) -> Part:
    reads, writes = (
        frozenset(name for name in found if name.partition(".")[0] not in fixed)
        for found in (names.reads, names.writes)
    )
    first = line or getattr(node, "lineno", 0)
    plain = isinstance(node, ast.Assign | ast.AnnAssign) or index < 0
    sets = frozenset(name for name in writes - reads if "." not in name) if plain else frozenset[str]()
    return Part(index, node, first, getattr(node, "end_lineno", None) or first, reads, writes, sets)


def _fixed(source: Source) -> frozenset[str]:
    """Names that no loop changes: imports, functions, classes, and constants by their capitals."""
    classes = {each.name for each in source.tree.body if isinstance(each, ast.ClassDef)}
    names = (each for each in ast.walk(source.tree) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store))
    capitals = {name for name, times in Counter(each.id for each in names).items() if name.isupper() and times == 1}
    return frozenset({*source.imports, *source.functions, *classes, *capitals, *_BUILTINS})


def _made_of(source: Source, node: ast.expr) -> Iterator[ast.expr]:
    """What the names of an expression were set to: a generator keeps what it was made with."""
    for name in ast.walk(node):
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Load):
            yield from (binding.value for binding in source.bindings(name) if isinstance(binding.value, ast.Call))


class _Names(ast.NodeVisitor):
    """The names and attributes that a statement reads and writes; ``self`` alone stands for what its methods change."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.reads: set[str] = set()
        self.writes: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:
        (self.reads if isinstance(node.ctx, ast.Load) else self.writes).add(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        path = dotted(node)
        if not path:
            self.generic_visit(node)
        elif isinstance(node.ctx, ast.Load):
            self.reads.update(_prefixes(path))
        else:
            self.writes.update(_prefixes(path))

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if not isinstance(node.ctx, ast.Load):
            self._changes(node.value)
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._changes(node.target)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute):
            self._changes(node.func.value)
            self.visit(node.func.value)
        else:
            self.visit(node.func)
        for given in arguments(node):
            if not self._keeps(node.func):
                self._changes(given)
            self.visit(given)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.writes.add(node.name)

    def _inside(self, node: ast.AST) -> None:
        """A comprehension or a lambda: what it binds is its own."""
        inner = _Names(self.source)
        inner.generic_visit(node)
        bound = stored(node) | {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}
        self.reads |= {name for name in inner.reads if name.partition(".")[0] not in bound}
        self.writes |= {name for name in inner.writes if name.partition(".")[0] not in bound}

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_Lambda = _inside

    def _keeps(self, function: ast.expr) -> bool:
        """Whether a function changes nothing that it is given."""
        if isinstance(function, ast.Name) and function.id in _BUILTINS - set(_CHANGING):
            return True
        return any(path.partition(".")[0] in KEEPING for path in self.source.paths(function))

    def _changes(self, node: ast.expr) -> None:
        path = dotted(node.value if isinstance(node, ast.Starred) else node)
        if path:
            self.reads.update(_prefixes(path))
            self.writes.update(_prefixes(path))


def _prefixes(path: str) -> Iterator[str]:
    """``a``, ``a.b`` and ``a.b.c``; of ``self.a`` not ``self``, which would stand for everything."""
    names = path.split(".")
    least = 2 if names[0] == "self" and len(names) > 1 else 1
    yield from (".".join(names[:count]) for count in range(least, len(names) + 1))


def around(source: Source, node: ast.AST) -> list[Loop]:
    """The loops that run a node in each pass, or go through it, innermost first."""
    heads = [node] if isinstance(node, ast.For | ast.AsyncFor) else []
    return [*heads, *(each for each in source.loops(node) if isinstance(each, Loop))]
