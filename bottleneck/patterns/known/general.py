"""Plain Python, numpy, databases, files and polars: work done per item that can be done at once."""

import ast

from ..elementwise import is_read_whole, walks_a_tensor
from ..growing import appended_to, held_for_good, is_emptied
from ..independence import as_they_come, first_that_answers, keeps_a_rate
from ..loops import in_loop, in_tight_loop, loop_names, varies
from ..model import Hot, Pattern, Price
from ..origins import holds_more
from ..places import every_pass, handed_to, known, less, loading, more, overlapped
from ..polls import until_ready
from ..shapes import any_of, below, calls, comes_from, first, text, written
from ..source import Source
from ..syntax import is_self, mentions
from ..tagged import of_several_kinds
from ..transactions import hands_on_a_table, is_of_many_rows, of_one_row, takes_jobs

_DATABASES = "sqlite3 psycopg psycopg2 pymysql mysql duckdb sqlalchemy pyodbc apsw MySQLdb cx_Oracle oracledb".split()
_WRITES = ("insert", "update", "replace", "merge", "delete", "upsert")


def _is_method(*names: str):  # type: ignore[no-untyped-def]
    return lambda hot: (
        isinstance(hot.node, ast.Call) and isinstance(hot.node.func, ast.Attribute) and hot.node.func.attr in names
    )


def _on_database(hot: Hot) -> bool:
    """The method is of a database's connection or cursor, by its origin or by the frame below."""
    value = hot.node.func.value if isinstance(hot.node, ast.Call) and isinstance(hot.node.func, ast.Attribute) else None
    if value is None or not (hot.seen.rivals <= {hot.node} or hot.seen.below):
        return False
    return any(
        comes_from(hot.source, value, name) or any(frame.is_in(f"{name}/") for frame in hot.seen.below[:1])
        for name in _DATABASES
    )


def _element_of(library: str):  # type: ignore[no-untyped-def]
    """``x[i, j]`` of the library's array with two loops' variables, nothing else being called on the line."""

    def check(hot: Hot) -> bool:
        node = hot.node
        if (
            not isinstance(node, ast.Subscript)
            or hot.seen.below
            or hot.seen.rivals
            or not isinstance(node.slice, ast.Tuple)
        ):
            return False
        if library == "numpy" and any(holds_more(hot.source, each) for each in [node, *_set_beside(hot, node)]):
            return False  # an image or a row, not a number
        names = loop_names(hot.source, node)
        whole = all(mentions(part, names) and not isinstance(part, ast.Slice) for part in node.slice.elts)
        paths = hot.source.paths(node.value)
        plain = bool(paths) and all(path.startswith(library + ".") and "tolist" not in path for path in paths)
        return whole and len(hot.source.loops(node)) >= 2 and plain and not _sequential(hot, node)

    return check


def _tested_alone(hot: Hot) -> bool:
    """``if x[i] > 3`` with the counter of a loop: a test proves that one element is read, not a row."""
    node = hot.node
    if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Name) or hot.seen.below or hot.seen.rivals:
        return False
    test = hot.source.parents.get(node)
    if not isinstance(test, ast.Compare) or not isinstance(
        hot.source.parents.get(test), ast.If | ast.IfExp | ast.While
    ):
        return False
    loops = [each for each in hot.source.loops(node) if isinstance(each, ast.For)]
    counts = bool(loops) and isinstance(loops[0].target, ast.Name) and loops[0].target.id == node.slice.id
    paths = hot.source.paths(node.value)
    return counts and bool(paths) and all(path.startswith("numpy.") and "tolist" not in path for path in paths)


def _sequential(hot: Hot, node: ast.Subscript) -> bool:
    """What is read was written by an earlier pass: the same array is stored to in the loop."""
    loop = hot.source.loops(node)[-1]
    stores = [each for each in ast.walk(loop) if isinstance(each, ast.Subscript) and isinstance(each.ctx, ast.Store)]
    reads = [each for each in ast.walk(loop) if isinstance(each, ast.Subscript) and isinstance(each.ctx, ast.Load)]
    inner = hot.source.loops(node)[0]
    if any(inner in hot.source.above(each) and is_read_whole(hot.source, inner, each.value) for each in stores):
        return True
    return any(
        ast.dump(one.value) == ast.dump(other.value).replace("Store()", "Load()") for one in reads for other in stores
    )


