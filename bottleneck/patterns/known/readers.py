"""Slow ways to read: dataset rows one by one, compressed arrays, a statement per key, a text file per query."""

import ast
import re

from ..loops import in_loop, varies
from ..masks import masks_of
from ..model import Hot, Pattern, Price
from ..places import known, less, loading
from ..shapes import all_of, any_of, below, calls, deep, leaf
from ..syntax import Loop, last_name, mentions

_COUNTS = ("range", "enumerate", "trange", "arange")


def _one_row(hot: Hot) -> bool:
    """``dataset[i]`` with the number of the pass, of ``for i in range(...)``: one row, not a list of them."""
    node = hot.node
    if not isinstance(node, ast.Subscript) or isinstance(node.slice, ast.Slice | ast.Tuple):
        return False
    return any(mentions(node.slice, names) for names in _counters(hot))


def _counters(hot: Hot) -> list[set[str]]:
    found = []
    for loop in hot.source.loops(hot.node):
        for each in getattr(loop, "generators", [loop] if isinstance(loop, ast.For) else []):
            counted = [part for part in ast.walk(each.iter) if isinstance(part, ast.Call)]
            if any(last_name(part.func) in _COUNTS for part in counted):
                found.append({part.id for part in ast.walk(each.target) if isinstance(part, ast.Name)})
    return found


def _selects(hot: Hot) -> bool:
    """``connection.execute(text("select ..."), {"id": key})`` or ``session.scalars(select(User).where(...))``, and not
    a statement that writes."""
    node = hot.node
    if not isinstance(node, ast.Call) or last_name(node.func) not in ("execute", "scalar", "scalars"):
        return False
    given = node.args[0] if node.args else None
    made = hot.source.literal(given) if isinstance(given, ast.Name) else given
    for each in ast.walk(made) if made is not None else ():
        if isinstance(each, ast.Call) and last_name(each.func) == "select":
            return True
        if isinstance(each, ast.Constant) and re.match(r"\s*(select|with)\b", str(each.value), re.I):
            return True
    return False


#: A file of text as a table of a query: ``from 'trips.csv'``, ``from read_json('a.json')``.
_TEXT_FILE = re.compile(
    r"\b(?:from|join)\s+(?:read_\w+\s*\(\s*)?'[^'{}]+\.(?:csv|tsv|json|jsonl|ndjson)(?:\.\w+)?'", re.I
)
_ASKS = re.compile(r"duckdb\.(sql|query|execute)|duckdb\.connect\(\)\.(sql|query|execute)")


def _asks_a_text_file(hot: Hot) -> bool:
    """``duckdb.sql("select ... from 'trips.csv' ...")``, or what is fetched from it on the same line."""
    node = hot.node
    while isinstance(node, ast.Call) and not _is_asked(hot, node):
        node = node.func.value if isinstance(node.func, ast.Attribute) else ast.Pass()
    if not isinstance(node, ast.Call) or not node.args:
        return False
    asked = hot.source.literal(node.args[0]) if isinstance(node.args[0], ast.Name) else node.args[0]
    parts = asked.values if isinstance(asked, ast.JoinedStr) else [asked]
    texts = [str(part.value) for part in parts if isinstance(part, ast.Constant)]
    makes = any(re.match(r"\s*(create|insert|copy)\b", text, re.I) for text in texts[:1])
    return not makes and any(_TEXT_FILE.search(text) for text in texts) and not _writes_files(hot)


def _is_asked(hot: Hot, node: ast.Call) -> bool:
    return any(_ASKS.fullmatch(path) for path in hot.source.paths(node.func))


def _writes_files(hot: Hot) -> bool:
    """The loop around writes files: perhaps this one, anew in each pass."""
    loop = next((each for each in hot.source.loops(hot.node) if isinstance(each, Loop)), None)
    inside = [each for each in ast.walk(loop) if isinstance(each, ast.Call)] if loop is not None else []
    writes = ("to_csv", "write_csv", "write_text", "to_json", "write", "writerow", "writerows", "dump")
    return any(last_name(each.func) in writes for each in inside)


def _for_a_part(hot: Hot) -> bool:
    """A part of the array is used, as in ``archive["x"][i]``: another pattern says so."""
    outer = hot.source.parents.get(hot.node)
    return isinstance(hot.node, ast.Subscript) and isinstance(outer, ast.Subscript) and outer.value is hot.node


def _of_a_dataset(hot: Hot) -> bool:
    """``pyarrow.dataset.dataset(folder).to_table()``: to find the files takes no time beside reading them."""
    node = hot.node
    if not isinstance(node, ast.Call) or "pyarrow.dataset.dataset().to_table" not in hot.source.paths(node.func):
        return False
    return hot.seen.rivals <= {each for each in ast.walk(node) if isinstance(each, ast.Call)}


def _keeps_a_part(hot: Hot) -> bool:
    """The table is used through one filter alone, or ``read(...).filter(...)`` stands in one expression."""
    node = hot.node
    outer = hot.source.parents.get(node)
    if isinstance(outer, ast.Attribute) and outer.attr == "filter":
        return isinstance(hot.source.parents.get(outer), ast.Call)
    masks = masks_of(hot.source, node)
    alike = len({ast.dump(mask) for mask in masks}) == 1
    return alike and len(hot.source.loops(masks[0])) <= len(hot.source.loops(node))


