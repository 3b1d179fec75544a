"""pandas: rows, cells and groups handled one at a time in Python."""

import ast

from ..growing import grows
from ..loops import for_each, in_loop, names_of_pass, varies
from ..model import Hot, Pattern, Price, Sighting
from ..places import known, less, loading, more, receivers
from ..shapes import (
    all_of,
    any_of,
    argument,
    below,
    calls,
    comes_from,
    first,
    given_own_function,
    keyword,
    method,
    own_function,
    single,
    subscript,
)
from ..source import Source
from ..syntax import last_name, mentions, same


def _makes_series(source: Source, value: ast.expr) -> bool:
    """``pd.Series`` itself, or a lambda that makes one."""
    made = value.body if isinstance(value, ast.Lambda) else value
    return any(path in ("pandas.Series", "pandas.Series()") for path in source.paths(made))


def _applied_to_rows(hot: Hot) -> bool:
    """The line stands in the function that ``apply(f, axis=1)`` calls, and reads the row that it is given."""
    return (
        any(_is_by_row(call) for call in _appliers(hot))
        and bool(hot.seen.below)
        and hot.seen.below[0].is_in("pandas/core/series.py")
    )


def _appliers(hot: Hot) -> list[ast.Call]:
    function = hot.source.function(hot.node)
    found = receivers(hot.source, function) if function is not None else []
    return [each for each in found if last_name(each.func) == "apply"]


def _is_by_row(call: ast.Call) -> bool:
    return getattr(argument(call, "axis"), "value", None) in (1, "columns")


def _where_applied(seen: Sighting) -> int | None:
    hot = [Hot(seen, node) for node in seen.nodes]
    return next((call.lineno for each in hot for call in _appliers(each) if _is_by_row(call)), None)


def _taken_row(hot: Hot) -> ast.Subscript | None:
    """``frame.iloc[i]``, where the node reads a value of the row that it gave."""
    value = hot.node.value if isinstance(hot.node, ast.Subscript | ast.Attribute) else None
    for each in hot.source.bindings(value) if isinstance(value, ast.Name) else ():
        taken = each.value
        if isinstance(taken, ast.Subscript) and last_name(taken.value) in ("iloc", "loc") and not each.suffix:
            return taken
    return None


def _reads_a_taken_row(hot: Hot) -> bool:
    """``row["x"]`` of a row that ``frame.iloc[i]`` gave, with i of the pass."""
    taken = _taken_row(hot)
    inside = bool(hot.seen.below) and hot.seen.below[0].is_in("pandas/core/series.py")
    return taken is not None and inside and single()(Hot(hot.seen, taken)) and varies()(Hot(hot.seen, taken))


def _where_taken(seen: Sighting) -> int | None:
    taken = [_taken_row(Hot(seen, node)) for node in seen.nodes]
    return next((each.lineno for each in taken if each is not None), None)


def _adds_rows(hot: Hot) -> bool:
    """``frame.loc[len(frame)] = row`` in a loop."""
    node = hot.node
    if not isinstance(node, ast.Subscript) or not isinstance(node.value, ast.Attribute) or not hot.source.loops(node):
        return False
    frame, key = node.value.value, node.slice.left if isinstance(node.slice, ast.BinOp) else node.slice
    if node.value.attr not in ("loc", "iloc") or not isinstance(key, ast.Call) or last_name(key.func) != "len":
        return False
    inside = not hot.seen.below or any(each.is_in("pandas/core/indexing.py") for each in hot.seen.below)
    return inside and any(same(given, frame) or same(getattr(given, "value", given), frame) for given in key.args)


def _on_groups(hot: Hot) -> bool:
    """The method is called on a ``groupby``."""
    value = hot.node.func.value if isinstance(hot.node, ast.Call) and isinstance(hot.node.func, ast.Attribute) else None
    return value is not None and any(".groupby()" in path for path in hot.source.paths(value))


def _pivots_by_own_function(hot: Hot) -> bool:
    """``pivot_table(..., aggfunc=lambda s: ...)``"""
    given = argument(hot.node, "aggfunc")
    named = last_name(hot.node.func) if isinstance(hot.node, ast.Call) else ""
    return named in ("pivot_table", "crosstab") and given is not None and own_function(hot.source, given)


def _row_of_iterrows(hot: Hot) -> bool:
    """An item of a row that ``iterrows`` gives."""
    value = hot.node.value if isinstance(hot.node, ast.Subscript | ast.Attribute) else None
    return isinstance(value, ast.Name) and any(
        isinstance(each.value, ast.Call) and getattr(each.value.func, "attr", "") == "iterrows"
        for each in hot.source.bindings(value)
    )


