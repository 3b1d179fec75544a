"""Conditions on where a hot line stands and on how its program runs."""

from __future__ import annotations

import ast

from .loops import for_each, in_loop
from .model import Condition, Hot
from .shapes import matches
from .source import Source, once
from .syntax import Function, Loop, last_name

WITH_BODY = frozenset("post put patch route api_route".split())
NO_GRAD = ("no_grad", "inference_mode")
_PER_CONNECTION = ("start_server", "start_unix_server")
_FEW_PASSES = 10
ROUTES = WITH_BODY | {"get", "delete", "websocket"}


def loading() -> Condition:
    """In a loader's worker, or in ``__getitem__`` of a class."""

    def check(hot: Hot) -> bool:
        function = hot.source.function(hot.node)
        return hot.seen.loading or (isinstance(function, ast.FunctionDef) and function.name == "__getitem__")

    return check


def handler() -> Condition:
    """Below a request handler, or in a task of the server's event loop that a request handler starts."""
    return lambda hot: hot.seen.handler or _is_started_by_a_handler(hot) or _is_for_a_connection(hot)


def _is_for_a_connection(hot: Hot) -> bool:
    """In or below a function of the file that ``asyncio.start_server`` calls for each connection."""
    if hot.source.calls.keys().isdisjoint(_PER_CONNECTION):
        return False
    function = hot.source.function(hot.node)
    names = {getattr(function, "name", ""), *(frame.function.rpartition(".")[2] for frame in hot.seen.above)}
    given = (call for name in names for call in hot.source.handed.get(name, []))
    return any(last_name(call.func) in _PER_CONNECTION for call in given)


def _is_started_by_a_handler(hot: Hot) -> bool:
    function = hot.source.function(hot.node)
    if not (hot.seen.serves and hot.seen.event_loop and isinstance(function, ast.AsyncFunctionDef)):
        return False
    callers = {hot.source.function(call) for call in hot.source.calls.get(function.name, ())}
    return not callers.isdisjoint(handlers(hot.source))


@once
def handlers(source: Source, methods: frozenset[str] = ROUTES) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions that a decorator like ``@app.get("/")`` makes request handlers."""
    return [
        function
        for functions in source.functions.values()
        for function in functions
        if any(
            isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr in methods
            for each in function.decorator_list
        )
    ]


def step() -> Condition:
    """Between two batches of a training loop, and not in its evaluation."""
    return lambda hot: hot.seen.step and not hot.seen.evaluating


def in_no_grad(source: Source, node: ast.AST) -> bool:
    """Inside ``with torch.no_grad():``."""
    entered = [item.context_expr for outer in source.above(node) if isinstance(outer, ast.With) for item in outer.items]
    return any(isinstance(each, ast.Call) and last_name(each.func) in NO_GRAD for each in entered)


def draws_at_random() -> Condition:
    """The function around draws at random: a sample is another one in each epoch."""

    def check(hot: Hot) -> bool:
        function = hot.source.function(hot.node)
        calls = (each for each in ast.walk(function) if isinstance(each, ast.Call)) if function is not None else ()
        return any(
            matches(path, "random.*", "numpy.random.*") and "[]" not in path  # not an item of what was drawn before
            for each in calls
            for path in hot.source.paths(each.func)
        )

    return check


def of_request() -> Condition:
    """The call is given something that the request brought: ``request.files["model"]``, ``upload.file``."""

    def check(hot: Hot) -> bool:
        given = hot.node.args if isinstance(hot.node, ast.Call) else []
        parts = [each for value in given for each in ast.walk(value)]
        named = any(last_name(each) == "request" for each in parts)
        return named or any(isinstance(each, ast.Attribute) and each.attr in ("file", "files") for each in parts)

    return check


def on_event_loop() -> Condition:
    """On the thread of an event loop, in an ``async def`` or in what a request's handler calls, and not awaited."""

    def check(hot: Hot) -> bool:
        function = hot.source.function(hot.node)
        inside = isinstance(function, ast.AsyncFunctionDef) and not _starts_up(function)
        return hot.seen.event_loop and (inside or hot.seen.handler) and not _is_awaited(hot)

    return check


