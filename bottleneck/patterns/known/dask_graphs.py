"""Dask: results of one lazy frame that are computed one after another."""

import ast

from ..model import Hot, Pattern, Price
from ..shapes import argument, deep
from ..source import Source
from ..syntax import last_name

_LEAST = 3  # results computed from a frame
_MANY_PARTS = 500
_HOPS = 4  # names between a result and the frame


def _begins(source: Source, node: ast.expr, hops: int = _HOPS) -> str:
    """The name that a chain begins with, through the names of the results between; "" if there is none."""
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    if not isinstance(node, ast.Name):
        return ""
    bound = source.bindings(node)
    if hops and len(bound) == 1 and isinstance(bound[0].value, ast.Attribute | ast.Call | ast.Subscript):
        further = _begins(source, bound[0].value, hops - 1)
        made = bound[0].value
        # ``pairs = trips.groupby(...)`` is of trips; ``trips = dd.read_csv(...)`` begins here.
        if further and further not in source.imports and not _is_plain_call(made):
            return further
    return node.id


def _is_plain_call(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)


def _computed_one_by_one(hot: Hot) -> bool:
    """``a = trips.x.sum().compute()``, ``b = trips.y.mean().compute()``, ... in a program that never persists."""
    source = hot.source
    if not isinstance(hot.node, ast.Call) or last_name(hot.node.func) != "compute" or hot.node.args:
        return False
    if any({"persist", "cache"} & each.calls.keys() for each in (source, *(each for each, _ in hot.seen.callers))):
        return False
    begins = _begins(source, hot.node)
    same = [each for each in source.calls.get("compute", []) if not each.args and _begins(source, each) == begins]
    return bool(begins) and len(same) >= _LEAST


def _tiny_parts(source: Source) -> list[ast.Call]:
    """Where a table that is in memory is cut into hundreds of parts, or a frame is, by number."""
    found = []
    for name in ("from_pandas", "repartition"):
        for call in source.calls.get(name, ()):
            given = argument(call, "npartitions")
            if given is None and name == "from_pandas" and len(call.args) > 1:
                given = call.args[1]
            number = source.literal(given)
            if isinstance(number, ast.Constant) and type(number.value) is int and number.value >= _MANY_PARTS:
                found.append(call)
    return found


def _in_tiny_parts(hot: Hot) -> bool:
    return bool(_tiny_parts(hot.source))


PATTERNS = (
    Pattern(
        id="dask-tiny-partitions",
        title="A Dask DataFrame has so many partitions that scheduling the tasks takes longer than running them",
        replacement="Use fewer partitions of about 100 MB each: from_pandas(npartitions=2 * cores), read_csv(blocksize='64MB'), "
        "or repartition(partition_size='100MB')",
        snippet="frame = dd.from_pandas(table, npartitions=4 * os.cpu_count())",
        when=(deep("dask/base.py", "compute", "persist"), _in_tiny_parts),
        cause=lambda seen: next((each.lineno for each in _tiny_parts(seen.source)), None),
        across=True,
        leave="The partitions are already large, and there are thousands because the data is huge.",
        price=Price("amdahl", (1.5, 20)),
        source="dask documentation, Best practices (avoid very large graphs; very small partitions)",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="dask-computed-one-by-one",
        title="Results of one lazy Dask frame are computed one by one, and each reads and prepares the data again",
        replacement="Compute them in one call, dask.compute(a, b, c), or keep the prepared frame in memory with "
        "frame = frame.persist()",
        snippet="frame = frame.persist()  # before the first compute()\ntotal, mean = dask.compute(frame.x.sum(), frame.y.mean())",
        when=(deep("dask/base.py", "compute"), _computed_one_by_one),
        beats=("dask-compute-in-loop",),
        explains=("csv-instead-of-parquet", "repeated-read"),
        leave="The prepared frame does not fit in memory, and each result needs few columns of columnar files.",
        price=Price("once"),
        source="dask documentation, Best practices (persist when you can; avoid calling compute repeatedly)",
        stages=("etl",),
        across=True,
        effort=1,
    ),
)
