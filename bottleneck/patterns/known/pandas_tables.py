"""pandas: reading, writing, dates and joins."""

import ast
import re

from ..fixed import given_alike, unchanged
from ..loops import in_loop, names_of_pass
from ..model import ENGINE, Hot, Pattern, Price, Sighting
from ..places import handed_to, known, less, more
from ..shapes import all_of, any_of, argument, below, calls, comes_from, deep, keyword, matches, method, not_if
from ..syntax import last_name, mentions, same, stored

_READERS = "read_csv read_table read_parquet read_feather read_excel read_json read_pickle read_orc".split()
_READS = tuple(f"{library}.{name}" for library in ("pandas", "polars") for name in _READERS)


def _read_again(hot: Hot) -> bool:
    """What is written here is read again by the same file."""
    target = hot.node.args[0] if isinstance(hot.node, ast.Call) and hot.node.args else None
    readers = [call for name in _READERS for call in hot.source.calls.get(name, [])]
    return target is not None and any(call.args and same(call.args[0], target) for call in readers)


def _same_path(hot: Hot) -> bool:
    """The path does not change with the pass of the loop."""
    given = hot.node.args if isinstance(hot.node, ast.Call) else []
    return bool(given) and not mentions(given[0], names_of_pass(hot)) and not isinstance(given[0], ast.Call)


def _same_by_its_parts(hot: Hot) -> bool:
    """The path is put together from what is the same in each call: ``os.path.join(self.folder, "rates.csv")``."""
    given = hot.node.args[:1] if isinstance(hot.node, ast.Call) else []
    return bool(given) and unchanged(hot, *given, given=hot.seen.given)


def _read_for_it(hot: Hot) -> ast.Call | None:
    """``rates(folder).loc[code]``: the call that reads the same file again for the line, in a function of the file."""
    source, node = hot.source, hot.node
    made = node.value if isinstance(node, ast.Subscript | ast.Attribute) else None
    while isinstance(made, ast.Subscript | ast.Attribute):
        made = made.value
    functions = source.functions.get(last_name(made.func), []) if isinstance(made, ast.Call) else []
    if (
        not isinstance(made, ast.Call)
        or len(functions) != 1
        or not any(each.is_in("pandas/") for each in hot.seen.below)
    ):
        return None
    outer = None if source.loops(made) else hot.seen.given
    given = given_alike(source, made, functions[0], outer)
    for call in (each for each in ast.walk(functions[0]) if isinstance(each, ast.Call) and each.args):
        reads = any(matches(path, *_READS) for path in source.paths(call.func))
        if reads and not source.loops(call) and unchanged(Hot(hot.seen, call), call.args[0], given=given):
            return call
    return None


def _where_read(seen: Sighting) -> int | None:
    read = (_read_for_it(Hot(seen, node)) for node in seen.nodes)
    return next((each.lineno for each in read if each is not None), None)


def _skips_with_the_pass(hot: Hot) -> bool:
    """``skiprows=`` or ``nrows`` of the pass: each pass parses what it skips."""
    skipped = argument(hot.node, "skiprows")
    return skipped is not None and mentions(skipped, names_of_pass(hot))


_for_one_value = handed_to("?.apply", "?.map", "?.transform")


def _one_value_of_a_column(hot: Hot) -> bool:
    """``pd.to_datetime(text)`` for each text of a column: an item of an item of a table."""
    given = hot.node.args[0] if isinstance(hot.node, ast.Call) and hot.node.args else None
    paths = hot.source.paths(given) if isinstance(given, ast.Name) else frozenset()
    return bool(paths) and all(path.startswith("pandas.") and path.endswith("[][]") for path in paths)


