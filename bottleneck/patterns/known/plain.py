"""Plain Python in a loop: text read line by line, things that grow, tests in a row, progress bars."""

import ast

from ..growing import appended_to, grows, held_for_good, is_emptied, only_grows
from ..independence import as_they_come
from ..loops import for_each, in_loop
from ..model import Hot, Pattern, Price
from ..places import every_pass, iterates_over, known, less
from ..shapes import all_of, any_of, below, calls, calls_partial, deep, keyword, matches, method
from ..syntax import Comprehension, Loop, is_self, last_name, mentions, parameters, same, stored


def _makes_numbers(hot: Hot) -> bool:
    """The loop turns fields of the row into numbers."""
    loops = [hot.source.parents.get(hot.node), *hot.source.loops(hot.node), *hot.source.above(hot.node)]
    loop = next((each for each in loops if isinstance(each, ast.For)), None)
    if loop is None:
        return False
    names = {each.id for each in ast.walk(loop.target) if isinstance(each, ast.Name)}
    return any(
        isinstance(each, ast.Call)
        and last_name(each.func) in ("float", "int")
        and any(mentions(given, names) for given in each.args)
        for each in ast.walk(loop)
    )


def _number_of_a_row(hot: Hot) -> bool:
    """``float(row["x"])`` of a row that csv gives."""
    node = hot.node
    if (
        not isinstance(node, ast.Call)
        or last_name(node.func) not in ("float", "int")
        or not node.args
        or hot.seen.rivals
    ):
        return False
    return any(matches(path, "csv.*Reader()[]*", "csv.reader()[]*") for path in hot.source.paths(node.args[0]))


def _long_chain(hot: Hot) -> bool:
    """``if isinstance ... elif isinstance ...`` with six branches or more."""
    outer = next((each for each in hot.source.above(hot.node) if isinstance(each, ast.If)), None)
    while outer is not None and isinstance(parent := hot.source.parents.get(outer), ast.If) and outer in parent.orelse:
        outer = parent
    length = 0
    while outer is not None:
        length += any(
            isinstance(each, ast.Call) and last_name(each.func) == "isinstance" for each in ast.walk(outer.test)
        )
        outer = outer.orelse[0] if len(outer.orelse) == 1 and isinstance(outer.orelse[0], ast.If) else None
    return length >= 6


def _sorts_what_grows(hot: Hot) -> bool:
    """``items.sort()`` or ``sorted(items)`` in a loop that appends to items."""
    node = hot.node
    if not isinstance(node, ast.Call) or hot.seen.below or not hot.seen.rivals <= set(ast.walk(node)):
        return False
    if isinstance(node.func, ast.Attribute) and node.func.attr == "sort":
        items: ast.expr = node.func.value
    elif isinstance(node.func, ast.Name) and node.func.id == "sorted" and node.args:
        items = node.args[0]
    else:
        return False
    if _is_begun_anew(hot, items):
        return False
    if is_self(items) and held_for_good(hot, items):
        return any(hot.source.function(each) is hot.source.function(node) for each in appended_to(hot, items))
    loops = hot.source.loops(node)
    return any(
        isinstance(each, ast.Call)
        and isinstance(each.func, ast.Attribute)
        and each.func.attr in ("append", "insert", "add")
        and same(each.func.value, items)
        for each in (ast.walk(loops[0]) if loops else ())
    )


def _is_begun_anew(hot: Hot, items: ast.expr) -> bool:
    """A full buffer is sorted and written, or all but the best are thrown away: the list stays short."""
    loop = next((each for each in hot.source.loops(hot.node) if isinstance(each, Loop)), None)
    region = hot.source.tree if is_self(items) else loop
    if region is None:
        return False
    anew = (
        isinstance(each, ast.Assign)
        and any(same(target, items) for target in each.targets)
        and isinstance(each.value, ast.List | ast.Subscript)
        for each in (ast.walk(loop) if loop is not None else ())
    )
    return any(anew) or is_emptied(region, items)