def _set_beside(hot: Hot, node: ast.expr) -> list[ast.expr]:
    """What the statement of the node assigns to."""
    statement = hot.source.statement(node)
    return statement.targets if isinstance(statement, ast.Assign) else []


def _rows_of_numbers(source: Source, value: ast.expr) -> bool:
    """A list that a loop appends tuples or lists to."""
    if not isinstance(value, ast.Name):
        return False
    return any(
        isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == value.id
        and source.function(call) is source.function(value)
        and bool(source.loops(call))
        and isinstance(call.args[0] if call.args else None, ast.Tuple | ast.List)
        for call in source.calls.get("append", [])
    )


def _rows_of_an_object(hot: Hot) -> bool:
    """``np.array(self.rows)`` again and again, of a list that other methods append to; rows that are arrays are others."""
    rows = hot.node.args[0] if isinstance(hot.node, ast.Call) and hot.node.args else None
    if rows is None or not is_self(rows) or not held_for_good(hot, rows) or hot.seen.below:
        return False
    function = hot.source.function(hot.node)
    if is_emptied(hot.source.tree, rows):
        return False  # a block of rows each time
    added = [call for call in appended_to(hot, rows) if hot.source.function(call) is not function]
    made = [hot.source.paths(call.args[0]) for call in added]
    return bool(added) and not any(path.startswith(("numpy.", "torch.")) for paths in made for path in paths)


def _one_thread(hot: Hot) -> bool:
    """The pools of the file have one thread each: they keep work in the background."""
    pools = hot.source.calls.get("ThreadPoolExecutor", []) + hot.source.calls.get("ThreadPool", [])
    sizes = [
        [*each.args[:1], *(given.value for given in each.keywords if given.arg == "max_workers")] for each in pools
    ]
    return bool(sizes) and all(given and getattr(given[0], "value", None) == 1 for given in sizes)


def _is_constant(hot: Hot) -> bool:
    """A statement without parameters, such as ``insert into documents(documents) values ('rebuild')``: no row."""
    call = hot.node
    if not isinstance(call, ast.Call) or len(call.args) != 1 or call.keywords:
        return False
    return written(hot.source, call.args[0]) is not None


def _in_own_loop(hot: Hot) -> bool:
    """The line is in a loop of its function: it computes, and does not only hand on."""
    return bool(hot.source.loops(hot.node))


