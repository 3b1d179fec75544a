"""Work that is done again for each pass although its result stays the same, or that each pass starts anew."""

import ast

from ..embedding_tables import dense_anyway, large_dense_table, line_of_table, makes_it_sparse
from ..independence import counts_stages
from ..loops import in_loop, in_tight_loop, names_of_pass
from ..model import Hot, Pattern, Price
from ..places import cached, calls_of, handler, handlers, in_crew, known, less, more, over, overlapped
from ..shapes import all_of, any_of, below, calls, deep, keyword, leaf, method, not_if
from ..syntax import arguments, last_name, mentions, parameters

_LARGE_TENSOR = 1 << 23  # values of one: a batch has rows of some ten thousand of them


def _starts_and_joins_one(hot: Hot) -> bool:
    """Each pass of the loop, or each call of the function, makes a process, starts it and waits for its end."""
    source = hot.source
    loop = next(iter(source.loops(hot.node)), None)
    region: ast.AST | None = loop or source.function(hot.node)
    inside = [each for each in ast.walk(region) if isinstance(each, ast.Call)] if region is not None else []
    here = [each for each in inside if (source.loops(each)[:1] == [loop] if loop else not source.loops(each))]
    names = [last_name(each.func) for each in here if source.function(each) is source.function(hot.node)]
    return all(names.count(name) == 1 for name in ("Process", "start", "join"))


def _is_given_the_item(hot: Hot) -> bool:
    """The command differs from pass to pass: one that stays works on what something else in the pass has changed."""
    given = isinstance(hot.node, ast.Call) and mentions(hot.node, names_of_pass(hot, hot.node))
    return given or not hot.source.loops(hot.node)


def _searches_a_pipeline(hot: Hot) -> bool:
    """The file, or a module that it imports, makes a pipeline to search over that keeps nothing: no ``memory=``."""
    pipelines = ("sklearn.pipeline.Pipeline", "sklearn.pipeline.make_pipeline")
    made = [call for source in (hot.source, *hot.source.imported()) for call in calls_of(source, *pipelines)]
    return bool(made) and not any(each.arg in ("memory", None) for call in made for each in call.keywords)


def _unpacks_bits(hot: Hot) -> bool:
    """``data[i] << 4 | data[i + 1] >> 4``: bits of bytes put together by hand."""
    node = hot.node
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.LShift | ast.RShift | ast.BitAnd | ast.BitOr):
        return False
    names = names_of_pass(hot, node)
    values = [*ast.walk(node)]
    if any(isinstance(getattr(each, "op", None), ast.LShift | ast.RShift) for each in values):  # a, b = data[i], ...
        named_ = [each for each in values if isinstance(each, ast.Name)]
        values += [bound.value for each in named_ for bound in hot.source.bindings(each)]
    given = {part for each in values if isinstance(each, ast.Call) for one in arguments(each) for part in ast.walk(one)}
    items = [each for each in values if isinstance(each, ast.Subscript) and each not in given]
    return any(mentions(each.slice, names) for each in items if not isinstance(each.slice, ast.Slice))


def _of_the_request(hot: Hot) -> bool:
    """The text comes with the request: ``from_string(body["template"])`` in a handler of the file."""
    function, node = hot.source.function(hot.node), hot.node
    of_handler = isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and function in handlers(hot.source)
    text = node.args[:1] if isinstance(node, ast.Call) and last_name(node.func) == "from_string" else []
    return bool(text) and of_handler and function is not None and mentions(text[0], parameters(function))


def _makes_an_environment(hot: Hot) -> bool:
    """The function around the line makes a jinja2 environment: its cache of templates begins empty each time."""
    function = hot.source.function(hot.node)
    return function is not None and any(
        isinstance(each, ast.Call) and "jinja2.Environment" in hot.source.paths(each.func)
        for each in ast.walk(function)
    )


_LOCKING = ("threading", "multiprocessing", "multiprocessing.Manager()", "multiprocessing.get_context()")


def _waits_for_a_lock(hot: Hot) -> bool:
    """``with lock:`` or ``lock.acquire()`` of a lock made by threading or multiprocessing."""
    locks = tuple(f"{library}.{name}()" for library in _LOCKING for name in ("Lock", "RLock"))
    node = hot.source.statement(hot.node)
    taken = [item.context_expr for item in node.items] if isinstance(node, ast.With) else []
    if isinstance(hot.node, ast.Call) and last_name(hot.node.func) == "acquire":
        taken = [hot.node.func.value] if isinstance(hot.node.func, ast.Attribute) else []
    if hot.seen.below:  # a lock between processes, which may have come to this one by any way
        shared = all(frame.is_in("multiprocessing/synchronize.py") for frame in hot.seen.below)
        return shared and any("lock" in last_name(value).lower() for value in taken)
    return any(path in locks for value in taken for path in hot.source.paths(value))