def _adds_text(hot: Hot) -> bool:
    """``text += part`` (or ``text = text + part``) of text or bytes that began before the loop."""
    node = hot.node
    target: ast.expr | None = node.target if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add) else None
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp) and same(_first(node.value), node.targets[0]):
        target = node.targets[0]
    return target is not None and any(
        matches(path, "builtins.str()", "builtins.bytes()") for path in hot.source.paths(target)
    )


def _first(value: ast.expr) -> ast.expr:
    """``a`` of ``a + b + c``."""
    while isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        value = value.left
    return value


def _to_an_attribute(hot: Hot) -> bool:
    """``self.text += part``: CPython appends in place to variables alone. Nothing is called that could be slow itself."""
    target: ast.expr | None = hot.node.target if isinstance(hot.node, ast.AugAssign) else None
    target = hot.node.targets[0] if isinstance(hot.node, ast.Assign) else target
    return target is not None and not hot.seen.rivals and held_for_good(hot, target)


_GOES_THROUGH = (
    *(f"builtins.{name}" for name in ("sum", "max", "min", "sorted", "list", "tuple", "set", "any", "all")),
    *(f"{library}.{name}" for library in ("numpy", "jax.numpy", "torch")
      for name in ("mean", "sum", "array", "asarray", "stack", "concatenate", "cat", "max", "min", "std", "median",
                   "percentile", "quantile", "tensor")),
    "statistics.*", "json.dump", "json.dumps", "pickle.dump", "pickle.dumps", "pandas.DataFrame", "numpy.save",
    "torch.save", "copy.deepcopy",
)  # fmt: skip


def _goes_through_what_grows(hot: Hot) -> bool:
    """``mean(losses)`` in a loop that appends to losses, and neither empties nor cuts them."""
    node = hot.node
    if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Name | ast.Attribute):
        return False
    whole, loops = node.args[0], [each for each in hot.source.loops(node) if isinstance(each, Loop)]
    if not loops or not any(matches(path, *_GOES_THROUGH) for path in hot.source.paths(node.func)):
        return False
    inside = list(ast.walk(loops[-1]))
    appended = any(
        isinstance(each, ast.Call)
        and isinstance(each.func, ast.Attribute)
        and each.func.attr in ("append", "extend", "insert")
        and same(each.func.value, whole)
        for each in inside
    )
    emptied = any(
        (isinstance(each, ast.Assign | ast.Delete) and any(_is_or_cuts(target, whole) for target in each.targets))
        or (isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute)
            and each.func.attr in ("clear", "pop", "popleft") and same(each.func.value, whole))
        for each in inside
    )  # fmt: skip
    return appended and not emptied


def _walks_its_history(hot: Hot) -> bool:
    """``sum(self.losses)`` in a method that each pass calls beside or below the one that appends."""
    node = hot.node
    wholes: list[ast.expr] = []
    if isinstance(node, ast.Call) and any(matches(path, *_GOES_THROUGH) for path in hot.source.paths(node.func)):
        wholes = node.args[:1]
    elif isinstance(node, Comprehension) and not _compares_with_the_pass(hot, node):
        wholes = [each.iter for each in node.generators[:1]]
    way = {hot.source.function(node)}
    for source, line in hot.seen.callers:
        way |= {source.function(each) for each in source.by_line.get(line, [])[:1]}
    return any(
        only_grows(hot, whole) and any(hot.source.function(each) in way - {None} for each in appended_to(hot, whole))
        for whole in wholes
    )


def _compares_with_the_pass(hot: Hot, comprehension: Comprehension) -> bool:
    """What is computed of each item depends on what the call was given, so that no sum can be kept."""
    function = hot.source.function(comprehension)
    if function is None:
        return False
    given = (parameters(function) | stored(function)) - {"self"}
    return mentions(comprehension, given - stored(comprehension))


def _is_or_cuts(target: ast.expr, whole: ast.expr) -> bool:
    return same(target, whole) or (isinstance(target, ast.Subscript) and same(target.value, whole))


