"""pandas: columns changed value by value, and tables sorted, grouped or converted again in each pass."""

import ast

from ..fixed import same_work, unchanged
from ..loops import in_loop, varies
from ..model import Hot, Pattern, Price
from ..places import known, less, more, uses
from ..shapes import all_of, any_of, argument, below, calls, comes_from, deep, first, method
from ..source import Source
from ..syntax import is_self, last_name, mentions, parameters

#: What has a faster form for a whole column: numbers, look-ups, dates. Text has none in a column of objects.
_SIMPLE = frozenset(
    "int float bool round abs min max log log10 log2 log1p exp sqrt floor ceil sin cos get total_seconds "
    "isnull isna notnull notna isnan date day month year weekday".split()
)
_MAX_STEPS = 16
_WHOLE = (
    "sort_values", "sort_index", "set_index", "reset_index", "to_dict", "to_numpy", "drop_duplicates", "duplicated", "unique",
    "nunique", "value_counts", "describe", "corr", "pivot_table", "pivot", "rank", "quantile", "melt", "groupby", "mean", "sum",
    "median", "std", "agg", "count", "size", "first", "last", "max", "min", "transform", "get_group", "tolist", "to_list",
)  # fmt: skip


def _simple(source: Source, value: ast.expr) -> bool:
    """A lambda, or a function of the file, that only compares, computes and looks up."""
    if isinstance(value, ast.Lambda):
        body: list[ast.AST] = [value.body]
    else:
        found = source.functions.get(last_name(value), []) if isinstance(value, ast.Name) or is_self(value) else []
        if len(found) != 1 or not isinstance(found[0], ast.FunctionDef):
            return False
        body = list(found[0].body)
    inside = [each for part in body for each in ast.walk(part)]
    statements = ast.Return | ast.If | ast.Assign | ast.AugAssign | ast.Expr | ast.Break | ast.Continue
    done = [each for each in inside if isinstance(each, ast.stmt)]
    plain = all(isinstance(each, statements) or _over_a_few(source, each) for each in done)
    if any(
        isinstance(getattr(each, "ctx", None), ast.Store) and not isinstance(each, ast.Name | ast.Tuple)
        for each in inside
    ):
        return False  # it keeps something for the next value
    if any(_of_text(each, parameters(value if isinstance(value, ast.Lambda) else found[0])) for each in inside):
        return False
    loops = any(isinstance(each, ast.comprehension | ast.Await | ast.Yield) for each in inside)
    return plain and not loops and all(last_name(each.func) in _SIMPLE for each in inside if isinstance(each, ast.Call))


def _over_a_few(source: Source, node: ast.stmt) -> bool:
    """A loop over the few steps of a table that is written down: ``for top, rate in self.BANDS``."""
    steps = source.literal(node.iter) if isinstance(node, ast.For) else None
    return isinstance(steps, ast.Tuple | ast.List) and len(steps.elts) <= _MAX_STEPS


def _of_text(node: ast.AST, names: set[str]) -> bool:
    """It makes text, or takes a part of what it is given or looks into it: the value is a text or a list."""
    if isinstance(node, ast.Subscript):
        return mentions(node.value, names)
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
        return mentions(node.comparators[0], names)
    return isinstance(node, ast.JoinedStr)


def _of_one_time(hot: Hot) -> bool:
    """``stamp.tz_convert(zone)`` of a pandas.Timestamp, which is compiled: that of a column has frames of pandas."""
    node = hot.node
    if not uses("pandas")(hot) or not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    return node.func.attr in ("tz_localize", "tz_convert") and not hot.seen.below and hot.seen.rivals <= {node}


def _times(hot: Hot) -> bool:
    """The loop measures how long it takes, so that it does the same on purpose."""
    names = ("perf_counter", "perf_counter_ns", "time", "monotonic", "timeit", "process_time")
    return any(
        isinstance(each, ast.Call) and last_name(each.func) in names
        for loop in hot.source.loops(hot.node)
        for each in ast.walk(loop)
    )


def _of_pandas(hot: Hot) -> bool:
    """One of the methods whose result is the same for the same table, called on one."""
    return method(*_WHOLE, of="pandas")(hot)


def _values_again(hot: Hot) -> bool:
    """``frame.values`` of a table that stays the same."""
    node = hot.node
    if not isinstance(node, ast.Attribute) or node.attr != "values" or not isinstance(node.ctx, ast.Load):
        return False
    inside = bool(hot.seen.below) and hot.seen.below[0].is_in("pandas/core/frame.py")
    return inside and hot.seen.below[0].function == "values" and unchanged(hot, node.value)


def _groups_in_the_pass(hot: Hot) -> bool:
    """``frame.groupby("k").get_group(key)``: the groups are made anew for each key."""
    node = hot.node
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "get_group":
        return False
    grouped = node.func.value
    here = isinstance(grouped, ast.Call) and last_name(grouped.func) == "groupby"
    pandas = comes_from(hot.source, grouped, "pandas") or any(each.is_in("pandas/core/") for each in hot.seen.below[:1])
    return here and pandas and unchanged(hot, grouped) and varies()(hot)


