"""polars: tables that are scanned again for each key, and rows that become Python objects."""

import ast

from ..loops import counted, for_each, in_loop, names_of_pass
from ..model import Hot, Pattern, Price
from ..places import less, more, uses
from ..shapes import all_of, any_of, comes_from, method
from ..syntax import arguments, mentions, stored

_ROWS = ("iter_rows", "rows", "to_dicts", "row")


def _filters_by_the_pass(hot: Hot) -> bool:
    """``table.filter(pl.col("id") == key)`` with the key of the pass, and no other test of the pass: ranges overlap."""
    if not isinstance(hot.node, ast.Call) or not hot.node.args:
        return False
    names = names_of_pass(hot)
    compares = (each for given in hot.node.args for each in ast.walk(given) if isinstance(each, ast.Compare))
    tests = [each for each in compares if mentions(each, names)]
    equal = all(isinstance(operator, ast.Eq) for each in tests for operator in each.ops)
    table = hot.node.func.value if isinstance(hot.node.func, ast.Attribute) else hot.node
    return bool(tests) and equal and not mentions(table, names)


def _cell_of_the_pass(hot: Hot) -> bool:
    """``table[i, "price"]`` of a table of polars, with the counter of the loop."""
    node = hot.node
    key = node.slice if isinstance(node, ast.Subscript) else None
    if not isinstance(node, ast.Subscript) or not isinstance(key, ast.Tuple) or not counted(hot, key.elts[0]):
        return False
    return comes_from(hot.source, node.value, "polars")


def _computes_with_rows(hot: Hot) -> bool:
    """``for row in table.iter_rows(named=True): total += row["a"] * row["b"]``; nothing takes the row as it is."""
    loop = next((each for each in hot.source.above(hot.node) if isinstance(each, ast.For)), None)
    if loop is None or hot.node not in ast.walk(loop.iter):
        return False
    rows = stored(loop.target)
    calls = [each for statement in loop.body for each in ast.walk(statement) if isinstance(each, ast.Call)]
    whole = (given for each in calls for given in arguments(each))
    return not any(isinstance(each, ast.Name) and each.id in rows for each in whole)


PATTERNS = (
    Pattern(
        id="polars-filter-in-loop",
        title="The whole table is scanned once per key of a loop",
        replacement="Handle all keys at once with table.group_by(column).agg(...) or a join; or split the table once: "
        "table.partition_by(column, as_dict=True), keyed by tuples (key,)",
        snippet="sums = table.group_by('id').agg(pl.col('value').sum())",
        when=(method("filter", of="polars"), in_loop(), _filters_by_the_pass),
        unless=(less(passes=10),),
        leave="Under ten keys, or a table that changes inside the loop.",
        price=Price("once"),
        source="polars user guide, Aggregation (group_by); pola-rs/polars#18292",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="polars-rows-in-python",
        title="Every row of a polars table becomes Python objects, and a Python loop computes with them",
        replacement="Compute whole columns with expressions: with_columns(pl.col('a') * pl.col('b')), pl.when(...), over(...); "
        "if a loop must stay, zip the columns' lists (Series.to_list())",
        snippet="table = table.with_columns(total=pl.col('a') * pl.col('b'))",
        when=(
            uses("polars"),
            any_of(
                all_of(method(*_ROWS, of="polars"), for_each(), _computes_with_rows),
                all_of(in_loop(), _cell_of_the_pass),
            ),
        ),
        unless=(more(body=0.9), less(passes=100)),
        leave="The body of the loop (requests, a database) takes nearly all of the time.",
        price=Price("amdahl", (5, 100)),
        source="docs.pola.rs, DataFrame.iter_rows (row iteration is not optimal: use expressions)",
        stages=("etl", "loading"),
    ),
)