def _is_told_a_filter(hot: Hot) -> bool:
    given = hot.node.keywords if isinstance(hot.node, ast.Call) else []
    return any(each.arg in ("filter", "filters", None) for each in given)


PATTERNS = (
    Pattern(
        id="filtered-after-read",
        title="A whole table is read, and a filter keeps some of its rows",
        replacement="Let the reader filter: to_table(filter=..., columns=...) or read_table(filters=...) of pyarrow, "
        "scan_parquet(...).filter(...).collect() of polars; they skip files and row groups without such rows",
        snippet="table = dataset.to_table(filter=pc.field('day') == day, columns=['user', 'spent'])",
        when=(
            any_of(calls("pyarrow.parquet.read_table", "polars.read_parquet", "polars.read_ipc"), _of_a_dataset),
            _keeps_a_part,
        ),
        unless=(_is_told_a_filter,),
        leave="Most of the rows are kept.",
        price=Price("amdahl", (1.3, 20)),
        source="arrow.apache.org/docs/python/dataset.html, Filtering data; docs.pola.rs, Lazy API (predicate pushdown)",
        stages=("etl",),
        effort=1,
        risk=0.05,
    ),
    Pattern(
        id="dataset-row-by-row",
        title="The rows of a dataset are read one by one, and each is formatted separately",
        replacement="Read the column once (ds['price'][:]), or iterate over ds.iter(batch_size=1000), which formats a whole batch; "
        "ds.with_format('numpy') for numbers",
        snippet="for batch in ds.iter(batch_size=1000):\n    for price in batch['price']:\n        use(price)",
        when=(below("datasets/"), _one_row, deep("datasets/formatting/formatting.py")),
        unless=(loading(), deep("datasets/features/image.py"), deep("datasets/features/audio.py"), less(passes=100)),
        leave="The rows are large (images, audio), or there are few of them.",
        price=Price("amdahl", (10, 100)),
        source="huggingface/datasets documentation, Access rows and batches; own measurement: 31 (iter) and 142 (column)",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="archive-unpacked",
        title="Arrays are decompressed from an .npz file, on one core",
        replacement="Save them without compression: with np.savez, or each in an .npy file (np.save), which "
        "np.load(mmap_mode='r') opens without reading all of it",
        snippet="np.save(path.with_suffix('.npy'), array)  # once\narray = np.load(path.with_suffix('.npy'), mmap_mode='r')",
        when=(
            any_of(below("numpy/lib/_npyio_impl.py", "__getitem__"), below("numpy/lib/npyio.py", "__getitem__")),
            any_of(leaf("zipfile.py", "_read1"), leaf("zipfile/__init__.py", "_read1")),
        ),
        unless=(all_of(_for_a_part, in_loop()), loading()),
        leave="Reading more bytes from the disk or the network takes longer than decompressing, or space matters more.",
        price=Price("amdahl", (5, 15)),
        source="numpy/numpy#23661; own measurement: savez 6 to 14 times and save 17 times as fast as savez_compressed",
        stages=("etl",),
        effort=1,
        risk=0.05,
    ),
    Pattern(
        id="statement-per-key",
        title="Each key is looked up with a separate statement, which SQLAlchemy builds, runs and turns into objects each time",
        replacement="Run one query, with where(Table.id.in_(keys)) or a join, and look the keys up in a dict",
        snippet="found = dict(session.execute(select(User.id, User.name).where(User.id.in_(keys))).all())",
        when=(_selects, below("sqlalchemy/"), in_loop(), varies()),
        # In SQLite itself: the search takes the time, not the statement.
        unless=(less(passes=20), all_of(known(off_cpu=False), leaf("sqlalchemy/engine/default.py", "do_execute"))),
        beats=("query-in-loop",),
        leave="The next key depends on the result.",
        price=Price("amdahl", (4, 15)),
        source="docs.sqlalchemy.org, Performance (How can I profile a SQLAlchemy powered application); own measurement: 12",
        stages=("etl", "serving"),
        effort=1,
    ),
    Pattern(
        id="text-parsed-per-query",
        title="Each query parses the text file again",
        replacement="Load it once: create table trips as select * from 'trips.csv', or keep it as Parquet, from which a query "
        "reads only the columns that it uses",
        snippet="duckdb.sql(\"create table trips as select * from 'trips.csv'\")\nduckdb.sql('select avg(fare) from trips')",
        when=(_asks_a_text_file, in_loop(), any_of(below("duckdb/"), lambda hot: not hot.seen.below)),
        unless=(less(passes=2),),
        beats=("query-in-loop", "query-scans-again"),
        leave="The file changes between the queries.",
        price=Price("amdahl", (8, 25)),
        source="duckdb.org/docs, Performance guide (file formats: Parquet or a table for repeated queries); own measurement: 18 to 23",
        stages=("etl",),
        effort=1,
    ),
)