def _formats_a_date(hot: Hot) -> bool:
    """``day.strftime(fmt)`` or ``f"{day:%Y-%m}"``, with nothing below it: a date of the standard library."""
    node = hot.node
    if isinstance(node, ast.FormattedValue) and node.format_spec is not None and not hot.seen.rivals:
        spec = [each.value for each in ast.walk(node.format_spec) if isinstance(each, ast.Constant)]
        return not hot.seen.below and any(code in str(text) for text in spec for code in ("%Y", "%m", "%d", "%H", "%A"))
    named = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "strftime"
    return named and not hot.seen.below and hot.seen.rivals <= {node}


PATTERNS = (
    Pattern(
        id="template-compiled-per-request",
        title="The template is compiled again for each request",
        replacement="Keep it as a file for render_template, or compile it once (TEMPLATE = env.from_string(text)) and "
        "only render it per request",
        snippet="PAGE = app.jinja_env.from_string(TEXT)  # once\nreturn PAGE.render(order=order)",
        when=(
            any_of(
                deep("jinja2/environment.py", "compile", "_compile", "_parse", "_generate"),
                all_of(deep("jinja2/environment.py", "get_template", "_load_template"), _makes_an_environment),
                deep("mako/lexer.py"),
            ),
        ),
        unless=(less(passes=2), lambda hot: not (handler()(hot) or in_loop()(hot)), _of_the_request),
        beats=("single-threaded-server",),
        leave="Each request has a text of its own.",
        price=Price("amdahl", (3, 20)),
        source="pallets/flask#2402",
        stages=("serving", "etl"),
        effort=1,
    ),
    Pattern(
        id="difflib-every-pair",
        title="difflib compares every pair in pure Python",
        replacement="Ask real_quick_ratio() and quick_ratio() before ratio(), compare within blocks that share a key, or "
        "use rapidfuzz (process.cdist)",
        snippet="if matcher.real_quick_ratio() >= LEAST and matcher.quick_ratio() >= LEAST:\n    score = matcher.ratio()",
        when=(deep("difflib.py"), in_loop()),
        unless=(less(passes=100),),
        leave="A few pairs, or texts whose differences are shown.",
        price=Price("amdahl", (3, 50)),
        source="StackOverflow 8584499, bugs.python.org msg244840",
        stages=("etl",),
    ),
    Pattern(
        id="asdict-per-row",
        title="dataclasses.asdict copies every object, and all that it holds, recursively in Python",
        replacement="Read the fields: dict(vars(row)), or, with slots, {name: getattr(row, name) for name in names}; "
        "flat rows can be NamedTuples with row._asdict()",
        snippet="frame = pd.DataFrame([vars(row) for row in rows])",
        when=(calls("dataclasses.asdict", "dataclasses.astuple"), in_loop()),
        unless=(less(passes=1000), keyword("dict_factory")),
        leave="Dataclasses within dataclasses, or the copies are changed afterwards.",
        price=Price("amdahl", (3, 15)),
        source="python/cpython#92116 (asdict and deepcopy), StackOverflow 52229521 (about 10x)",
        stages=("etl", "serving"),
        effort=1,
    ),
    Pattern(
        id="process-per-item",
        title="A process is started for each item, one after another",
        replacement="Hand many items to one process, or overlap them with a ThreadPoolExecutor of as many threads as cores",
        snippet="with ThreadPoolExecutor(os.cpu_count()) as pool:\n    results = list(pool.map(run_one, items))",
        when=(
            any_of(
                all_of(below("subprocess.py", "run", "call", "check_output", "check_call"), _is_given_the_item),
                all_of(below("multiprocessing/"), _starts_and_joins_one),
            ),
            in_loop(),
            known(off_cpu=True),
        ),
        unless=(
            overlapped(),
            less(passes=5),
            over("concurrent/futures/thread.py"),
            over("threading.py", "run"),
            more(cores=1.5),
            counts_stages(),
        ),
        leave="The processes use all cores already, or must run in turn.",
        price=Price("overlap", (1.3, 4)),
        source="StackOverflow 14533458, 26774781",
        stages=("etl",),
    ),
    Pattern(
        id="bits-unpacked-in-python",
        title="Packed bytes are decoded value by value in a Python loop",
        replacement="Decode whole buffers with numpy (np.frombuffer, shifts and masks of arrays, np.unpackbits), or struct.iter_unpack",
        snippet="raw = np.frombuffer(data, np.uint8).reshape(-1, 3).astype(np.uint16)\n"
        "first = raw[:, 0] << 4 | raw[:, 1] >> 4",
        when=(any_of(_unpacks_bits, in_tight_loop(_unpacks_bits)), in_loop()),
        unless=(known(off_cpu=True),),
        leave="A few values, or each value says how long the next one is.",
        price=Price("amdahl", (5, 50)),
        source="StackOverflow 44735756 (12-bit images), 45070661",
        whole_loop=True,
        stages=("etl", "loading"),
    ),
    Pattern(
        id="dates-to-text",
        title="Each date becomes a text by strftime, in Python",
        replacement="Group by dt.floor, dt.normalize or dt.to_period (by date() in plain Python) instead of a text, and "
        "format only what is shown, each distinct date once",
        snippet="frame.groupby(frame['time'].dt.floor('h'))",
        when=(
            any_of(
                all_of(method("strftime", of="pandas"), deep("pandas/core/arrays/datetimes.py")),
                all_of(_formats_a_date, in_loop()),
            ),
        ),
        unless=(handler(), cached()),
        leave="The text is what is written out.",
        price=Price("amdahl", (3, 30)),
        source="pandas-dev/pandas#44764",
        stages=("etl", "loading"),
        effort=1,
    ),
    Pattern(
        id="cached-property-lock",
        title="functools.cached_property holds one lock for all instances (Python < 3.12): threads compute one after another",
        replacement="Use Python 3.12, a property with a lock or a cache per instance, or fetch before the threads begin",
        snippet="@property\ndef metadata(self):\n    if self._metadata is None:\n        self._metadata = self.load()\n"
        "    return self._metadata",
        when=(leaf("functools.py", "__get__"), known(off_cpu=True)),
        leave="One thread alone uses it.",
        price=Price("overlap", (1.5, 8)),
        source="python/cpython#87634",
        stages=("etl", "serving"),
    ),
    Pattern(
        id="threads-wait-for-a-lock",
        title="Threads wait for one lock, so that they work one after another",
        replacement="Hold the lock for what is shared alone (not for the call, the read or the computing), or take one lock a key",
        snippet="value = compute(item)  # without the lock\nwith lock:\n    results[key] = value",
        when=(_waits_for_a_lock, known(off_cpu=True), more(share=0.2)),
        leave="What the lock protects cannot run twice at once.",
        price=Price("overlap", (1.2, 4)),
        source="StackOverflow 18347697, python/cpython#87634",
        stages=("etl", "serving"),
    ),
    Pattern(
        id="png-optimized",
        title="Each PNG is compressed with optimize=True, which tries the slowest level of zlib",
        replacement="Leave out optimize=True, or choose compress_level=1 to 6; for many images a pass by oxipng afterwards",
        snippet="tile.save(path, compress_level=1)",
        when=(deep("PIL/PngImagePlugin.py"), keyword("optimize", True)),
        leave="Few images that are downloaded often.",
        price=Price("amdahl", (2, 8)),
        source="python-pillow/Pillow#1211, webcompat/webcompat.com#1051",
        stages=("etl", "serving"),
        effort=1,
    ),
    Pattern(
        id="pipeline-fitted-again",
        title="The search fits the pipeline's transformers again for each candidate, on the same data",
        replacement="Give the Pipeline memory= (a cache folder), or transform once before the search, so that only the last "
        "step is fitted again",
        snippet="pipeline = Pipeline(steps, memory=tempfile.mkdtemp())",
        when=(
            method("fit", of="sklearn"),
            deep("sklearn/model_selection/_search.py"),
            any_of(
                deep("sklearn/pipeline.py", "_fit_transform_one", "_fit", "fit"),
                in_crew(0.3, "sklearn/pipeline.py", "_fit_transform_one"),
            ),
            _searches_a_pipeline,
        ),
        beats=("n-jobs-unset",),
        leave="The search varies the transformers themselves.",
        price=Price("once"),
        source="scikit-learn/scikit-learn#29479, #7990",
        stages=("training",),
        effort=1,
    ),
    Pattern(
        id="dense-embedding-gradient",
        title="A large embedding has a dense gradient: each step writes all of its rows for the few that a batch uses",
        replacement="Make it with sparse=True (and SparseAdam, or SGD, for it), so that only the rows of the batch are touched",
        snippet="table = nn.EmbeddingBag(rows, size, sparse=True)\noptimizer = torch.optim.SparseAdam(table.parameters())",
        when=(
            any_of(
                method("backward", of="torch"),
                all_of(method("step", of="torch"), below("torch/optim/"), more(to_forward=3)),
            ),
            any_of(
                all_of(more(to_forward=3), large_dense_table),
                # Any backward pass takes about twice as long as its forward.
                all_of(more(to_forward=2.3, embedding=_LARGE_TENSOR), not_if(makes_it_sparse)),
                all_of(more(to_forward=4, embedding=_LARGE_TENSOR / 2), not_if(makes_it_sparse)),
                all_of(more(to_forward=10, embedding=_LARGE_TENSOR / 4), not_if(makes_it_sparse)),
            ),
        ),
        unless=(not_if(known(device="cpu")), dense_anyway),
        cause=line_of_table,
        leave="A batch touches most rows, the table is multiplied with as a whole, too; momentum and weight decay act on all rows.",
        price=Price("amdahl", (2, 8)),
        source="pytorch/pytorch#5309, facebookresearch/dlrm#15",
        stages=("training",),
        risk=0.3,
    ),
)