def _masks_a_table(hot: Hot) -> bool:
    """``frame[(frame.key == x) & (frame.day >= start)]`` with what the sample's index gave."""
    node: ast.AST = hot.node
    while isinstance(node, ast.Compare | ast.BinOp | ast.UnaryOp) or _is_in_a_test(hot.source, node):
        node = hot.source.parents[node]
    if not isinstance(node, ast.Subscript) or not any(each.is_in("pandas/core/") for each in hot.seen.below):
        return False
    names = names_of_pass(hot, node)
    return any(_compares(each) and mentions(each, names) for each in ast.walk(node.slice))


def _filters_by_the_pass(hot: Hot) -> bool:
    """``frame[frame.key == x]`` (or ``.eq(x)``) with x of the pass, on a frame that stays the same.

    Other tests may stand beside it, but none that compares with what is of the pass in another way: ranges overlap.
    """
    node: ast.AST = hot.node
    while isinstance(node, ast.Compare | ast.BinOp | ast.UnaryOp) or _is_in_a_test(hot.source, node):
        node = hot.source.parents[node]
    if not isinstance(node, ast.Subscript):
        return False
    names = names_of_pass(hot, node)
    tests = [each for each in ast.walk(node.slice) if _compares(each) and mentions(each, names)]
    equal = [each for each in tests if _compares(each) in ("Eq", "eq")]
    frame = node.value.value if isinstance(node.value, ast.Attribute) else node.value
    pandas = any(each.is_in("pandas/core/") for each in hot.seen.below) or comes_from(hot.source, frame, "pandas")
    return bool(equal) and len(equal) == len(tests) and not mentions(frame, names) and pandas


def _changes_the_table(hot: Hot) -> bool:
    """``frame.loc[rows, "cash"] -= x``: a pass goes on with what those before it have left in the table."""
    tables = {each.value.id for each in hot.source.above(hot.node) for each in ast.walk(each)
              if isinstance(each, ast.Subscript) and isinstance(each.value, ast.Name)} if hot.source.loops(hot.node) else set()  # fmt: skip
    changed = (each.target for loop in hot.source.loops(hot.node) for each in ast.walk(loop)
               if isinstance(each, ast.AugAssign) and isinstance(each.target, ast.Subscript))  # fmt: skip
    roots = (each.value.value if isinstance(each.value, ast.Attribute) else each.value for each in changed)
    return any(isinstance(each, ast.Name) and each.id in tables for each in roots)


def _compares(node: ast.AST) -> str:
    """How two values are compared: "Eq", "Lt", ... of an operator, "eq", "isin", "between", ... of a method."""
    if isinstance(node, ast.Compare):
        return type(node.ops[0]).__name__
    called = last_name(node.func) if isinstance(node, ast.Call) else ""
    return called if called in ("eq", "ne", "lt", "gt", "le", "ge", "isin", "between") else ""


def _is_in_a_test(source: Source, node: ast.AST) -> bool:
    return bool(_compares(node)) or bool(_compares(source.parents.get(node, node)))


_by_position = subscript("iloc", "loc", "at", "iat", of="pandas")


def _takes_a_row(hot: Hot) -> bool:
    """``frame.iloc[i]`` (or one cell of it) with i of the pass, or a value of the row that it gave."""
    taken = _by_position(hot) and varies()(hot) and single()(hot) and not _made_for_it(hot)
    return taken or _reads_a_taken_row(hot)


def _made_for_it(hot: Hot) -> bool:
    """``rates(folder).loc[code]``: a table that a function of the file gives for this one row, whose index is new too."""
    indexer = hot.node.value if isinstance(hot.node, ast.Subscript) else None
    frame = indexer.value if isinstance(indexer, ast.Attribute) else None
    return isinstance(frame, ast.Call) and last_name(frame.func) in hot.source.functions


