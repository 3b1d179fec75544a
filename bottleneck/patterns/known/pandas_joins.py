"""pandas: merges whose result is mostly thrown away."""

import ast
from collections.abc import Iterator

from ..model import Hot, Pattern, Price
from ..shapes import any_of, below, calls, method
from ..syntax import last_name, mentions, parameters, stored


def _filters_by_interval(hot: Hot) -> bool:
    """What the merge gives is cut to rows where one column lies between two others: a join by a range."""
    lower, upper = set[str](), set[str]()
    for names, test in _filters(hot):
        for each in ast.walk(test):
            for above, under in _bounds(each, names):
                lower.add(above)
                upper.add(under)
    return bool(lower & upper)


def _filters(hot: Hot) -> Iterator[tuple[set[str], ast.expr]]:
    """(names of the table, condition) by which rows of the merge's result are chosen, behind it or later."""
    source, statement = hot.source, hot.source.statement(hot.node)
    for outer in source.above(hot.node):
        if not isinstance(outer, ast.expr):
            break
        yield from _condition(outer, set(), outer)
    names = stored(statement) if isinstance(statement, ast.Assign) else set[str]()
    for each in ast.walk(source.function(hot.node) or source.tree) if names else ():
        if isinstance(each, ast.Subscript) and mentions(each.value, names):
            yield from _condition(each, names, source.literal(each.slice))
        elif isinstance(each, ast.Call) and mentions(each.func, names):
            yield from _condition(each, names, each)


def _condition(node: ast.expr, names: set[str], test: ast.expr | None) -> Iterator[tuple[set[str], ast.expr]]:
    """Of ``table[test]``, ``table.loc[lambda t: ...]`` and ``table.query("day >= begin")``."""
    if isinstance(node, ast.Subscript):
        if isinstance(node.slice, ast.Lambda):
            yield parameters(node.slice), node.slice.body
        elif names and test is not None:
            yield names, test
    elif isinstance(node, ast.Call) and last_name(node.func) == "query" and node.args:
        text = getattr(node.args[0], "value", None)
        try:
            yield set(), ast.parse(str(text).strip(), mode="eval").body
        except SyntaxError:
            return


def _bounds(node: ast.AST, names: set[str]) -> Iterator[tuple[str, str]]:
    """(what has a lower bound, what has an upper one) of a comparison of two columns."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "between":
        between = [_column(each, names) for each in (node.func.value, *node.args[:2])]
        if len(between) == 3 and all(between):
            yield between[0], between[0]
    if isinstance(node, ast.Compare):
        for left, op, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
            one, other = _column(left, names), _column(right, names)
            if one and other and isinstance(op, ast.Gt | ast.GtE | ast.Lt | ast.LtE):
                yield (one, other) if isinstance(op, ast.Gt | ast.GtE) else (other, one)


def _column(node: ast.expr, names: set[str]) -> str:
    """``x`` of ``frame["x"]``, ``frame.x`` or ``frame["x"] + 5``; in a query of ``x``."""
    for each in ast.walk(node):
        if not names and isinstance(each, ast.Name):
            return each.id
        if isinstance(each, ast.Subscript | ast.Attribute) and last_name(each.value) in names:
            key = each.attr if isinstance(each, ast.Attribute) else getattr(each.slice, "value", "")
            return key if isinstance(key, str) else ""
    return ""


PATTERNS = (
    Pattern(
        id="interval-merge",
        title="A merge pairs each row with all rows of its key, and a filter by an interval throws most pairs away",
        replacement="Let pd.merge_asof find the one interval of each row (left_on='day', right_on='begin', by='key', both sorted), "
        "and compare its end afterwards; polars has join_asof and join_where",
        snippet="found = pd.merge_asof(left.sort_values('day'), right.sort_values('begin'), left_on='day', right_on='begin',\n"
        "                      by='key')\nfound = found[found['day'] < found['end']]",
        when=(
            any_of(calls("pandas.merge"), method("merge", of="pandas")),
            below("pandas/core/reshape/merge.py"),
            _filters_by_interval,
        ),
        leave="The intervals of a key overlap, and each row belongs to several of them.",
        price=Price("amdahl", (3, 30)),
        source="own measurement with pandas 2: 4.5x for 5 intervals a key, 21x for 60; pandas-dev/pandas#25739",
        stages=("etl",),
        risk=0.3,
    ),
)
