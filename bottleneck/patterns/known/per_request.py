"""Servers: what a request reads, builds or searches again although no request changes it."""

import ast

from ..fixed import unchanged
from ..model import Hot, Pattern, Price, Sighting
from ..places import cached, handler, handlers, less, of_request
from ..shapes import any_of, below, calls, comes_from
from ..source import Source
from ..syntax import Comprehension, last_name, mentions, parameters, stored

_READS = (
    "json.load", "yaml.load", "yaml.safe_load", "yaml.full_load", "tomllib.load", "tomli.load", "numpy.load", "numpy.loadtxt",
    "pandas.read_csv", "pandas.read_parquet", "pandas.read_json", "pandas.read_excel", "pandas.read_pickle", "pandas.read_feather",
    "polars.read_csv", "polars.read_parquet", "polars.read_json", "pathlib.Path().read_text", "pathlib.Path().read_bytes",
    "configparser.ConfigParser().read", "xml.etree.ElementTree.parse", "pickle.load", "joblib.load",
)  # fmt: skip
_BUILDS = ("builtins.sorted", "builtins.dict", "builtins.set", "builtins.list", "builtins.frozenset", "builtins.sum")
_TESTS = frozenset("eq ne lt le gt ge isin between".split())


def _asks_for_news(hot: Hot) -> bool:
    """The function looks at the file's time, so that it reads it again only when it has changed."""
    function = hot.source.function(hot.node)
    names = ("getmtime", "stat", "st_mtime")
    return function is not None and any(
        (isinstance(each, ast.Attribute) and each.attr in names) or (isinstance(each, ast.Name) and each.id in names)
        for each in ast.walk(function)
    )


def _of_the_module(hot: Hot, value: ast.AST) -> bool:
    """What is built comes from a name of the module alone, of a size that the file does not show to be small."""
    names = [each for each in ast.walk(value) if isinstance(each, ast.Name) and each.id not in stored(value)]
    bound = [binding for each in names for binding in hot.source.bindings(each)]
    literal = ast.List | ast.Tuple | ast.Dict | ast.Set | ast.Constant
    large = [each for each in bound if not isinstance(each.value, literal) or not getattr(each.value, "elts", True)]
    return (
        bool(large)
        and not any(_is_a_store(hot, each.value) for each in large)
        and unchanged(hot, value, each_call=True)
    )


def _is_a_store(hot: Hot, value: ast.expr) -> bool:
    """An object of a class or a client, of which others can change what it holds."""
    if not isinstance(value, ast.Call):
        return False
    name = last_name(value.func)
    data = any(comes_from(hot.source, value.func, library) for library in ("pandas", "polars", "numpy", "collections"))
    return not data and (name[:1].isupper() or name in ("connect", "client", "open", "from_url"))


def _writes_it(hot: Hot) -> bool:
    """The file writes a file too: the requests keep their state in one."""
    calls_ = hot.source.calls
    opened = any(
        isinstance(given, ast.Constant) and str(given.value)[:1] in ("w", "a", "x")
        for call in calls_.get("open", [])
        for given in [*call.args[:2], *(each.value for each in call.keywords)]
        if given is not call.args[0] or last_name(call.func) != "open" or isinstance(call.func, ast.Attribute)
    )
    return opened or any(
        name in calls_ for name in ("write_text", "write_bytes", "to_csv", "to_parquet", "to_json", "dump")
    )


def _builds_again(hot: Hot) -> bool:
    """``{row["id"]: row for row in ROWS}`` or ``sorted(ROWS, key=...)``, without anything of the request."""
    node = hot.node
    callbacks = all(frame.function.startswith("<") for frame in hot.seen.below)
    if isinstance(node, ast.Call):
        built = bool(hot.source.paths(node.func) & set(_BUILDS)) and hot.seen.rivals <= {node, *_inside(node)}
        return built and bool(node.args) and callbacks and _of_the_module(hot, node)
    return (
        isinstance(node, Comprehension) and callbacks and hot.seen.rivals <= _inside(node) and _of_the_module(hot, node)
    )


