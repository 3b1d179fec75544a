"""The words in which a pattern is written: conditions on a node of a hot line and on the frames below it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from functools import cache

from .model import Condition, Hot
from .source import Source
from .syntax import last_name


# --- combined ---------------------------------------------------------------------------------------------------------
def any_of(*conditions: Condition) -> Condition:
    """At least one holds."""
    return lambda hot: any(condition(hot) for condition in conditions)


def all_of(*conditions: Condition) -> Condition:
    """All hold, for the same node."""
    return lambda hot: all(condition(hot) for condition in conditions)


def not_if(condition: Condition) -> Condition:
    """It does not hold."""
    return lambda hot: not condition(hot)


# --- frames below the line --------------------------------------------------------------------------------------------
def below(place: str, *functions: str, through: str = "") -> Condition:
    """The line called into the library, and one of these frames is below it.

    The frame right below the line must be of the same library as ``place``, or of ``through``: what a callback of the
    user's does further down is another matter.
    """
    library = through or place

    def check(hot: Hot) -> bool:
        frames = hot.seen.below
        return (
            bool(frames)
            and _is_of(frames[0].path, library)
            and any(frame.is_in(place) and (not functions or frame.function in functions) for frame in frames)
        )

    return check


def leaf(place: str, *functions: str) -> Condition:
    """The innermost frame is one of these, whatever lies between."""

    def check(hot: Hot) -> bool:
        frames = hot.seen.below
        return bool(frames) and frames[-1].is_in(place) and (not functions or frames[-1].function in functions)

    return check


def deep(place: str, *functions: str) -> Condition:
    """One of these frames is somewhere below the line."""
    return lambda hot: any(
        frame.is_in(place) and (not functions or frame.function in functions) for frame in hot.seen.below
    )


def _is_of(path: str, place: str) -> bool:
    first = place.partition("/")[0].removesuffix(".py")
    return f"/{first}/" in path or path.endswith(f"/{first}.py")


# --- what runs on the line --------------------------------------------------------------------------------------------
def calls(*names: str) -> Condition:
    """A call that the imports lead to one of these names ("torch.cat", "sqlite3.connect*.commit"; * is anything).

    A C call has no frame, so the call must be at the running instruction, or the only one of the line; a Python
    function must be the one whose frame is below.
    """

    def check(hot: Hot) -> bool:
        if not isinstance(hot.node, ast.Call):
            return False
        found = {path for path in hot.source.paths(hot.node.func) if matches(path, *names)}
        return bool(found) and _is_running(hot, hot.node, {path.partition(".")[0] for path in found})

    return check


def calls_partial(*names: str) -> Condition:
    """A call of ``partial(function, ...)`` of one of these, kept by a name: for patterns that ask no argument."""

    def check(hot: Hot) -> bool:
        if not isinstance(hot.node, ast.Call) or hot.seen.below or not hot.seen.rivals <= {hot.node}:
            return False
        made = hot.source.literal(hot.node.func)
        if not isinstance(made, ast.Call) or made is hot.node.func or not made.args:
            return False
        partial = "functools.partial" in hot.source.paths(made.func)
        return partial and any(matches(path, *names) for path in hot.source.paths(made.args[0]))

    return check


def method(*names: str, of: str) -> Condition:
    """A call of a method of these names on an object of the library, by its origin or by the frame right below."""

    def check(hot: Hot) -> bool:
        node = hot.node
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr not in names:
            return False
        if comes_from(hot.source, node.func.value, of):
            return _is_running(hot, node, {of})
        frames = hot.seen.below
        return bool(frames) and _is_of(frames[0].path, of) and _is_running(hot, node, {of})

    return check


def subscript(*attributes: str, of: str) -> Condition:
    """``x.iloc[...]`` (or ``x[...]`` when no attribute is named) on an object of the library."""

    def check(hot: Hot) -> bool:
        node = hot.node
        if not isinstance(node, ast.Subscript):
            return False
        value = node.value
        if attributes:
            if not isinstance(value, ast.Attribute) or value.attr not in attributes:
                return False
            value = value.value
        frames = hot.seen.below
        return _is_of(frames[0].path, of) if frames else comes_from(hot.source, value, of)

    return check


def works_on(*names: str) -> Condition:
    """The value that is called on or indexed comes from one of these ("h5py.File()*")."""

    def check(hot: Hot) -> bool:
        node = hot.node
        value = node.func.value if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
        value = node.value if isinstance(node, ast.Subscript) else value
        return value is not None and any(matches(path, *names) for path in hot.source.paths(value))

    return check


def running() -> Condition:
    """The call that the samples are of, whichever it is."""
    return lambda hot: (
        isinstance(hot.node, ast.Call) and (hot.seen.rivals <= {hot.node} or _is_running(hot, hot.node, set()))
    )


_HELPERS = ("abc>", "/abc.py", "codecs>", "/codecs.py")  # C code asks them, such as with isinstance()
_WRAPPED = 3  # frames among which the one that a call names is looked for, below its decorators


def _is_running(hot: Hot, node: ast.Call, libraries: set[str]) -> bool:
    """Whether the samples can be of this call and of no other on the line."""
    seen = hot.seen
    if seen.position is not None and len(seen.rivals) == 1:
        return node in seen.rivals
    if all(frame.path.endswith(_HELPERS) for frame in seen.below):
        return seen.rivals <= {node}
    top = seen.below[0]
    if top.function in ("__getitem__", "__setitem__") and any(isinstance(each, ast.Subscript) for each in seen.nodes):
        return False  # ``frame[mask].to_dict()``: the mask takes the time
    for frame in seen.below[:_WRAPPED]:
        alike = [each for each in seen.rivals | {node} if last_name(each.func) == frame.function]
        if alike:
            return node in alike
    # Decorators, properties and constructors have frames of other names.
    here = any(_is_of(top.path, _HOMES.get(library, library)) for library in libraries) or top.function == "__init__"
    # What is called on the result, ``model.predict(x).argmax()``, is seldom of the library, and has a name if it is.
    others = [
        each for each in seen.rivals if _libraries(hot.source, each) & libraries and node not in ast.walk(each.func)
    ]
    return here and set(others) <= {node}


# Where the Python half of a module stands that has another name.
_HOMES = {"datetime": "_strptime.py", "time": "_strptime.py", "cv2": "cv2/"}


def _libraries(source: Source, call: ast.Call) -> set[str]:
    return {path.partition(".")[0] for path in source.paths(call.func)}


def comes_from(source: Source, value: ast.AST, library: str) -> bool:
    """Whether a value can be followed to an import of the library."""
    return any(path == library or path.startswith(library + ".") for path in source.paths(value))


def matches(path: str, *names: str) -> bool:
    return any(_pattern(name).fullmatch(path) for name in names)


@cache
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(re.escape(name).replace(r"\*", ".*"))


# --- arguments --------------------------------------------------------------------------------------------------------
def keyword(name: str, *values: object) -> Condition:
    """The call has this argument, with one of these constants when any are given."""

    def check(hot: Hot) -> bool:
        given = argument(hot.node, name, hot.source)
        return given is not None and (not values or (isinstance(given, ast.Constant) and given.value in values))

    return check


def first(test: Callable[[Source, ast.expr], bool]) -> Condition:
    """The first argument of the call passes a test."""

    def check(hot: Hot) -> bool:
        given = hot.node.args if isinstance(hot.node, ast.Call) else []
        return bool(given) and test(hot.source, given[0])

    return check


def argument(node: ast.AST, name: str, source: Source | None = None) -> ast.expr | None:
    """The value of a named argument; with the source, also of one that ``**options`` gives."""
    given = node.keywords if isinstance(node, ast.Call) else []
    found = next((each.value for each in given if each.arg == name), None)
    for each in given if found is None and source is not None else ():
        options = source.literal(each.value) if source is not None and each.arg is None else None
        found = found or entry(options, name)
    return found


def entry(options: ast.expr | None, name: str) -> ast.expr | None:
    """The value of ``{"name": value}`` or ``dict(name=value)``."""
    if isinstance(options, ast.Call) and last_name(options.func) == "dict":
        return argument(options, name)
    pairs = zip(options.keys, options.values, strict=True) if isinstance(options, ast.Dict) else ()
    return next((value for key, value in pairs if getattr(key, "value", None) == name), None)


def one_of(*paths: str) -> Callable[[Source, ast.expr], bool]:
    """The value comes from one of these."""
    return lambda source, value: any(matches(path, *paths) for path in source.paths(value))


def own_function(source: Source, value: ast.expr) -> bool:
    """The value is a lambda, or a function that is defined in the file."""
    return isinstance(value, ast.Lambda) or last_name(value) in source.functions


def given_own_function(hot: Hot) -> bool:
    """The call is given a function of the file, or one of them runs below it: a closure, a partial, a method."""
    below = {frame.function.rpartition(".")[2] for frame in hot.seen.below}
    return first(own_function)(hot) or not below.isdisjoint(hot.source.functions)


def listed(source: Source, value: ast.expr) -> bool:
    """The value is many items already: a list, a slice, or something that is called a batch."""
    if isinstance(value, ast.Subscript):
        return isinstance(value.slice, ast.Slice)
    name = last_name(value).lower()
    return isinstance(value, ast.List | ast.ListComp) or any(
        word in name for word in ("batch", "chunk", "texts", "docs")
    )


def single() -> Condition:
    """The key picks one row or one cell: no slice, no mask, no list."""

    def check(hot: Hot) -> bool:
        if not isinstance(hot.node, ast.Subscript):
            return False
        key = hot.node.slice
        parts = key.elts if isinstance(key, ast.Tuple) else [key]
        many = ast.Slice | ast.Compare | ast.List | ast.ListComp | ast.BoolOp
        return not any(isinstance(each, many) for part in parts[:1] for each in ast.walk(part))

    return check


def text(*words: str) -> Callable[[Source, ast.expr], bool]:
    """The value is a text that begins with one of the words, in any case."""

    def test(source: Source, value: ast.expr) -> bool:
        content = written(source, value.values[0] if isinstance(value, ast.JoinedStr) and value.values else value)
        return content is not None and content.lstrip().lower().startswith(words)

    return test


def written(source: Source, value: ast.expr) -> str | None:
    """The text that a value is, where the file holds it as one literal."""
    literal = source.literal(value)
    return literal.value if isinstance(literal, ast.Constant) and isinstance(literal.value, str) else None