def _calendar_of_years(hot: Hot) -> bool:
    """It is made for many years at once: a calendar for each country, not for each date."""
    years = argument(hot.node, "years")
    made = last_name(years.func) if isinstance(years, ast.Call) else ""
    return isinstance(years, ast.List | ast.ListComp) or made in ("range", "arange")


PATTERNS = (
    Pattern(
        id="series-apply",
        title="A Python function runs for each value of a column",
        replacement="Write it for the whole column: arithmetic, np.where or np.select, isin, clip, map(dict) for look-ups, dt and str "
        "methods; where few values repeat, compute the distinct ones once: column.map({v: f(v) for v in column.unique()})",
        snippet="frame['band'] = np.where(frame['price'] > 100, 'high', 'low')\nframe['name'] = frame['code'].map(NAMES)",
        when=(
            method("apply", "map", "transform", "applymap", of="pandas"),
            first(_simple),
            any_of(
                below("pandas/core/algorithms.py", "map_array"),
                below("pandas/core/apply.py", "apply_standard"),
                below("pandas/core/base.py", "_map_values"),
            ),
        ),
        unless=(
            below("pandas/core/groupby/"),
            below("pandas/core/window/"),
            below("pandas/core/apply.py", "apply_series_generator"),
        ),
        leave="Under 10,000 values, or nothing built in does the same.",
        price=Price("amdahl", (3, 50), probe="100,000 of the values both ways"),
        source="pyjanitor-devs/pyjanitor#1628 (5.9x with map(dict)), bytedance/Protenix#248, SEL-Columbia/bamboo#230, GoogleCloudPlatform/training-data-analyst#1344",
        stages=("etl",),
    ),
    Pattern(
        id="frame-work-repeated",
        title="The same table is sorted, grouped or converted again in each pass",
        replacement="Do it once before the loop and use the result in the passes",
        snippet="ranked = frame.sort_values('score')  # once\nfor key in keys:\n    use(ranked, key)",
        when=(
            any_of(all_of(_of_pandas, same_work()), _values_again),
            any_of(in_loop(), known(handler=True)),
        ),
        unless=(_times, less(passes=3)),
        leave="The table changes between the passes in a way that the code around does not show.",
        price=Price("once"),
        source="ritesh99rakesh/pyMIDAS#6, AnswerDotAI/RAGatouille#267 (the same cause with a dict)",
        stages=("etl", "training", "serving"),
        effort=1,
    ),
    Pattern(
        id="group-taken-per-key",
        title="The table is grouped anew for each key, of which one group is taken",
        replacement="Go through the groups once: for key, part in frame.groupby('key'), or keep dict(tuple(frame.groupby('key')))",
        snippet="parts = dict(tuple(frame.groupby('key')))  # once\npart = parts[key]",
        when=(in_loop(), _groups_in_the_pass, deep("pandas/core/groupby/")),
        unless=(less(passes=10),),
        leave="Under ten keys.",
        price=Price("once"),
        source="vanTeeffelenLab/ExTrack#5 (more than 48 h to 1 min), ritesh99rakesh/pyMIDAS#6",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="timezone-per-row",
        title="Time zones are applied to one time at a time, in Python",
        replacement="Convert the whole column: dt.tz_localize(zone) and dt.tz_convert(zone); keep UTC inside, use zoneinfo for single times",
        snippet="frame['local'] = frame['utc'].dt.tz_localize('UTC').dt.tz_convert('Europe/Berlin')",
        when=(any_of(below("pytz/tzinfo.py"), below("dateutil/tz/"), _of_one_time), in_loop()),
        unless=(less(passes=1000), more(body=0.9)),
        leave="A stream with one record at a time.",
        price=Price("amdahl", (3, 50), probe="10,000 of the times as a column"),
        source="singer-io/tap-mysql#105 (20 % of a run), pandas-dev/pandas#46329",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="holidays-per-row",
        title="A calendar of holidays is built again for each date",
        replacement="Build it once for the years of the data, and test the column with isin(list(calendar)); np.busday_count for working days",
        snippet="days = pd.to_datetime(list(holidays.country_holidays('DE', years=range(2015, 2026))))\n"
        "frame['free'] = frame['day'].dt.normalize().isin(days)",
        when=(
            in_loop(),
            any_of(deep("holidays/holiday_base.py", "_populate", "__init__"), below("pandas/tseries/holiday.py")),
            any_of(calls("holidays.*", "pandas.tseries.holiday.*"), below("pandas/tseries/holiday.py")),
        ),
        unless=(less(passes=20), _calendar_of_years),
        leave="A few dates.",
        price=Price("once"),
        source="facebook/prophet#1962 (35 % of make_holiday_features), Solvro/ml-parking-forecasting#16",
        stages=("etl",),
        effort=1,
    ),
)