PATTERNS = (
    Pattern(
        id="commit-per-row",
        title="Each row is committed alone, and each commit waits for the disk or the server",
        replacement="Put one transaction around the loop: commit once after it (or every few thousand rows), or use executemany",
        snippet="with connection:\n    connection.executemany('insert into t values (?, ?)', rows)",
        when=(_is_method("commit"), in_loop(), every_pass(), _on_database, of_one_row()),
        unless=(less(passes=20), takes_jobs()),
        leave="Each item must survive a crash on its own.",
        # The statement after a commit begins a transaction, and the rest of the pass finds cold caches.
        price=Price("wait", probe="one transaction for 1,000 rows", besides=0.45),
        source="consbio/tpkutils#2 (hours to 1 min), ctjacobs/pyqso#29 (150 to 7 s), rogerbinns/apsw#195",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="insert-per-row",
        title="One statement is sent for each row",
        replacement="Use executemany, insert(Model) with a list of dicts, or COPY; for DuckDB insert from a registered frame",
        snippet="cursor.executemany('insert into t values (?, ?)', rows)",
        when=(_is_method("execute"), in_loop(), first(text(*_WRITES)), _on_database),
        unless=(less(passes=100), takes_jobs(), lambda hot: is_of_many_rows(hot.source, hot.node), _is_constant),
        leave="A stream of single events, generated keys that are needed at once, or under 100 rows.",
        price=Price("wait", (2, 100)),
        source="nycdb/nycdb#67 (16 to 2 s per 20,000), duckdb/duckdb#2458 (8 min to 1 s), archlinux/arch-security-tracker#35",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="query-in-loop",
        title="One query is sent for each key",
        replacement="Ask once with IN or a join on a temporary table, and look the keys up in a dict",
        snippet="rows = cursor.execute(f'select id, v from t where id in ({marks})', keys).fetchall()\nby_id = dict(rows)",
        when=(
            _is_method("execute", "read_sql", "read_sql_query", "read_sql_table"),
            in_loop(),
            varies(),
            any_of(first(text("select", "with")), calls("pandas.read_sql*")),
            any_of(_on_database, calls("pandas.read_sql*")),
        ),
        unless=(known(off_cpu=False), less(passes=20), hands_on_a_table()),
        leave="The next key depends on the answer, or single look-ups by index in a database in the process are measured to be faster.",
        price=Price("wait"),
        source="n24q02m/wet-mcp#495, MolSSI/QCFractal#615 (single look-ups best above 200)",
        stages=("etl", "serving"),
    ),
    Pattern(
        id="serial-downloads",
        title="Requests run one after another, and their latencies add up",
        replacement="Use one requests.Session and a ThreadPoolExecutor with 4 to 16 threads, or an async client with a semaphore",
        snippet="with ThreadPoolExecutor(8) as pool:\n    pages = list(pool.map(session.get, urls))",
        when=(
            calls(
                "requests.get",
                "requests.post",
                "requests.request",
                "requests.Session().*",
                "urllib.request.urlopen",
                "urllib.request.urlretrieve",
                "httpx.get",
                "httpx.post",
                "boto3.client().*_object",
                "boto3.client().download_file",
            ),
            in_loop(),
            varies(),
        ),
        unless=(
            overlapped(),
            more(threads=1.8),
            known(off_cpu=False),
            less(passes=5),
            keeps_a_rate(outer=True),
            as_they_come(),
            first_that_answers(),
            until_ready(),
            known(handler=True),
            known(event_loop=True),
        ),
        leave="A rate limit, a link that is full, or order that matters.",
        price=Price("overlap", (4, 8)),
        source="Medical-Event-Data-Standard/MIMIC_IV_MEDS#48 (5-7x), DLR-RM/BlenderProc#848 (15 to 5 min)",
        stages=("etl",),
    ),
    Pattern(
        id="deepcopy-in-loop",
        title="copy.deepcopy rebuilds a whole object tree in a loop",
        replacement="Make a shallow copy (dict(x), list(x), copy.copy) and copy only the branch that changes; check that nested parts are not changed later",
        snippet="item = {**template, 'changed': new}",
        when=(calls("copy.deepcopy"), in_loop()),
        unless=(less(passes=100),),
        leave="Nested parts are changed later.",
        price=Price("amdahl", (3, 10)),
        source="theonlydude/RandomMetroidSolver#43 (70 % of the time), capitalone/DataProfiler#85",
        stages=("etl",),
        risk=0.4,
    ),
    Pattern(
        id="deepcopy-sample",
        title="Each sample is a deepcopy of a cached one, arrays included",
        replacement="Make a shallow copy of the dict, and new arrays only where a transform writes",
        snippet="sample = dict(self.samples[index])",
        when=(calls("copy.deepcopy"), loading()),
        beats=("deepcopy-in-loop",),
        leave="Transforms write in place into the shared cache.",
        price=Price("loader", (3, 10)),
        source="Project-MONAI/MONAI#3000, TorchIO-project/torchio#1305, facebookresearch/detectron2#939",
        stages=("loading",),
        risk=0.4,
    ),
    Pattern(
        id="regex-in-loop",
        title="A regular expression is compiled again in a loop",
        replacement="Compile once at module level with re.compile, and join alternatives into one pattern",
        snippet="WORDS = re.compile('|'.join(map(re.escape, words)))",
        when=(
            any_of(
                below("re/_compiler.py"),
                below("re/_parser.py"),
                below("sre_compile.py", through="re.py"),
                below("sre_parse.py", through="re.py"),
            ),
            calls("re.*"),
            in_loop(),
        ),
        leave="The pattern is found in the cache.",
        price=Price("once"),
        source="YARA-Silly-Silly/yarasilly2#48 (4.55 to 1.21 s), nipunsadvilkar/pySBD#41",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="json-line-loop",
        title="JSON is parsed or written record by record in Python",
        replacement="Read lines of JSON with polars.read_ndjson, pyarrow.json or duckdb; for single records orjson.loads on bytes",
        snippet="frame = pl.read_ndjson(path)",
        when=(calls("json.loads", "json.dumps"), in_loop()),
        unless=(less(passes=1000), known(handler=True), of_several_kinds),
        leave="The schema is ragged; orjson alone may give only 20 %.",
        price=Price("amdahl", (1.25, 5), probe="10,000 lines with the columnar reader"),
        source="dwavesystems/dwave-cloud-client#423 (41.6 to 19.6 ms), huggingface/datasets#6867",
        stages=("etl",),
    ),
    Pattern(
        id="numpy-element-loop",
        title="numpy arrays are read element by element in Python",
        replacement="Compute whole arrays: ufuncs, masks, np.add.at, np.bincount; where a loop must stay, tolist() before it or numba",
        snippet="result = np.where(x > 0, x * y, 0.0)",
        when=(
            any_of(
                below("numpy/lib/", "_vectorize_call", "__call__", "_call_as_normal"),
                _element_of("numpy"),
                in_tight_loop(_element_of("numpy")),
                _tested_alone,
            ),
        ),
        unless=(more(body=0.95),),
        leave="The body is heavy, there are under 10,000 elements, or each depends on the one before.",
        price=Price("amdahl", (5, 50)),
        source="mnielsen/neural-networks-and-deep-learning#16 (5x), numpy/numpy#16763, semaphoreP/codeastro#140",
        whole_loop=True,
        stages=("etl", "loading"),
    ),
    Pattern(
        id="rows-to-array",
        title="A list of rows that a loop collected is turned into an array, value by value",
        replacement="Fill an array that is allocated beforehand (np.empty((n, k)); out[i] = ...), or read and compute whole "
        "columns and join them with np.column_stack",
        snippet="out = np.empty((len(items), 3), np.float32)\nfor i, item in enumerate(items):\n    out[i] = item.x, item.y, item.z",
        when=(calls("numpy.array", "numpy.asarray"), any_of(first(_rows_of_numbers), _rows_of_an_object)),
        unless=(less(passes=2),),
        leave="The loop itself takes far longer than the conversion.",
        price=Price("measure", probe="10,000 of the rows into an array that is there"),
        source="numpy/numpy#16763, pytorch/pytorch#13918 (the same cause with tensors)",
        stages=("etl", "loading"),
        effort=1,
    ),
    Pattern(
        id="threads-run-python",
        title="Threads run Python code, and the GIL lets one of them run at a time",
        replacement="Use a ProcessPoolExecutor (or multiprocessing.Pool) for Python code, or calls that free the GIL "
        "(numpy, polars, pyarrow)",
        snippet="with ProcessPoolExecutor() as pool:\n    results = list(pool.map(work, items, chunksize=20))",
        when=(
            lambda hot: not hot.seen.below and not hot.seen.rivals,
            handed_to(
                "concurrent.futures.ThreadPoolExecutor().map",
                "concurrent.futures.ThreadPoolExecutor().submit",
                "multiprocessing.pool.ThreadPool().*",
                "multiprocessing.dummy.Pool().*",
            ),
            _in_own_loop,
        ),
        unless=(_one_thread,),
        leave="The threads mostly wait, memory forbids copies, or Python is built without the GIL.",
        price=Price("cores"),
        source="vllm-project/vllm#44404 (32 threads: no gain), #49288, fastapi/fastapi#2484",
        stages=("etl", "serving"),
        effort=1,
    ),
    Pattern(
        id="tensor-element-loop",
        title="A tensor is read element by element in Python",
        replacement="Use one operation on the whole tensor; else call .tolist() or .numpy() once before the loop",
        snippet="values = tensor.tolist()",
        when=(any_of(_element_of("torch"), in_tight_loop(_element_of("torch")), walks_a_tensor),),
        leave="Under 1,000 elements, or a heavy body.",
        price=Price("amdahl", (28, 1000)),
        source="pytorch/pytorch#43116 (232, 8.3, 0.015 ms), #43153, dmlc/dgl#6293",
        whole_loop=True,
        stages=("training", "loading"),
    ),
)