def _value_of_a_record(hot: Hot) -> bool:
    """``pd.to_datetime(row["time"])`` with the variable of a loop, which is nowhere used like a table."""
    given = hot.node.args[0] if isinstance(hot.node, ast.Call) and hot.node.args else None
    if not isinstance(given, ast.Subscript | ast.Attribute) or argument(hot.node, "unit") is not None:
        return False
    while isinstance(given, ast.Subscript | ast.Attribute):
        given = given.value
    loops = [each for each in hot.source.loops(hot.node) if isinstance(each, ast.For)]
    loop = next((each for each in loops if isinstance(given, ast.Name) and given.id in stored(each.target)), None)
    by_name = loop is not None and isinstance(loop.iter, ast.Call) and last_name(loop.iter.func) in ("items", "values")
    if by_name or (loop is not None and isinstance(loop.iter, ast.Tuple | ast.List)):
        return False  # tables, each with its name
    if loop is None or not isinstance(given, ast.Name) or _TABLES.search(f"{given.id} {ast.unparse(loop.iter)}"):
        return False
    called = (each.func for each in ast.walk(loop) if isinstance(each, ast.Call))
    return not any(
        isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id == given.id
        and each.attr not in ("get", "pop", "items", "update", "setdefault", "copy")
        for each in called
    )  # fmt: skip


def _tiny_chunks(hot: Hot) -> list[ast.Call]:
    """The readers of the file with a ``chunksize`` of under 2,000 rows."""
    readers = [
        call for name in ("read_csv", "read_table", "read_sql", "read_json") for call in hot.source.calls.get(name, [])
    ]
    sizes = [(each, hot.source.literal(argument(each, "chunksize"))) for each in readers]
    return [
        each
        for each, size in sizes
        if isinstance(size, ast.Constant) and type(size.value) is int and 0 < size.value < _FEW_ROWS
    ]


def _of_tiny_chunks(hot: Hot) -> bool:
    """The line reads them, or works on one of them in the loop over them."""
    calls = set(_tiny_chunks(hot))
    if not calls:
        return False
    loops = [each for each in hot.source.loops(hot.node) if isinstance(each, ast.For)]
    iters = [each.iter for each in loops] + [hot.node]
    made = {id(call) for value in iters for part in ast.walk(value) for call in [part, *_bound_to(hot, part)]}
    return any(id(each) in made for each in calls) and any(frame.is_in("pandas/") for frame in hot.seen.below)


def _bound_to(hot: Hot, part: ast.AST) -> list[ast.expr]:
    bound = hot.source.literal(part) if isinstance(part, ast.Name) else None
    return [bound] if bound is not None else []


_FEW_ROWS = 2_000
_TABLES = re.compile(r"df|frame|chunk|group|table|batch|part|read_csv|read_parquet", re.I)


def _polls(hot: Hot) -> bool:
    """The loop waits for the file to change."""
    return any(
        isinstance(each, ast.Call) and getattr(each.func, "attr", "") == "sleep"
        for loop in hot.source.loops(hot.node)
        for each in ast.walk(loop)
    )


def _workbook_is_written(hot: Hot) -> bool:
    """The file saves a workbook of openpyxl, or sets values of its cells: it reads to change."""
    if any(isinstance(each, ast.Attribute) and each.attr == "value" and isinstance(each.ctx, ast.Store)
           for each in ast.walk(hot.source.tree)):  # fmt: skip
        return True
    saves = hot.source.calls.get("save", [])
    return any(
        isinstance(each.func, ast.Attribute) and comes_from(hot.source, each.func.value, "openpyxl") for each in saves
    )


def _asks_for_styles(hot: Hot) -> bool:
    """It reads more of the cells than their values, which the faster reader does not give."""
    styles = ("fill", "font", "border", "comment", "hyperlink", "number_format", "merged_cells", "row_dimensions")
    return any(isinstance(each, ast.Attribute) and each.attr in styles for each in ast.walk(hot.source.tree))


def _drops_what_never_occurs(hot: Hot) -> bool:
    """``groupby([a, b], observed=False).agg(...)``, of which the function keeps the rows that are not empty."""
    call = _groups_of(hot)
    if not isinstance(call, ast.Call) or last_name(call.func) != "groupby" or not call.args:
        return False
    keys, observed = hot.source.literal(call.args[0]), argument(call, "observed")
    several = isinstance(keys, ast.List | ast.Tuple) and len(keys.elts) > 1
    if not several or not isinstance(observed, ast.Constant) or observed.value is not False:
        return False
    around = [hot.source.function(call) or hot.source.tree]
    for source, line in hot.seen.callers[:1]:
        around += [source.function(each) or source.tree for each in source.by_line.get(line, [])[:1]]
    return any(_keeps_some(each) for region in around for each in ast.walk(region))


