"""What stays the same from pass to pass, or from call to call: work on that alone can be done once."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .flow import KEEPING
from .loops import same_each_pass
from .model import Condition, Hot, Sighting
from .source import Source, once
from .syntax import Function, arguments, is_self, last_name, parameters, same, stored

_MAX_DEPTH = 4  # assignments followed
#: Methods that change what they are called on, and functions that change what they are given.
_CHANGES = frozenset(
    "append appendleft extend extendleft insert add update pop popleft popitem remove discard clear setdefault sort "
    "reverse put write writelines resize fill itemset set_params fit fit_transform partial_fit read_dict "
    "difference_update intersection_update subtract push readinto seek read readline readlines next send "
    "get_nowait".split()
)
_CHANGES_GIVEN = frozenset(
    "shuffle heappush heappop heapify heapreplace insort insort_left insort_right next fill_diagonal copyto put place "
    "putmask".split()
)
#: What functions of these are given stays as it is; what those of another file of the user's do is not known.
_LEAVING = KEEPING | set(
    "abc array base64 bisect builtins collections contextlib copy csv dataclasses datetime decimal difflib enum io "
    "functools fractions glob gzip hashlib itertools json logging operator os pathlib pickle pprint queue re shutil "
    "statistics string struct subprocess sys tempfile textwrap threading typing unicodedata urllib uuid warnings "
    "html xml zlib bs4 lxml yaml matplotlib seaborn tqdm PIL cv2 networkx bz2 lzma tarfile zipfile sqlite3 duckdb "
    "fsspec h5py openpyxl pyarrow zarr".split()
)
#: Calls that give the same for the same.
_PURE = frozenset(
    "open Path PurePath join joinpath resolve expanduser absolute abspath dirname basename fspath parent with_suffix "
    "str format lower upper strip encode decode list tuple set frozenset dict sorted len range zip enumerate reversed "
    "items keys values tolist to_list to_numpy astype unique groupby dropna reset_index set_index sum min max abs "
    "compile itemgetter attrgetter Series DataFrame StringIO BytesIO eye identity zeros ones diag arange "
    "linspace".split()
)


def unchanged(hot: Hot, *values: ast.AST, each_call: bool = False, given: frozenset[str] | None = None) -> bool:
    """No pass of the innermost loop sets or changes what the values are made of.

    Without a loop, or ``each_call``: no call of the function does. ``given``: the parameters that each call gives the
    same, where that is known; "self" among them if all calls are of one object.
    """
    loops = hot.source.loops(hot.node)
    region: ast.AST | None = loops[0] if loops and not each_call else hot.source.function(hot.node)
    return region is not None and all(_is_constant(hot.source, value, region, 0, given) for value in values)


def given_alike(
    source: Source, call: ast.Call | ast.Attribute, function: Function, outer: frozenset[str] | None = None
) -> frozenset[str]:
    """The parameters of a function that a call gives the same in each pass of the loop around it.

    "self" stands for the object. ``outer``: the same of the function that makes the call, for a call in no loop.
    The call is an attribute where the function is a property.
    """
    hot, names = Hot(Sighting(source, call.lineno), call), [each.arg for each in function.args.args]
    method, alike = names[:1] == ["self"], set[str]()
    # A variable that is called holds the object, or a method of the object.
    called = call.func if isinstance(call, ast.Call) else call
    owner = called.value if isinstance(called, ast.Attribute) else called
    if method and _is_one_object(hot, owner, outer):
        alike.add("self")
    if isinstance(call, ast.Attribute):
        return frozenset(alike)
    if not any(isinstance(each, ast.Starred) for each in call.args):
        given = {each.arg: each.value for each in call.keywords}
        given.update(zip(names[method:], call.args, strict=False))
        if None not in given:  # the others have their defaults
            changing = {name for name, value in given.items() if not unchanged(hot, value, given=outer)}
            alike |= set(names[method:]) - changing
    return frozenset(alike)


def _is_one_object(hot: Hot, owner: ast.expr, given: frozenset[str] | None) -> bool:
    """The passes of the loop call the same object, whatever that changes in it."""
    loops = hot.source.loops(hot.node)
    if loops and (isinstance(owner, ast.Name) or is_self(owner)):
        names = (each for each in ast.walk(loops[0]) if isinstance(getattr(each, "ctx", None), ast.Store))
        return not any(same(each, owner) for each in names)
    return unchanged(hot, owner, given=given)


def same_work() -> Condition:
    """What the call works on, and what it is given, stay the same from pass to pass."""

    def check(hot: Hot) -> bool:
        node = hot.node
        if not isinstance(node, ast.Call):
            return False
        given = arguments(node)
        receiver = [node.func.value] if isinstance(node.func, ast.Attribute) else []
        return unchanged(hot, *receiver, *given)

    return check


def thrown_away() -> Condition:
    """Nothing takes what the call gives: it is there to be measured, or to warm up."""
    return lambda hot: isinstance(parent := hot.source.parents.get(hot.node), ast.Expr) and parent.value is hot.node


def is_changed(source: Source, region: ast.AST, thing: ast.expr, depth: int = 0, rebound: bool = True) -> bool:
    """Whether anything in the region sets the thing (a name, or ``self.name``) anew, or changes it in place."""
    question = (region, ast.dump(thing), bool(depth), rebound)
    if question not in source.answers:
        source.answers[question] = _is_changed(source, region, thing, depth, rebound)
    return bool(source.answers[question])


def _is_changed(source: Source, region: ast.AST, thing: ast.expr, depth: int, rebound: bool) -> bool:
    for each in ast.walk(region):
        if isinstance(each, ast.Call) and _call_changes(source, each, thing, depth):
            return True
        if isinstance(getattr(each, "ctx", None), ast.Store | ast.Del) and isinstance(each, ast.expr):
            if _begins_with(each, thing) and (rebound or not same(each, thing)):
                return True
    return False


def _is_constant(
    source: Source, value: ast.AST, region: ast.AST, depth: int, given: frozenset[str] | None = None
) -> bool:
    calls = [each for each in ast.walk(value) if isinstance(each, ast.Call)]
    pure = all(last_name(each.func) in _PURE for each in calls)
    return pure and all(_stays(source, thing, region, depth, given) for thing in _things(value))


def _things(value: ast.AST) -> Iterator[ast.Name | ast.Attribute]:
    """The names, and the ``self.name``, that a value is made of; not those that it sets itself."""
    own = stored(value)
    attributes = [each for each in ast.walk(value) if is_self(each)]
    own_self = {each.value for each in attributes}
    yield from attributes
    for each in ast.walk(value):
        if isinstance(each, ast.Lambda):
            own |= parameters(each)
    for each in ast.walk(value):
        if isinstance(each, ast.Name) and each.id not in own and each not in own_self:
            yield each


def _stays(
    source: Source, thing: ast.Name | ast.Attribute, region: ast.AST, depth: int, given: frozenset[str] | None
) -> bool:
    if isinstance(thing, ast.Attribute):
        if not isinstance(region, Function):
            return not is_changed(source, region, thing)
        if given is not None and "self" not in given:
            return False
        others = [each for name, found in source.functions.items() if name != "__init__" for each in found]
        return not any(is_changed(source, each, thing) for each in others)
    inside = [each for each in source.bindings(thing) if region in source.above(each.where) or each.where is region]
    if inside:
        if depth >= _MAX_DEPTH or len(inside) > 1 or is_changed(source, region, thing, rebound=False):
            return False
        bound = inside[0]
        plain = isinstance(bound.where, ast.Assign | ast.AnnAssign | ast.With) and not bound.suffix
        return plain and _is_constant(source, bound.value, region, depth + 1, given)
    if not isinstance(region, Function):
        return not is_changed(source, region, thing)
    return _lasts(source, thing, region, given or frozenset())


def _lasts(source: Source, name: ast.Name, function: Function, given: frozenset[str]) -> bool:
    """The name is of the module, and no function changes it; or every call gives the parameter the same."""
    if name.id in parameters(function):
        return name.id in given or (
            isinstance(function, ast.FunctionDef) and name.id in same_each_pass(source, function)
        )
    around = [each for each in source.above(function) if isinstance(each, Function)]
    if any(name.id in parameters(each) for each in around):
        return False
    if any(source.function(each.where) is not None for each in source.bindings(name)):
        return False
    functions = [each for found in source.functions.values() for each in found]
    return not any(is_changed(source, each, name) for each in functions if not _has_its_own(source, each, name.id))


@once
def _has_its_own(source: Source, function: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> bool:
    """Whether the function's name is another one than the module's."""
    shared = {each for node in ast.walk(function) if isinstance(node, ast.Global) for each in node.names}
    return (name in parameters(function) or name in stored(function)) and name not in shared


def _begins_with(node: ast.AST, thing: ast.expr) -> bool:
    """``x.y[i]`` begins with ``x``, and with ``x.y``."""
    while not same(node, thing):
        if not isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
            return False
        node = node.value
    return True


def _call_changes(source: Source, call: ast.Call, thing: ast.expr, depth: int) -> bool:
    if any(each.arg == "out" and same(each.value, thing) for each in call.keywords):
        return True
    if isinstance(call.func, ast.Attribute) and _begins_with(call.func.value, thing):
        inplace = any(each.arg == "inplace" for each in call.keywords) or call.func.attr.endswith("_")
        if inplace or call.func.attr in _CHANGES:
            return True
    if not depth and _changes_from_within(source, call, thing):
        return True
    given = [index for index, each in enumerate(call.args) if same(each, thing)]
    if not given:
        return False
    name = last_name(call.func)
    if name in _CHANGES_GIVEN:
        return True
    defined = source.functions.get(name, [])
    if len(defined) != 1:
        return bool(defined) or _may_change(source, call)
    names = [each.arg for each in (*defined[0].args.posonlyargs, *defined[0].args.args)]
    if names[:1] == ["self"]:
        names = names[1:]
    if depth or any(index >= len(names) for index in given):
        return True
    return any(is_changed(source, defined[0], ast.Name(names[index], ast.Load()), depth + 1) for index in given)


def _changes_from_within(source: Source, call: ast.Call, thing: ast.expr) -> bool:
    """``self.step()`` that changes ``self.x``, and ``step()`` that changes a name of the module or of the function
    around it. What a method that stands elsewhere does is not known."""
    defined = source.functions.get(last_name(call.func), [])
    if isinstance(thing, ast.Attribute):
        if not is_self(call.func):
            return False
        return len(defined) != 1 or is_changed(source, defined[0], thing, 1)
    if not isinstance(call.func, ast.Name) or not isinstance(thing, ast.Name) or len(defined) != 1:
        return False
    return not _has_its_own(source, defined[0], thing.id) and is_changed(source, defined[0], thing, 1)


def _may_change(source: Source, call: ast.Call) -> bool:
    """A function of another file, of which nothing is known."""
    roots = {path.partition(".")[0] for path in source.paths(call.func)}
    return bool(roots - _LEAVING)
