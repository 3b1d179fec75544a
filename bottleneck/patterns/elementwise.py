"""Loops that compute arrays element by element, in passes that do not depend on each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from .model import Condition, Hot
from .origins import dimensions, origins
from .source import Source
from .syntax import is_self, last_name, mentions, same, stored

_FEW = 8  # elements of a row, which numpy computes no faster
#: Functions of single numbers that numpy has for whole arrays.
_SCALAR = frozenset(
    "abs fabs min max float int round pow sqrt exp expm1 log log1p log2 log10 sin cos tan asin acos atan atan2 arcsin "
    "arccos arctan arctan2 sinh cosh tanh hypot floor ceil sign minimum maximum square power absolute clip float32 "
    "float64 isnan isfinite erf".split()
)
_ASKED = ("len", "range", "enumerate", "zip")  # they read no element of an array
_ARITHMETIC = ast.BinOp | ast.UnaryOp | ast.Compare | ast.BoolOp | ast.IfExp | ast.Constant


def elementwise() -> Condition:
    """The innermost loop does plain arithmetic with elements of numpy arrays, all at the place that it counts.

    Sums and plain temporaries are allowed; what one pass writes no other reads.
    """

    def check(hot: Hot) -> bool:
        loop = next(iter(hot.source.loops(hot.node)), None)
        if not isinstance(loop, ast.For) or hot.seen.below:
            return False
        if not all(last_name(each.func) in _SCALAR for each in hot.seen.rivals):
            return False
        question = ("elementwise", loop)
        if question not in hot.source.answers:
            hot.source.answers[question] = _Passes(hot.source, loop).independent()
        return bool(hot.source.answers[question])

    return check


@dataclass(frozen=True)
class _Access:
    """One element: ``P[i][k]`` is ``P`` at ``(i, k)``. ``added``: it is only added to."""

    array: ast.expr
    places: list[ast.expr]
    node: ast.Subscript
    added: bool


class _Passes:
    """What the passes of a loop do with elements and names; ``made`` are the names that a pass has set so far."""

    def __init__(self, source: Source, loop: ast.For) -> None:
        self.source, self.loop = source, loop
        self.counter = loop.target.id if isinstance(loop.target, ast.Name) else ""
        self.own = set[str]().union(*(stored(each) for each in loop.body))
        self.made: set[str] = set()
        self.accesses: list[_Access] = []

    def independent(self) -> bool:
        """Whether whole arrays can do what the passes do."""
        known = self.counter and self.counter not in self.own and not self.loop.orelse and self._many()
        if not known or not all(self._statement(each) for each in self.loop.body):
            return False
        written = [each for each in self.accesses if isinstance(each.node.ctx, ast.Store)]
        counted = [each for each in self.accesses if self._varies(each)]
        if not all(self._is_counted(each, bool(self._of(each.array, written))) for each in counted):
            return False
        for each in written:
            others = self._of(each.array, self.accesses)
            if each not in counted and not all(other.added for other in others):
                return False
            if len({self._place(other) for other in others}) != 1 or is_read_whole(self.source, self.loop, each.array):
                return False
        needed = [each for each in counted if each in written] or counted
        return bool(needed) and all(self._is_number_of_an_array(each) for each in needed)

    def _many(self) -> bool:
        """It counts a range, of more than a few numbers as far as the file tells."""
        items = self.loop.iter
        if not isinstance(items, ast.Call) or last_name(items.func) != "range" or not items.args:
            return False
        counts = [getattr(each, "value", None) for each in origins(self.source, items.args[:2][-1])]
        return not any(isinstance(each, int) and each < _FEW for each in counts)

    def _statement(self, statement: ast.stmt) -> bool:
        if isinstance(statement, ast.If):
            return self._value(statement.test) and self._branches(statement)
        if isinstance(statement, ast.AugAssign):
            return self._value(statement.value) and self._adds(statement)
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1 or not self._value(statement.value):
            return False
        target = statement.targets[0]
        if isinstance(target, ast.Name):
            self.made.add(target.id)
            return True
        return isinstance(target, ast.Subscript) and self._element(target)

    def _adds(self, statement: ast.AugAssign) -> bool:
        adds, target = isinstance(statement.op, ast.Add | ast.Sub), statement.target
        if isinstance(target, ast.Name):  # a sum, which nothing else reads
            return adds or target.id in self.made
        return isinstance(target, ast.Subscript) and self._element(target, adds)

    def _branches(self, branch: ast.If) -> bool:
        before, after = set(self.made), []
        for body in (branch.body, branch.orelse):
            self.made = set(before)
            if not all(self._statement(each) for each in body):
                return False
            after.append(self.made)
        self.made = set.intersection(*after)
        return True

    def _value(self, value: ast.AST) -> bool:
        """Whether it is arithmetic of elements, of names that the pass has set, and of what the loop leaves alone."""
        if isinstance(value, ast.Name):
            return value.id not in self.own or value.id in self.made
        if isinstance(value, ast.Subscript):
            return self._element(value)
        if isinstance(value, ast.Attribute):
            return isinstance(value.value, ast.Name) and value.value.id not in self.own
        if isinstance(value, ast.Call):
            return last_name(value.func) in _SCALAR and not value.keywords and all(map(self._value, value.args))
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.MatMult):
            return False  # of whole rows
        inside = (each for each in ast.iter_child_nodes(value) if isinstance(each, ast.expr))
        return isinstance(value, _ARITHMETIC) and all(map(self._value, inside))

    def _element(self, node: ast.Subscript, added: bool = False) -> bool:
        array, places = _unfold(node)
        self.accesses.append(_Access(array, places, node, added))
        fixed = is_self(array) or (isinstance(array, ast.Name) and array.id not in self.own)
        return fixed and all(map(self._value, places))

    def _varies(self, access: _Access) -> bool:
        return any(map(self._changes, access.places))

    def _place(self, access: _Access) -> int | None:
        """Which index is the counter."""
        found = (at for at, each in enumerate(access.places) if last_name(each) == self.counter)
        return next(found, None)

    def _is_counted(self, access: _Access, written: bool) -> bool:
        """One index is the counter, and the others stay; of what is only read, the counter may be moved by a number."""
        varying = [each for each in access.places if self._changes(each)]
        place = varying[0]
        if isinstance(place, ast.BinOp) and isinstance(place.op, ast.Add | ast.Sub) and not written:
            place = place.left if not self._changes(place.right) else place
        return len(varying) == 1 and isinstance(place, ast.Name) and place.id == self.counter

    def _changes(self, node: ast.AST) -> bool:
        """Whether it can be another value in the next pass."""
        return mentions(node, {*self.own, self.counter})

    def _of(self, array: ast.expr, accesses: list[_Access]) -> list[_Access]:
        return [each for each in accesses if same(each.array, array)]

    def _is_number_of_an_array(self, access: _Access) -> bool:
        """The array is of numpy, and has as many dimensions as it is given indices."""
        paths = self.source.paths(access.array)
        other = any(not _is_of_numpy(path) for path in paths)
        count = dimensions(self.source, access.array)
        if other or count not in (None, len(access.places)):
            return False
        sliced = any(_is_array_index(each, len(access.places)) for each in self._uses(access.array))
        return sliced or (bool(paths) and count is not None)

    def _uses(self, array: ast.expr) -> Iterator[ast.Subscript]:
        around = self.source.function(self.loop) or self.source.tree
        return (each for each in ast.walk(around) if isinstance(each, ast.Subscript) and same(each.value, array))


def _is_of_numpy(path: str) -> bool:
    column = path.startswith("pandas.") and path.endswith((".values", ".to_numpy()"))
    return column or (path.startswith("numpy.") and "tolist" not in path)


def _unfold(node: ast.Subscript) -> tuple[ast.expr, list[ast.expr]]:
    array: ast.expr = node
    places: list[ast.expr] = []
    while isinstance(array, ast.Subscript):
        places = [*(array.slice.elts if isinstance(array.slice, ast.Tuple) else [array.slice]), *places]
        array = array.value
    return array, places


def _is_array_index(node: ast.Subscript, count: int) -> bool:
    """``P[i, :]``, which no list and no dict takes, with as many indices."""
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else []
    return len(parts) == count and any(isinstance(each, ast.Slice) for each in parts)


def is_read_whole(source: Source, loop: ast.AST, array: ast.expr) -> bool:
    """``A[i] @ x`` in a loop that sets the elements of ``x``: a pass reads what those before it have written."""
    for each in ast.walk(loop):
        if isinstance(getattr(each, "ctx", None), ast.Load) and same(each, array):
            user = source.parents.get(each)
            asked = isinstance(user, ast.Call) and last_name(user.func) in _ASKED
            if isinstance(user, ast.BinOp | ast.Call) and not asked:
                return True
    return False


#: Makes one dimension of a tensor, whose elements are then single numbers.
_FLAT = frozenset("view reshape flatten ravel".split())
#: Methods by which an element of a tensor is told from a number.
_OF_TENSORS = frozenset("item long int float cpu tolist type".split())


def walks_a_tensor(hot: Hot) -> bool:
    """A loop goes through ``x.view(-1)``, whose elements are tensors of one number each."""
    statement = hot.source.statement(hot.node)
    loop = statement if isinstance(statement, ast.For) else next(iter(hot.source.loops(hot.node)), None)
    if not isinstance(loop, ast.For):
        return False
    called = [each for each in ast.walk(loop.iter) if isinstance(each, ast.Call)]
    flat = any(last_name(each.func) in _FLAT and len(each.args) <= 1 for each in called)
    made = any(last_name(each.func) in ("tolist", "numpy", "iter_rows") for each in called)
    iterates = bool(hot.seen.below) and all(each.is_in("torch/_tensor.py") for each in hot.seen.below)
    return flat and not made and (iterates or (not hot.seen.below and _asks_elements(loop)))


def _asks_elements(loop: ast.For) -> bool:
    """The body calls methods of tensors on what the loop gives, and no more than a few statements run in a pass."""
    names = stored(loop.target)
    asked = (
        each
        for statement in loop.body
        for each in ast.walk(statement)
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr in _OF_TENSORS
    )
    return any(isinstance(each.func, ast.Attribute) and mentions(each.func.value, names) for each in asked)