def _computes_again(hot: Hot) -> bool:
    """``vectorizer.transform(DOCUMENTS)``: a method of an object of the module, of data of the module alone."""
    node = hot.node
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr not in _COMPUTES:
        return False
    owner, given = node.func.value, node.args[:1]
    if not given or not isinstance(owner, ast.Name) or not hot.source.bindings(owner):
        return False
    return all(_of_the_module(hot, each) for each in given) and unchanged(hot, owner, each_call=True)


_COMPUTES = frozenset("transform encode predict predict_proba kneighbors embed vectorize".split())


def _inside(node: ast.AST) -> set[ast.Call]:
    return {each for each in ast.walk(node) if isinstance(each, ast.Call)}


def _is_test(node: ast.AST) -> bool:
    """``x == key``, ``x.eq(key)``, ``x > 3``, ``x.between(a, b)``."""
    return isinstance(node, ast.Compare) or (isinstance(node, ast.Call) and last_name(node.func) in _TESTS)


def _asks_for_one_value(test: ast.AST) -> bool:
    return isinstance(test.ops[0], ast.Eq) if isinstance(test, ast.Compare) else last_name(test.func) == "eq"  # type: ignore[attr-defined]


def _scans_a_table(hot: Hot) -> bool:
    """``FRAME[FRAME["id"] == key]`` of a table of the module, or of an object that stays, with a key of the request."""
    node: ast.AST = hot.node
    while isinstance(node, ast.Compare | ast.BinOp) or isinstance(hot.source.parents.get(node), ast.Compare):
        node = hot.source.parents[node]
    function = hot.source.function(node)
    if not isinstance(node, ast.Subscript) or function is None:
        return False
    tests = [each for each in ast.walk(node.slice) if _is_test(each)]
    if not tests or not all(map(_asks_for_one_value, tests)):
        return False
    frame = node.value.value if isinstance(node.value, ast.Attribute) else node.value
    pandas = any(each.is_in("pandas/core/") for each in hot.seen.below) or comes_from(hot.source, frame, "pandas")
    asked = (parameters(function) - {"self"}) | stored(function)
    return pandas and any(mentions(each, asked) for each in tests) and unchanged(hot, frame, each_call=True)


def _fixed_path(hot: Hot) -> bool:
    """The file does not depend on the request."""
    if not isinstance(hot.node, ast.Call):
        return False
    receiver = hot.node.func.value if isinstance(hot.node.func, ast.Attribute) else None
    path = receiver is not None and last_name(hot.node.func) in ("read_text", "read_bytes")
    given = hot.node.args[:1]
    values = [receiver] if path and receiver is not None else list(given)
    return bool(values) and unchanged(hot, *values, each_call=True)


_KEEPS = ("lru_cache", "cache")


def _decorator(function: ast.AST | None) -> ast.expr | None:
    """``@lru_cache(...)`` of a function."""
    given = function.decorator_list if isinstance(function, ast.FunctionDef) else []
    return next((each for each in given if last_name(getattr(each, "func", each)) in _KEEPS), None)


def _keeps_by_a_new_object(hot: Hot) -> bool:
    """The line is in a method with ``lru_cache``, of a class whose objects are made for one request, or one pass."""
    function = hot.source.function(hot.node)
    owner = None if function is None else hot.source.class_of(function)
    if function is None or _decorator(function) is None or not isinstance(owner, ast.ClassDef):
        return False
    if "self" not in parameters(function):
        return False
    equal = owner.decorator_list or any(
        getattr(each, "name", "") in ("__eq__", "__hash__", "__new__") for each in owner.body
    )
    made = hot.source.calls.get(owner.name, [])
    return not equal and bool(made) and all(_is_made_again(hot.source, call) for call in made)