PATTERNS = (
    Pattern(
        id="row-apply",
        title="DataFrame.apply(axis=1) builds a Series and calls a Python function for each row",
        replacement="Compute whole columns: column arithmetic, np.where or np.select, map with a dict, isin; where no "
        "column form exists, a list comprehension over zip of the columns",
        snippet="frame['total'] = frame['price'] * frame['count']\n"
        "frame['label'] = np.where(frame['total'] > limit, 'high', 'low')",
        when=(any_of(all_of(method("apply", of="pandas"), keyword("axis", 1, "columns")), _applied_to_rows),),
        cause=_where_applied,
        unless=(more(body=0.8), keyword("engine", "numba")),
        leave="The function itself (a request, a model, another library) takes most of the time, or the frame is small.",
        price=Price("amdahl", (4, 15), probe="10,000 rows with apply and with columns"),
        source="bytedance/Protenix#248 (14.5x), pyjanitor-devs/pyjanitor#1630 (4-7x), CamDavidsonPilon/lifetimes#29",
        stages=("etl", "loading"),
    ),
    Pattern(
        id="apply-to-series",
        title="apply makes one Series per row only to spread a dict or a list over columns",
        replacement="Build the columns at once: pd.DataFrame(column.tolist(), index=frame.index), pd.json_normalize, or "
        "str.split(expand=True) for text",
        snippet="parts = pd.DataFrame(frame['parts'].tolist(), index=frame.index)",
        when=(method("apply", of="pandas"), first(_makes_series)),
        unless=(_on_groups,),
        beats=("row-apply",),
        leave="Under 1,000 rows, or ragged nested input (flatten that in plain Python).",
        price=Price("amdahl", (5, 36)),
        source="FirstStreet/fsf_api_access_python#63 (36x), pandas-dev/pandas#52116",
        stages=("etl",),
    ),
    Pattern(
        id="iterrows-loop",
        title="iterrows builds a Series for each row",
        replacement="Use itertuples(index=False) or to_dict('records') where the loop must stay; better, compute whole "
        "columns without a loop",
        snippet="for row in frame.itertuples(index=False):\n    use(row.price, row.count)",
        when=(any_of(method("iterrows", of="pandas"), _row_of_iterrows), any_of(for_each(), below("pandas/core/"))),
        unless=(more(body=0.9),),
        leave="The body of the loop (requests, a database, plots) takes nearly all of the time.",
        price=Price("amdahl", (4, 77), probe="10,000 rows with itertuples"),
        source="ddmms/ml-peg#582 (0.386 to 0.005 s per 10,000 rows), pozar87/apts#770 (4x)",
        stages=("etl", "loading"),
        effort=1,
    ),
    Pattern(
        id="frame-row-in-getitem",
        title="Each sample takes one row out of a DataFrame with .iloc or .loc, which builds a Series",
        replacement="Turn the columns into arrays once, in __init__, with to_numpy() (tolist() for text), and index those",
        snippet="self.numbers = frame[NUMBERS].to_numpy(np.float32)  # in __init__\n"
        "return self.numbers[index]  # in __getitem__",
        when=(loading(), _takes_a_row),
        cause=_where_taken,
        beats=("cell-by-cell",),
        leave="Decoding the sample takes far more time than its row.",
        whole_line=True,
        price=Price("loader", (5, 20)),
        source="braindecode/braindecode#89 (more than 7x for the whole run), mandubian/pytorch_math_dataset#2",
        stages=("loading",),
    ),
    Pattern(
        id="cell-by-cell",
        title="Single cells or rows are read or written through .loc, .iloc, .at or .iat in a loop",
        replacement="Work on frame['column'].to_numpy() or a list, and assign the whole column once; .at is only a stop-gap",
        snippet="values = frame['value'].to_numpy(copy=True)\n# work on values\nframe['value'] = values",
        when=(in_loop(), _takes_a_row),
        cause=_where_taken,
        unless=(less(passes=1000),),
        leave="Under 1,000 cells.",
        price=Price("amdahl", (10, 30)),
        source="pandas-dev/pandas#30581, #49729 (50 us per .at write), #15269, #29316 (164 against 8 us)",
        stages=("etl",),
    ),
    Pattern(
        id="filter-in-loop",
        title="The whole table is scanned once per key of a loop",
        replacement="Split the table once: iterate over frame.groupby(key), or keep a dict of its groups; a merge or a "
        "sorted index where rows are matched",
        snippet="for key, part in frame.groupby('key', sort=False):\n    use(key, part)",
        when=(in_loop(), _filters_by_the_pass),
        unless=(less(passes=10), _changes_the_table),
        leave="Under ten keys, ranges that overlap, or a table that changes inside the loop.",
        price=Price("once"),
        source="vanTeeffelenLab/ExTrack#5 (more than 48 h to 1 min), nestauk/asf_heat_pump_suitability#33",
        stages=("etl",),
    ),
    Pattern(
        id="table-scanned-per-sample",
        title="Each sample scans a whole table for its rows",
        replacement="Split the table once in __init__ (a dict of groupby's parts, as arrays), and cut out each sample by "
        "position; np.searchsorted finds the ends of a range in a sorted column",
        snippet="self.parts = {key: part.to_numpy() for key, part in frame.groupby('key')}  # in __init__\n"
        "window = self.parts[key][start : start + length]",
        when=(loading(), _masks_a_table),
        leave="A table of a few hundred rows.",
        price=Price("loader", (5, 50)),
        source="own measurement: 19.6 to 4.7 s for windows of a table of sales",
        stages=("loading",),
    ),
    Pattern(
        id="groupby-python-function",
        title="A Python function runs on a frame that is cut out for each group",
        replacement="Use the built-in reductions by name (groupby(...).agg('mean'), transform('mean'), head, nth) on "
        "columns that are computed beforehand",
        snippet="frame['share'] = frame['value'] / frame.groupby('key')['value'].transform('sum')",
        when=(
            any_of(
                all_of(
                    method("apply", "agg", "aggregate", "transform", "filter", of="pandas"),
                    given_own_function,
                    any_of(below("pandas/core/groupby/"), _on_groups),
                ),
                _pivots_by_own_function,
            ),
        ),
        unless=(more(body=0.8), keyword("engine", "numba")),
        leave="Few large groups with heavy work in each (a model is fitted), or nothing built in does the same.",
        price=Price("amdahl", (10, 16)),
        source="pandas-dev/pandas#13734 (981 to 61 ms), #21331 (100x), #40041",
        stages=("etl",),
    ),
    Pattern(
        id="rolling-apply",
        title="A Python function runs once per rolling window",
        replacement="Use the built-in window methods (rolling(n).mean(), std, sum, quantile) or combine them; else "
        "apply(raw=True, engine='numba')",
        snippet="frame['smooth'] = frame['value'].rolling(48).mean()",
        when=(method("apply", of="pandas"), given_own_function, below("pandas/core/window/")),
        unless=(keyword("engine", "numba"),),
        leave="Nothing built in does the same, and there are few windows.",
        price=Price("amdahl", (7, 1000)),
        source="pandas-dev/pandas#29018 (20.9 s, raw 2.9 s, built-in 2.3 ms), #30151",
        stages=("etl",),
    ),
    Pattern(
        id="grow-own-argument",
        title="An array or frame grows by concatenation in a loop, which copies everything collected so far",
        replacement="Append the parts to a list and call concat (torch.cat, np.concatenate) once after the loop, or fill "
        "an array that is allocated beforehand",
        snippet="parts = []\nfor item in items:\n    parts.append(compute(item))\nwhole = torch.cat(parts)  # or np.concatenate, pd.concat",
        when=(
            any_of(
                all_of(
                    any_of(
                        calls(
                            "pandas.concat",
                            "polars.concat",
                            "torch.cat",
                            "torch.concat",
                            "torch.vstack",
                            "torch.hstack",
                        ),
                        calls(
                            "numpy.append",
                            "numpy.concatenate",
                            "numpy.vstack",
                            "numpy.hstack",
                            "numpy.r_",
                            "numpy.insert",
                        ),
                        method("append", of="pandas"),
                    ),
                    grows(),
                ),
                _adds_rows,
            ),
        ),
        unless=(known(growing=False), less(passes=20)),
        leave="Under 20 passes, or a window of fixed size.",
        price=Price("growth"),
        source="TimeCopilot/timecopilot#104, pandas-dev/pandas#35710, numpy/numpy#17090 (10 min against 1), ulissigroup/amptorch#12",
        stages=("etl", "loading", "training"),
    ),
    Pattern(
        id="fragmented-insert",
        title="A loop inserts columns one by one, and each becomes a block of its own",
        replacement="Collect the columns in a dict and join them once with pd.concat([frame, pd.DataFrame(columns)], axis=1)",
        snippet="columns = {name: compute(name) for name in names}\nframe = pd.concat([frame, pd.DataFrame(columns, index=frame.index)], axis=1)",
        when=(below("pandas/core/internals/managers.py", "insert"), in_loop(), varies()),
        unless=(less(passes=100),),
        leave="Under 100 columns.",
        price=Price("amdahl", (2, 5.9)),
        source="openghg/openghg#111, ActivitySim/activitysim#452",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="object-strings",
        title="String methods run on a column of Python objects, one value at a time",
        replacement="Hold text in Arrow-backed strings (astype('string[pyarrow]'), or dtype_backend='pyarrow' at the read); "
        "category where few values repeat",
        snippet="frame['name'] = frame['name'].astype('string[pyarrow]')",
        when=(below("pandas/core/strings/object_array.py"),),
        leave="The method has no Arrow kernel, or the expression looks around.",
        price=Price("amdahl", (5, 11), probe="the same call on 100,000 values"),
        source="pandas-dev/pandas#41590 (20.6 to 1.8 ms), #4694, #52711",
        stages=("etl",),
        effort=1,
        risk=0.2,
    ),
)