def _starts_up(function: ast.AsyncFunctionDef) -> bool:
    """``lifespan`` and its kin run before anybody asks."""
    names = {last_name(each.func if isinstance(each, ast.Call) else each) for each in function.decorator_list}
    return bool(names & {"asynccontextmanager", "on_event"}) or function.name in ("lifespan", "startup", "on_startup")


def over(place: str, *functions: str) -> Condition:
    """One of these frames led to the line."""
    return lambda hot: any(
        frame.is_in(place) and (not functions or frame.function in functions) for frame in hot.seen.above
    )


def awaited() -> Condition:
    """The call is awaited where it stands."""
    return _is_awaited


def _is_awaited(hot: Hot) -> bool:
    return isinstance(hot.source.parents.get(hot.node), ast.Await)


def every_pass() -> Condition:
    """No ``if`` that counts or looks at the time stands between the node and its loop, nor around the calls that led to
    its function."""

    def check(hot: Hot) -> bool:
        led = [(source, each) for source, line in hot.seen.callers for each in source.by_line.get(line, [])]
        return not any(_now_and_then(source, node) for source, node in [(hot.source, hot.node), *led])

    return check


@once
def _now_and_then(source: Source, node: ast.AST) -> bool:
    for outer in source.above(node):
        if isinstance(outer, Function | Loop):
            break
        if isinstance(outer, ast.If) and (
            any(isinstance(each, ast.Mod) or _is_of_time(source, each) for each in ast.walk(outer.test))
            or _begins_to_count_anew(outer)
        ):
            return True
    return False


def _is_of_time(source: Source, node: ast.AST) -> bool:
    """``time.time()``, or a name that stands for it: ``if now - shown > 5``."""
    clocks = ("time.time()", "time.monotonic()", "time.perf_counter()", "datetime.datetime.now()")
    return isinstance(node, ast.Call | ast.Name) and any(path in clocks for path in source.paths(node))


def _begins_to_count_anew(branch: ast.If) -> bool:
    """``if pending >= 1000: ...; pending = 0``"""
    counters = {each.id for each in ast.walk(branch.test) if isinstance(each, ast.Name)}
    return any(
        isinstance(each, ast.Assign)
        and isinstance(each.value, ast.Constant)
        and type(each.value.value) is int
        and any(isinstance(target, ast.Name) and target.id in counters for target in each.targets)
        for each in branch.body
    )


def cached() -> Condition:
    """It is done once: below ``if self.x is None`` or ``if key not in cache``, or in a function that is cached."""

    def check(hot: Hot) -> bool:
        inner = hot.node
        for outer in hot.source.above(hot.node):
            if isinstance(outer, ast.If | ast.IfExp) and inner is not outer.test and _asks_for_absence(outer.test):
                return True
            inner = outer
            if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef):
                names = {last_name(each.func if isinstance(each, ast.Call) else each) for each in outer.decorator_list}
                return bool(names & {"cache", "lru_cache", "cached", "cached_property", "cache_resource"})
        return False

    return check


def _asks_for_absence(test: ast.expr) -> bool:
    if isinstance(test, ast.BoolOp):
        return any(_asks_for_absence(each) for each in test.values)
    if isinstance(test, ast.Compare):
        return any(isinstance(each, ast.Is | ast.NotIn | ast.NotEq) for each in test.ops)
    return isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)


def handed_to(*names: str) -> Condition:
    """The node stands in a function, or in a lambda, that is an argument of one of these calls."""

    def check(hot: Hot) -> bool:
        function = hot.source.function(hot.node)
        return function is not None and any(
            matches(path, *names)
            for call in receivers(hot.source, function)
            for path in hot.source.paths(call.func) | {f"?.{last_name(call.func)}"}
        )

    return check