def _is_made_again(source: Source, call: ast.Call) -> bool:
    function = source.function(call)
    depends = [each.args[0] for each in source.calls.get("Depends", []) if each.args]
    names = {each.id for each in depends if isinstance(each, ast.Name)}
    asked = function in handlers(source) or getattr(function, "name", "") in {*names, "do_GET", "do_POST"}
    asked = asked or any(isinstance(each, ast.Name) and each is call.func for each in depends)
    return (asked or any(isinstance(each, ast.For | ast.While) for each in source.loops(call))) and (
        _decorator(function) is None
    )


def _where_it_is_kept(seen: Sighting) -> int | None:
    around = [_decorator(seen.source.function(each)) for each in seen.nodes]
    return next((each.lineno for each in around if each is not None), None)


PATTERNS = (
    Pattern(
        id="cache-of-each-object",
        title="lru_cache of a method keeps its results by self, and each request makes a new object, so nothing is found",
        replacement="Keep the results by what they depend on: lru_cache on a function of the module that takes the values "
        "alone, or one object for all requests",
        snippet="@lru_cache\ndef distances_from(start):\n    return search(NETWORK, start)",
        when=(_keeps_by_a_new_object,),
        cause=_where_it_is_kept,
        leave="The results differ from object to object.",
        price=Price("amdahl", (1.3, 100)),
        source="docs.python.org, How do I cache method calls? (FAQ); flake8-bugbear B019",
        stages=("serving", "etl"),
        effort=1,
    ),
    Pattern(
        id="file-read-per-request",
        title="The same file is read and parsed again for each request",
        replacement="Read it once at start-up (module level, or FastAPI's lifespan) or behind functools.cache; compare its mtime where it "
        "may change",
        snippet="@functools.cache\ndef settings():\n    return json.loads(PATH.read_text())",
        when=(handler(), calls(*_READS), _fixed_path),
        unless=(cached(), of_request(), _asks_for_news, _writes_it, less(passes=2)),
        beats=(
            "model-load-in-handler",
            "file-loaded-again",
            "csv-reread",
            "yaml-python-loader",
            "blocking-call-in-async",
        ),
        leave="The file changes between the requests.",
        price=Price("once"),
        source="hedyorg/hedy#932 (about 100x for a page), saltstack/salt#16407, clearcare/cc_dynamodb3#6",
        stages=("serving",),
        effort=1,
    ),
    Pattern(
        id="constant-built-per-request",
        title="A value that does not depend on the request is built again for each one",
        replacement="Build it once, at module level or behind functools.cache",
        snippet="BY_ID = {row['id']: row for row in ROWS}  # module level",
        when=(handler(), any_of(_builds_again, _computes_again)),
        unless=(cached(), less(passes=2), less(seconds_each=0.0005)),
        leave="The data change while the server runs.",
        price=Price("once"),
        source="opensafely-core/opencodelists#1172 (1.5 min to 5 s), 50thomatoes50/BlenderBeamNGExport#40 (the same in a loop)",
        stages=("serving",),
        effort=1,
    ),
    Pattern(
        id="table-scanned-per-request",
        title="A whole table is compared with the key of each request",
        replacement="Index it once: FRAME.set_index('id').sort_index() and .loc[key], or a dict of its groups (dict(tuple(frame.groupby('id'))))",
        snippet="BY_ID = dict(tuple(FRAME.groupby('id')))  # module level\npart = BY_ID.get(key)",
        when=(handler(), _scans_a_table, any_of(below("pandas/"), lambda hot: not hot.seen.below)),
        leave="A small table, or one that changes with each request.",
        price=Price("amdahl", (5, 500), probe="100 look-ups by the index"),
        source="vanTeeffelenLab/ExTrack#5, static-frame/static-frame#141 (the same cause in a loop)",
        stages=("serving",),
        effort=1,
    ),
)
