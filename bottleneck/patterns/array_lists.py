"""Lists whose elements are numpy arrays, which a tensor is made from number by number."""

from __future__ import annotations

import ast

from .origins import dimensions
from .source import Source
from .syntax import last_name

_SINGLE = frozenset("mean sum max min std argmax argmin item float32 float64 int64 int32 dot norm".split())
#: One number a sample, by its name.
_SCALARS = frozenset("reward done action label target y length id index score weight value terminal truncated".split())


def of_arrays(source: Source, value: ast.expr) -> bool:
    """A list whose elements are numpy arrays, by what is put into it, or one field of each sample of a batch."""
    elements = elements_of(source, value)
    return any(_is_array(source, each) or _is_field(source, each) for each in elements) or (
        _transposed(source, value) or _of_transposed(source, value)
    )


def _is_field(source: Source, value: ast.expr) -> bool:
    """``sample["x"]``, where ``__getitem__`` of the file puts an array there: a slice, or a row of a table."""
    if not isinstance(value, ast.Subscript) or not isinstance(value.slice, ast.Constant):
        return False
    found = [
        given
        for function in source.functions.get("__getitem__", [])
        for each in ast.walk(function)
        if isinstance(each, ast.Return)
        for given in _entries(each.value, value.slice.value)
    ]
    return bool(found) and all(_is_row(source, source.literal(each) or each) for each in found)


def _entries(value: ast.expr | None, key: object) -> list[ast.expr]:
    """What stands under a key of a dict, or at a place of a tuple."""
    if isinstance(value, ast.Tuple) and isinstance(key, int):
        return value.elts[key : key + 1] if key >= 0 else []
    pairs = zip(value.keys, value.values, strict=True) if isinstance(value, ast.Dict) else ()
    return [each for name, each in pairs if isinstance(name, ast.Constant) and name.value == key]


def _is_row(source: Source, value: ast.expr) -> bool:
    if isinstance(value, ast.Subscript) and not isinstance(value.slice, ast.Slice):
        return _is_array(source, value) and (dimensions(source, value.value) or 0) > 1
    return _is_array(source, value)


def _transposed(source: Source, value: ast.expr) -> bool:
    """``states`` of ``states, rewards = zip(*batch)``, but no field of single numbers."""
    if not isinstance(value, ast.Name) or value.id.rstrip("s") in _SCALARS:
        return False
    made = [each.value for each in source.bindings(value) if each.suffix]
    return bool(made) and all(_zips_all(_unwrapped(each)) for each in made)


def _of_transposed(source: Source, value: ast.expr) -> bool:
    """``batch.state`` of ``Transition(*zip(*samples))``, made here or by a function of the user's."""
    if not isinstance(value, ast.Attribute) or value.attr.rstrip("s") in _SCALARS:
        return False
    made = [each for each in (source.literal(value.value), *_handed(source, value.value)) if each is not None]
    given = [each for call in made if isinstance(call, ast.Call) for _, each in source.returned(call)]
    return any(_transposes(each) for each in (*made, *given))


def _handed(source: Source, value: ast.expr) -> list[ast.expr]:
    """What the calls of the file hand over as this parameter."""
    function = source.function(value)
    if not isinstance(value, ast.Name) or not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        return []
    names = [each.arg for each in function.args.posonlyargs + function.args.args if each.arg not in ("self", "cls")]
    if value.id not in names or len(source.functions.get(function.name, ())) != 1:
        return []
    at = names.index(value.id)
    calls = source.calls.get(function.name, [])
    by_name = [each.value for call in calls for each in call.keywords if each.arg == value.id]
    return by_name + [call.args[at] for call in calls if len(call.args) > at]


def _transposes(made: ast.expr | None) -> bool:
    """``Transition(*zip(*samples))``."""
    parts = [each.value for each in made.args if isinstance(each, ast.Starred)] if isinstance(made, ast.Call) else []
    return any(_zips_all(each) for each in parts)


def _zips_all(value: ast.expr) -> bool:
    """``zip(*samples)``."""
    zips = isinstance(value, ast.Call) and last_name(value.func) == "zip"
    return zips and any(isinstance(each, ast.Starred) for each in getattr(value, "args", []))


def _unwrapped(value: ast.expr) -> ast.expr:
    """``zip(*batch)`` of ``map(np.stack, zip(*batch))`` is another matter, that of ``list(zip(*batch))`` is not."""
    wraps = isinstance(value, ast.Call) and last_name(value.func) in ("list", "tuple") and len(value.args) == 1
    return value.args[0] if wraps and isinstance(value, ast.Call) else value


def elements_of(source: Source, value: ast.expr) -> list[ast.expr]:
    """What is put into a list, by its display or by ``append``."""
    if isinstance(value, ast.List):
        return value.elts
    if isinstance(value, ast.ListComp):
        return [value.elt]
    if not isinstance(value, ast.Name):
        return []
    found = [
        part
        for each in source.bindings(value)
        if not each.suffix
        for part in elements_of(source, each.value)
        if each.value is not value
    ]
    for call in source.calls.get("append", []):
        if (
            isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Name)
            and call.func.value.id == value.id
            and source.function(call) is source.function(value)
        ):
            found += call.args[:1]
    return found


def _is_array(source: Source, value: ast.expr) -> bool:
    """It comes out of numpy, and is no single number."""
    if isinstance(value, ast.Call) and last_name(value.func) == "numpy" and not value.args:
        return True
    paths = source.paths(value)
    return any(path.startswith("numpy.") and path.rstrip("()").rpartition(".")[2] not in _SINGLE for path in paths)