def _one_partition(hot: Hot) -> bool:
    """The file reads one .gz, whole files (``blocksize=None``), or asks for one partition."""
    for name in ("read_csv", "read_json", "read_text", "from_pandas", "repartition", "from_array"):
        for call in hot.source.calls.get(name, []):
            told = {each.arg: getattr(each.value, "value", "") for each in call.keywords}
            path = getattr(call.args[0], "value", "") if call.args else ""
            whole = "blocksize" in told and told["blocksize"] is None
            if name == "from_pandas" and len(call.args) > 1:
                told["npartitions"] = getattr(call.args[1], "value", "")
            if whole or told.get("npartitions") == 1 or (isinstance(path, str) and path.endswith((".gz", ".bz2"))):
                return True
    return False


def _tests_type(hot: Hot) -> bool:
    node = hot.node
    return isinstance(node, ast.Call) and "builtins.isinstance" in hot.source.paths(node.func) and not hot.seen.rivals


PATTERNS = (
    Pattern(
        id="csv-rows-in-python",
        title="csv gives each row as Python strings, and Python turns each field into a number",
        replacement="Read the columns at once: pd.read_csv(path, usecols=..., dtype=...), polars.read_csv or pyarrow.csv",
        snippet="frame = pl.read_csv(path, columns=['x', 'y'])\nx = frame['x'].to_numpy()",
        when=(
            any_of(
                all_of(iterates_over("csv.reader()", "csv.DictReader()"), _makes_numbers),
                _number_of_a_row,
            ),
        ),
        unless=(less(passes=10_000), known(handler=True)),
        leave="A ragged file, or under 10,000 rows.",
        price=Price("measure", probe="10,000 rows with read_csv"),
        source="dwavesystems/dwave-cloud-client#423, huggingface/datasets#6867 (the same cause in JSON)",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="merge-in-loop",
        title="A table grows by a merge in each pass, which joins and copies everything collected so far",
        replacement="Collect the parts, set the key as their index, and join them once: pd.concat([part.set_index(key) "
        "for part in parts], axis=1)",
        snippet="whole = pd.concat([part.set_index('key') for part in parts], axis=1)",
        when=(any_of(calls("pandas.merge"), method("merge", "join", of="pandas")), grows()),
        unless=(known(growing=False), less(passes=20)),
        leave="Under 20 passes, or keys that repeat.",
        price=Price("growth"),
        source="TimeCopilot/timecopilot#104, pandas-dev/pandas#35710 (the same cause with concat)",
        stages=("etl",),
    ),
    Pattern(
        id="isinstance-chain",
        title="Each item is tested by a chain of isinstance calls",
        replacement="Look the work up once in a dict by type(item); a Protocol or an abstract class is the slowest test of all",
        snippet="WORK = {int: of_int, str: of_str}\nresult = WORK[type(item)](item)",
        when=(
            _tests_type,
            in_loop(),
            any_of(_long_chain, deep("<frozen abc>", "__instancecheck__"), deep("typing.py", "__instancecheck__")),
        ),
        unless=(less(passes=10_000),),
        leave="Subclasses must be found, or few items.",
        price=Price("measure"),
        source="measured with CPython 3.11: a class 0.02 us, an abstract class 0.08 us, a runtime_checkable Protocol 5 us a test",
        stages=("etl",),
    ),
    Pattern(
        id="sort-in-loop",
        title="A list is sorted again in each pass after something was added",
        replacement="Sort once after the loop, insert with bisect.insort, or keep a heap (heapq)",
        snippet="heapq.heappush(items, item)\nbest = heapq.heappop(items)",
        when=(in_loop(), every_pass(), _sorts_what_grows),
        unless=(less(passes=1000),),
        leave="Short lists.",
        price=Price("growth"),
        source="no published figures; the copies grow with the square of the passes",
        stages=("etl", "training"),
        effort=1,
    ),
    Pattern(
        id="text-grows",
        title="Text grows by += in a loop, which copies all of it in each pass",
        replacement="Append the parts to a list and join them once: ''.join(parts); or write to io.StringIO",
        snippet="parts.append(part)\n# after the loop\ntext = ''.join(parts)",
        when=(in_loop(), _adds_text, any_of(known(growing=True), _to_an_attribute)),
        unless=(lambda hot: bool(hot.seen.below), known(growing=False)),
        leave="Few passes: CPython often appends to a variable in place.",
        price=Price("growth"),
        source="no published figures; the copies grow with the square of the passes",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="history-walked-again",
        title="Each pass goes through everything collected so far, and gets slower and slower",
        replacement="Keep what the next pass needs (a running sum and count, the last hundred values), and go through "
        "the whole history once after the loop, or every thousandth pass",
        snippet="total += loss\ncount += 1\nmean = total / count",
        when=(any_of(all_of(known(growing=True), _goes_through_what_grows), _walks_its_history),),
        unless=(known(growing=False),),
        beats=("json-line-loop", "json-encoded-in-python", "deepcopy-in-loop", "list-of-arrays-to-tensor"),
        leave="Few passes, or each pass really depends on all that came before.",
        price=Price("growth"),
        source="no published figures; the work grows with the square of the passes",
        stages=("etl", "training"),
    ),
    Pattern(
        id="json-encoded-in-python",
        title="json.dump, and indent=, encode in Python; only json.dumps without indent uses the C encoder",
        replacement="Write file.write(json.dumps(value)), without indent; orjson.dumps is faster still",
        snippet="file.write(json.dumps(value))",
        when=(
            calls("json.dump", "json.dumps"),
            deep("json/encoder.py", "_iterencode", "_iterencode_dict", "_iterencode_list"),
        ),
        unless=(known(handler=True), less(passes=2)),
        beats=("json-line-loop",),
        leave="People read the file, and it is small.",
        price=Price("amdahl", (4, 7), probe="one of the values with json.dumps"),
        source="measured with CPython 3.11 on 60,000 small records: dump takes 4.8 times as long as dumps, indent 6.6 times",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="print-every-pass",
        title="A line is printed in every pass of a loop",
        replacement="Print every thousandth pass (if i % 1000 == 0), or collect the lines and write them at once",
        snippet="if number % 1000 == 0:\n    print(number)",
        when=(any_of(calls("builtins.print"), calls_partial("builtins.print")), in_loop(), every_pass()),
        unless=(less(passes=1000), as_they_come()),
        leave="The output is the result.",
        price=Price("once"),
        source="no published figures; each print takes the time of a write",
        stages=("etl", "training"),
        effort=1,
    ),
    Pattern(
        id="progress-every-pass",
        title="The progress bar is drawn again in nearly every pass of a loop",
        replacement="Leave mininterval at its default (or larger), call bar.update(n) once per batch of items, and "
        "set_postfix(refresh=False)",
        snippet="for item in tqdm(items, mininterval=1):\n    ...",
        when=(
            below("tqdm/std.py"),
            deep("tqdm/std.py", "refresh", "display", "format_meter"),
            any_of(in_loop(), for_each()),
        ),
        unless=(keyword("refresh", False),),
        leave="The share is under 2 %.",
        price=Price("once"),
        source="Lightning-AI/pytorch-lightning#7093, #6196, allenai/allennlp#746",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="dask-one-core",
        title="Dask has one partition to work on, so one core works and the others wait",
        replacement="Read several files or Parquet, repartition(npartitions=...) after the read, and use the process "
        "scheduler for Python code",
        snippet="frame = dd.read_parquet('parts/*.parquet')",
        # Threads of the own process are no workers: the cores tell.
        when=(
            below("dask/"),
            any_of(less(workers_busy=0.5), all_of(known(workers_busy=None, off_cpu=True), less(cores=1.5))),
            _one_partition,
        ),
        leave="Under 100 MB, or code that frees the GIL.",
        price=Price("cores"),
        source="dask/dask#7758, #2449, #5649, DKISTDC/dkist#458",
        stages=("etl",),
    ),
)
