"""Whether a line reads the same file again for each item: what is opened, and what is made of its content."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from .fixed import given_alike, unchanged
from .loops import in_loop, varies
from .model import Condition, Hot, Sighting
from .places import loading
from .shapes import argument, matches
from .source import Source
from .syntax import arguments, last_name, mentions, same, stored

_FEW = 5  # passes
_OPENS = ("open", "read_text", "read_bytes")
_WRITES = ("write_text", "write_bytes")
#: What a line that reads and takes apart a file calls. With anything else on the line, its time can be of that.
_TAKES = frozenset(
    "open read_text read_bytes read readline readlines decode split splitlines strip lstrip rstrip partition "
    "rpartition startswith endswith lower upper casefold replace load loads safe_load full_load reader DictReader "
    "set list dict tuple frozenset sorted join joinpath Path".split()
)


def reads_the_same_file() -> Condition:
    """The line reads a file, or takes apart what its function read, and every pass reads the same file.

    Silent where the file can be another one or have changed: the program writes it, looks at its time, or waits.
    """

    def check(hot: Hot) -> bool:
        source = hot.source
        if not any(name in source.calls for name in _OPENS):
            return False
        if not all(last_name(call.func) in _TAKES and not _is_own(source, call) for call in hot.seen.rivals):
            return False
        function = source.function(hot.node)
        return any(
            _is_of(hot, call) and _is_same(hot, call, path) and not _can_change(hot, function or source.tree, path)
            for call, path in _read_in(source, function or source.tree)
        )

    return check


def _is_own(source: Source, call: ast.Call) -> bool:
    """A function or a method of this file, not ``json.load`` in a function called ``load``."""
    of_module = isinstance(call.func, ast.Attribute) and bool(source.paths(call.func))
    return last_name(call.func) in source.functions and not of_module


def _read_in(source: Source, region: ast.AST) -> Iterator[tuple[ast.Call, ast.expr]]:
    """The calls that open a file to read it, with its path."""
    for call in (each for name in _OPENS for each in source.calls.get(name, ())):
        if region is source.tree or region in source.above(call):
            path = _path(source, call)
            if path is not None:
                yield call, path


def _path(source: Source, call: ast.Call, writing: bool = False) -> ast.expr | None:
    """What a call opens to read it (or to write it); None for other calls."""
    name, owner = last_name(call.func), call.func.value if isinstance(call.func, ast.Attribute) else None
    if name in (_WRITES if writing else _OPENS[1:]):
        return owner
    paths = source.paths(call.func)
    of_path = any(path.startswith("pathlib.") for path in paths)
    if name != "open" or not (of_path or any(path in ("builtins.open", "io.open", "gzip.open") for path in paths)):
        return None
    given = [*call.args[not of_path :][:1], *(each.value for each in call.keywords if each.arg == "mode")]
    mode = getattr(given[0], "value", None) if given else "r"
    if not isinstance(mode, str) or bool(set(mode) & set("wax+")) is not writing:
        return None
    return owner if of_path else next(iter(call.args), None)


def _is_of(hot: Hot, call: ast.Call) -> bool:
    """The line stands in the statement that reads, or only handles what that gave."""
    source, statement, reading = hot.source, hot.source.statement(hot.node), hot.source.statement(call)
    if statement is reading:
        return True
    content = _content(source, reading)
    around = [loop for loop in source.loops(hot.node) if loop not in source.loops(call)]
    over = [each for loop in around for each in getattr(loop, "generators", [loop])]
    walked = all(isinstance(each, ast.For | ast.comprehension) and mentions(each.iter, content) for each in over)
    return walked and mentions(statement, content)


def _content(source: Source, reading: ast.AST) -> set[str]:
    """The names of what a statement read, and of what is made of it."""
    names = stored(reading) if not isinstance(reading, ast.With | ast.For) else set()
    if isinstance(reading, ast.With):
        names = {name for item in reading.items if item.optional_vars for name in stored(item.optional_vars)}
    elif isinstance(reading, ast.For):
        names = stored(reading.target)
    for _ in range(3):
        for each in ast.walk(source.function(reading) or source.tree):
            if isinstance(each, ast.Assign) and mentions(each.value, names):
                names |= {name for target in each.targets for name in stored(target)}
            elif isinstance(each, ast.For | ast.comprehension) and mentions(each.iter, names):
                names |= stored(each.target)
    return names


def _is_same(hot: Hot, call: ast.Call, path: ast.expr) -> bool:
    """Each of many passes makes the call, and for the same path."""
    here = Hot(replace(hot.seen, line=call.lineno, position=None), call)
    loops = hot.source.loops(call)
    if not (in_loop()(here) or loading()(here)):
        return False
    if loops:
        return not _has_few_passes(loops[0]) and unchanged(here, path)
    return unchanged(here, path, given=_given(here))


def _given(hot: Hot) -> frozenset[str]:
    """The parameters that are the same in each call, from this file if the caller is not known."""
    function = hot.source.function(hot.node)
    if loading()(hot):
        return frozenset(["self"])
    if hot.seen.given is not None or not isinstance(function, ast.FunctionDef):
        return hot.seen.given or frozenset()
    calls = hot.source.calls.get(function.name, [])
    found = [given_alike(hot.source, call, function) for call in calls if hot.source.loops(call)]
    return frozenset.intersection(*found) if found else frozenset()


def _has_few_passes(loop: ast.AST) -> bool:
    items = getattr(loop, "iter", None)
    if isinstance(items, ast.Call) and last_name(items.func) == "range":
        count = getattr(items.args[-1], "value", None) if len(items.args) < 3 else None
        return isinstance(count, int) and count < _FEW
    return isinstance(items, ast.List | ast.Tuple) and len(items.elts) < _FEW


def _goes_elsewhere(source: Source, region: ast.AST, path: ast.expr) -> bool:
    """The function starts another program, or hands the path to code that may write the file: ``job.save(path)``."""
    for each in ast.walk(region):
        if isinstance(each, ast.Call):
            if starts_a_program(source, each):
                return True
            if not _leaves(source, each) and any(same(given, path) for given in arguments(each)):
                return True
            owner = path.value if isinstance(path, ast.Attribute) and isinstance(path.value, ast.Attribute) else None
            if owner is not None and isinstance(each.func, ast.Attribute) and same(each.func.value, owner):
                return True  # ``self.solver.solve(x)`` beside ``self.solver.output``
    return False


def _leaves(source: Source, call: ast.Call) -> bool:
    """What is given a path and does not write there: what opens it, and functions of paths and texts."""
    writes = any(word in last_name(call.func) for word in ("save", "write", "dump", "export", "download"))
    known = (
        "builtins.*",
        "os.path.*",
        "os.fspath",
        "pathlib.*",
        "gzip.open",
        "io.open",
        "logging.*",
        "csv.*",
        "json.*",
    )
    return not writes and any(matches(path, *known) for path in source.paths(call.func))


def opened_alike(hot: Hot) -> bool:
    """The arguments do not change with the pass, and what is opened is no other thing each time."""
    given = hot.node.args[:2] if isinstance(hot.node, ast.Call) else []
    words = [str(getattr(hot.source.literal(each), "value", "")) for each in given]
    mode = words[1:] or [str(getattr(argument(hot.node, "mode"), "value", ""))]
    return not varies()(hot) and not (
        words[:1] and (words[0].startswith(("/proc/", "/sys/", "/dev/", ":memory:")) or mode[0][:1] in ("w", "x"))
    )


def starts_a_program(source: Source, call: ast.Call) -> bool:
    return any(matches(path, "subprocess.*", "os.system", "os.popen") for path in source.paths(call.func))


def _feeds(source: Source, region: ast.AST) -> bool:
    """In a loop over epochs, each line of the file is handed on as it is read: a set that need not fit into memory."""
    for loop in (each for each in ast.walk(region) if isinstance(each, ast.For)):
        outer = source.loops(loop)
        steps = isinstance(loop.iter, ast.Name | ast.Call) and any(_counts_epochs(each) for each in outer)
        whole = any(last_name(each) in ("readlines", "splitlines", "read") for each in ast.walk(loop.iter))
        done = (
            each.value for each in ast.walk(loop) if isinstance(each, ast.Expr) and isinstance(each.value, ast.Call)
        )
        if steps and not whole and any(last_name(each.func) not in ("append", "add") for each in done):
            return True
    return False


def _counts_epochs(loop: ast.AST) -> bool:
    items = getattr(loop, "iter", None)
    return isinstance(items, ast.Call) and last_name(items.func) in ("range", "trange")


def _can_change(hot: Hot, region: ast.AST, path: ast.expr) -> bool:
    """The file can have changed since the last pass, or is read as a stream."""
    source = hot.source
    asks = ("getmtime", "stat", "st_mtime", "sleep", "seek", "tell", "perf_counter", "start")
    for each in ast.walk(region):
        streams = isinstance(each, ast.Yield | ast.YieldFrom) and source.function(each) is region
        if streams or (isinstance(each, ast.Name | ast.Attribute) and last_name(each) in asks):
            return True
    if _goes_elsewhere(source, region, path) or _feeds(source, region):
        return True
    literal = source.literal(path)
    if isinstance(literal, ast.Constant) and str(literal.value).startswith(("/proc/", "/sys/", "/dev/")):
        return True
    writes = (call for name in ("open", *_WRITES) for call in source.calls.get(name, ()))
    return any(
        written is not None and same(written, path) and not _is_before(hot, call)
        for call in writes
        for written in [_path(source, call, writing=True)]
    )


def _is_before(hot: Hot, call: ast.Call) -> bool:
    """The call runs once and not in the passes: it is in no loop, and no function of the file calls its own in one."""
    source = hot.source
    function = source.function(call)
    if function is None:
        return not source.loops(call)
    if not isinstance(function, ast.FunctionDef) or not source.calls.get(function.name):
        return False  # who calls it is not known
    return not in_loop()(Hot(Sighting(source, call.lineno), call)) and function is not source.function(hot.node)