def receivers(source: Source, function: Function) -> list[ast.Call]:
    """The calls that a function is handed to."""
    if isinstance(function, ast.Lambda):
        parent = source.parents.get(function)
        parent = source.parents.get(parent) if isinstance(parent, ast.keyword) else parent
        return [parent] if isinstance(parent, ast.Call) else []
    return source.handed.get(function.name, [])


def overlapped() -> Condition:
    """The work overlaps with other work already: its function is handed to a pool, an executor or a thread."""
    pools = "map imap imap_unordered submit apply_async starmap run_in_executor to_thread Thread gather delayed".split()
    return handed_to(*(f"?.{name}" for name in pools))


def in_function(*names: str) -> Condition:
    """The function around the node has one of these names."""
    return lambda hot: getattr(hot.source.function(hot.node), "name", "") in names


def inside(*names: str) -> Condition:
    """The node stands in a ``with`` statement over one of these ("tensorflow.GradientTape()")."""

    def check(hot: Hot) -> bool:
        return any(
            matches(path, *names)
            for outer in hot.source.above(hot.node)
            if isinstance(outer, ast.With | ast.AsyncWith)
            for item in outer.items
            for path in hot.source.paths(item.context_expr)
        )

    return check


def uses(*libraries: str) -> Condition:
    """The file imports one of these libraries."""
    return lambda hot: any(path.partition(".")[0] in libraries for path in hot.source.imports.values())


def somewhere(*names: str) -> Condition:
    """One of these is called anywhere in the file."""

    return lambda hot: bool(calls_of(hot.source, *names))


def calls_of(source: Source, *names: str) -> list[ast.Call]:
    """The calls in the file that the imports lead to one of these names."""
    found = named(source, names)
    return [call for call in found if any(matches(path, *names) for path in source.paths(call.func))]


def named(source: Source, names: tuple[str, ...]) -> list[ast.Call]:
    """The calls whose last name can be one of these, whatever the rest."""
    found: list[ast.Call] = []
    for name in names:
        last = name.rpartition(".")[2].removesuffix("()")
        found += (
            source.calls.get(last, []) if "*" not in last else [each for some in source.calls.values() for each in some]
        )
    return found


def iterates_over(*names: str) -> Condition:
    """The node is what a loop goes through, and is one of these."""
    there = for_each()

    def check(hot: Hot) -> bool:
        plain = isinstance(hot.node, ast.Name | ast.Call | ast.Attribute)
        return plain and there(hot) and any(matches(path, *names) for path in hot.source.paths(hot.node))

    return check


def in_crew(least: float, place: str, *functions: str) -> Condition:
    """The line waits, and the program's other processes spend at least this share of their time in one of these."""

    def check(hot: Hot) -> bool:
        there = [
            share
            for frames, share in hot.seen.crew
            if any(each.is_in(place) and each.function in functions for each in frames)
        ]
        return bool(hot.seen.off_cpu) and sum(there) >= least

    return check


def known(**values: object) -> Condition:
    """These fields of the sighting have these values; one that is not known has none."""
    return lambda hot: all(getattr(hot.seen, name) == value for name, value in values.items())


def less(**limits: float) -> Condition:
    """These fields are known, and smaller."""

    def check(hot: Hot) -> bool:
        return all((value := getattr(hot.seen, name)) is not None and value < limit for name, limit in limits.items())

    return check


def more(**limits: float) -> Condition:
    """These fields are known, and larger."""

    def check(hot: Hot) -> bool:
        return all((value := getattr(hot.seen, name)) is not None and value > limit for name, limit in limits.items())

    return check


def takes(seconds: float) -> Condition:
    """One execution of the line takes longer. Where nothing counts them, a loop around it is taken to have ten passes:
    for what a program does a few times, like fitting a model."""

    def check(hot: Hot) -> bool:
        if hot.seen.seconds_each is not None:
            return hot.seen.seconds_each > seconds
        return (hot.seen.seconds or 0.0) > seconds * (_FEW_PASSES if in_loop()(hot) else 1)

    return check


def version(library: str, *least: int) -> Condition:
    """The library is known to be this version or a later one."""
    return lambda hot: hot.seen.versions.get(library, ()) >= least