def _groups_of(hot: Hot) -> ast.expr | None:
    """``groupby(...)`` of ``groupby(...)["x"].sum()``, of ``groups.sum()`` and of ``getattr(groups, how)()``."""
    value: ast.expr | None = hot.node.func if isinstance(hot.node, ast.Call) else None
    if isinstance(value, ast.Call) and last_name(value.func) == "getattr" and value.args:
        value = value.args[0]
    elif not isinstance(value, ast.Attribute):
        return None
    while isinstance(value, ast.Subscript | ast.Attribute):
        value = value.value
    return hot.source.literal(value)


def _keeps_some(node: ast.AST) -> bool:
    """``table[table["n"] > 0]`` or ``dropna()``."""
    if isinstance(node, ast.Call) and last_name(node.func) == "dropna":
        return True
    test = node.slice if isinstance(node, ast.Subscript) else None
    return isinstance(test, ast.Compare) and getattr(test.comparators[0], "value", None) == 0


PATTERNS = (
    Pattern(
        id="dates-unguessed",
        title="pandas guesses the format of every single date in Python",
        replacement="Give to_datetime an explicit format=; where two layouts are mixed, parse each part of the rows with "
        "its own format",
        snippet="frame['when'] = pd.to_datetime(frame['when'], format='%d.%m.%Y %H:%M:%S')",
        when=(
            any_of(
                all_of(calls("pandas.to_datetime"), keyword("format", "mixed")),
                all_of(calls("pandas.to_datetime"), not_if(keyword("format")), deep("dateutil/parser/_parser.py")),
                all_of(calls("pandas.read_csv"), keyword("parse_dates"), deep("dateutil/parser/_parser.py")),
            ),
        ),
        leave="The input really is of many formats; ISO text is parsed fast already.",
        price=Price("amdahl", (5, 10), probe="10,000 of the values with an explicit format"),
        source="alvarodiez20/pysuricata#34 (21 % of a run), pandas-dev/pandas#11899 (12 min for 1.9 M), #6021, #52167",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="strptime-per-row",
        title="strptime (or to_datetime on one value) interprets the format again for every string",
        replacement="Convert the whole column with pd.to_datetime(column, format=...); for single ISO strings use "
        "datetime.fromisoformat",
        snippet="frame['when'] = pd.to_datetime(frame['when'], format='%Y-%m-%d %H:%M:%S')",
        when=(
            any_of(
                calls(
                    "datetime.datetime.strptime", "time.strptime", "dateutil.parser.parse", "dateutil.parser.isoparse"
                ),
                all_of(
                    calls("pandas.to_datetime", "pandas.Timestamp"),
                    any_of(_for_one_value, _one_value_of_a_column, _value_of_a_record, more(passes=1000)),
                ),
            ),
            in_loop(),
        ),
        unless=(less(passes=1000), keyword("locale")),
        leave="Under 1,000 strings, a stream with one record at a time, or month names of a locale.",
        price=Price("amdahl", (5, 80), probe="1,000 of the strings with fromisoformat or to_datetime"),
        source="getsentry/sentry#41271 (10,000: 0.84 s, 0.106 s, fromisoformat 0.0105 s), mozilla/addons#9000",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="tiny-chunks",
        title="A table is read in chunks of so few rows that each chunk costs more than its rows",
        replacement="Read 50,000 rows or more at a time (chunksize=100_000), or the whole table where it fits in memory",
        snippet="for chunk in pd.read_csv(path, chunksize=100_000):\n    total += chunk['x'].sum()",
        when=(_of_tiny_chunks,),
        cause=lambda seen: next((each.lineno for each in _tiny_chunks(Hot(seen, seen.source.tree))), None),
        across=True,
        leave="Each row holds megabytes, or the consumer accepts only a few rows at a time.",
        price=Price("amdahl", (3, 50)),
        source="own measurement: 400,000 rows by 100 take 19 times as long as by 100,000",
        stages=("etl", "loading"),
        effort=1,
    ),
    Pattern(
        id="to-sql-default",
        title="to_sql lets the driver send the rows one by one",
        replacement="Send many rows per statement: to_sql(method='multi', chunksize=...), fast_executemany=True for SQL "
        "Server, or a COPY callable for PostgreSQL",
        snippet="frame.to_sql('table', engine, index=False, method='multi', chunksize=1000)",
        when=(method("to_sql", of="pandas"), not_if(keyword("method")), below("pandas/io/sql.py"), known(off_cpu=True)),
        needs=("off_cpu",),
        leave="SQLite, a driver that batches by itself, or under 5,000 rows.",
        price=Price("wait"),
        source="pandas-dev/pandas#8953, sqlalchemy/sqlalchemy#9586",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="excel-openpyxl",
        title="openpyxl parses each cell of the workbook into Python objects",
        replacement="Read with pd.read_excel(path, engine='calamine') (package python-calamine), open one pd.ExcelFile for "
        "several sheets, and keep a Parquet copy",
        snippet="frame = pd.read_excel(path, engine='calamine')",
        when=(
            any_of(
                below("pandas/io/excel/_openpyxl.py", "get_sheet_data", "load_workbook"),
                below("openpyxl/reader/excel.py", "load_workbook"),
            ),
        ),
        unless=(_workbook_is_written, _asks_for_styles),
        leave="Styles, formulas or comments are used, or it is one small file; check the types after the change.",
        price=Price("amdahl", (4, 8), probe=ENGINE),
        source="pandas-dev/pandas#54998 (107 to 23 ms), be-smith/navani#48 (196 to 24 s), facebookresearch/neuroai#69",
        stages=("etl",),
        effort=1,
        risk=0.2,
    ),
    Pattern(
        id="to-csv-text",
        title="A table that this program reads again is written as text, value by value",
        replacement="Write Parquet or Feather between steps of your own: to_parquet and read_parquet",
        snippet="frame.to_parquet(path.with_suffix('.parquet'))",
        when=(method("to_csv", of="pandas"), _read_again),
        unless=(keyword("float_format"), keyword("quoting")),
        leave="Another program needs the text.",
        price=Price("amdahl", (6, 7)),
        source="pandas-dev/pandas#53618 (12.2 to 1.9 s), #12885, neuromodulation/py_neuromodulation#280",
        stages=("etl",),
    ),
    Pattern(
        id="csv-python-engine",
        title="read_csv falls back to its Python engine",
        replacement="Use options that the C engine knows: a separator of one character with skipinitialspace=True, "
        "sep=r'\\s+', no skipfooter; name usecols and dtype",
        snippet="frame = pd.read_csv(path, sep=';', skipinitialspace=True)",
        when=(below("pandas/io/parsers/python_parser.py"),),
        unless=(keyword("on_bad_lines"),),
        leave="The separator really is a regular expression and the files are small, or bad lines need a callback.",
        price=Price("amdahl", (3, 10), probe="50 MB with engine='c'"),
        source="pandas-dev/pandas#6889, #10208, wesm/pydata-book#59",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="csv-reread",
        title="The same file is read again in each pass of a loop",
        replacement="Read it once before the loop; to go through it in parts, open one reader: pd.read_csv(path, "
        "chunksize=...)",
        snippet="for part in pd.read_csv(path, chunksize=100_000):\n    use(part)",
        when=(
            in_loop(),
            any_of(
                all_of(calls(*_READS), any_of(_same_path, _skips_with_the_pass, _same_by_its_parts)),
                lambda hot: _read_for_it(hot) is not None,
            ),
        ),
        cause=_where_read,
        beats=("cell-by-cell",),
        unless=(_polls, less(passes=2)),
        leave="The file changes between the reads.",
        price=Price("once"),
        source="pandas-dev/pandas#3221, pola-rs/polars#4550, JuliaData/CSV.jl#482",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="categorical-cartesian",
        title="groupby makes a row for every combination of categories, also those that never occur",
        replacement="Give groupby(..., observed=True), or remove_unused_categories() beforehand",
        snippet="frame.groupby(['a', 'b'], observed=True)",
        when=(
            below("pandas/core/groupby/"),
            any_of(deep("pandas/core/indexes/multi.py", "from_product"), _drops_what_never_occurs),
        ),
        unless=(keyword("observed", True),),
        leave="The report wants the empty groups.",
        price=Price("measure"),
        source="pandas-dev/pandas#24333 (11.2 s to 4 ms), #30552, dask/dask#5820",
        stages=("etl",),
        effort=1,
        risk=0.2,
    ),
)
