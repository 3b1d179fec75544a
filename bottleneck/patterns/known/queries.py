"""Databases in the process: look-ups that search a table again and again."""

import ast
import itertools
import re
from collections.abc import Iterator

from ..loops import in_loop, names_of_pass
from ..masks import masks_of
from ..model import Hot, Pattern, Price
from ..places import every_pass, handler, known, less, loading, more
from ..shapes import all_of, any_of, below, calls, deep, first, leaf, text, written
from ..source import Source
from ..syntax import last_name, mentions, stored


def _query_of_a_database(hot: Hot) -> bool:
    called = hot.node.func if isinstance(hot.node, ast.Call) else None
    return isinstance(called, ast.Attribute) and any(
        path.startswith(("sqlite3.", "duckdb.")) and path.endswith(".execute") for path in hot.source.paths(called)
    )


def _fetches_a_query(hot: Hot) -> bool:
    """``.fetchone()`` behind ``execute("select ...")``: sqlite finds the rows while they are fetched."""
    node = hot.node
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr.startswith("fetch")):
        return False
    return isinstance(node.func.value, ast.Call) and _selects(Hot(hot.seen, node.func.value))


def _selects(hot: Hot) -> bool:
    return first(_looks_up)(hot) and _query_of_a_database(hot) and not _reads_its_own(hot)


def _asks_through_sqlalchemy(hot: Hot) -> bool:
    """``session.scalars(select(User).where(...)).first()``: the time is that of the database in the process.

    With an index, building the statement and the objects takes many times longer than the search.
    """
    searched = any_of(
        leaf("sqlalchemy/engine/default.py", "do_execute"),
        leaf("sqlalchemy/engine/cursor.py", "fetchall", "fetchone", "fetchmany"),
    )
    if not searched(hot) or not isinstance(hot.node, ast.Call):
        return False
    return any(
        last_name(each.func) in ("where", "filter", "filter_by", "join")
        for each in _around(hot)
        if isinstance(each, ast.Call)
    )


def _around(hot: Hot) -> Iterator[ast.AST]:
    """The function around the node, where its statement is put together, or the node alone."""
    return ast.walk(hot.source.function(hot.node) or hot.source.statement(hot.node))


def _looks_up(source: Source, value: ast.expr) -> bool:
    """``select ... where``, or a text of which the file shows the beginning alone."""
    if not text("select", "with")(source, value):
        return False
    asked = written(source, value)
    return asked is None or bool(re.search(r"\b(where|join|like|having)\b", asked, re.I))


def _adds_up_rows(hot: Hot) -> bool:
    """``for shop, amount in db.execute("select ..."): totals[shop] += amount``, and no more than that."""
    loop = next((each for each in hot.source.loops(hot.node) if isinstance(each, ast.For)), None)
    loop = loop or next((each for each in hot.source.above(hot.node) if isinstance(each, ast.For)), None)
    rows = loop.iter if loop is not None else None
    if isinstance(rows, ast.Name):
        bound = hot.source.bindings(rows)
        rows = bound[0].value if len(bound) == 1 else None
    while isinstance(rows, ast.Call) and isinstance(rows.func, ast.Attribute) and rows.func.attr.startswith("fetch"):
        rows = rows.func.value
    if loop is None or not isinstance(rows, ast.Call) or not _query_of_a_database(Hot(hot.seen, rows)):
        return False
    return len(loop.body) <= _SUMS and all(_adds(each, stored(loop.target)) for each in loop.body)


def _adds(statement: ast.stmt, row: set[str]) -> bool:
    """``totals[key] += value``, ``counts[key] = counts.get(key, 0) + 1``, of fields of the row."""
    if isinstance(statement, ast.If):
        return not statement.orelse and all(_adds(each, row) for each in statement.body)
    target: ast.expr | None = None
    if isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Add):
        target = statement.target
    elif isinstance(statement, ast.Assign) and isinstance(statement.value, ast.BinOp):
        target = statement.targets[0]
    return isinstance(target, ast.Subscript) and mentions(target.slice, row)


def _reads_its_own(hot: Hot) -> bool:
    """``f"select ... from {name}"``: each pass reads another table or file."""
    given = hot.node.args[0] if isinstance(hot.node, ast.Call) and hot.node.args else None
    parts = given.values if isinstance(given, ast.JoinedStr) else []
    names = names_of_pass(hot, hot.node)
    return any(
        re.search(r"\b(from|join)\s+(\w+\()?\[?[\"'`]?$", str(getattr(before, "value", "")), re.I)
        and mentions(value, names)
        for before, value in itertools.pairwise(parts)
    )


def _walks_a_query_again(hot: Hot) -> bool:
    """``for row in db.execute("select ...")`` in a function that runs once per item.

    The interpreter shows the database's work at the last line of the body, where it looks for signals.
    """
    loops = [loop for loop in hot.source.loops(hot.node) if isinstance(loop, ast.For)]
    if not loops or hot.seen.below or hot.seen.rivals:
        return False
    asked = loops[0].iter
    return isinstance(asked, ast.Call) and _selects(Hot(hot.seen, asked)) and in_loop()(Hot(hot.seen, loops[0]))


def _uses_no_index(hot: Hot) -> bool:
    """The condition is a LIKE, or is on a function of a column."""
    built = [each.func for each in _around(hot) if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute)]
    if any(each.attr in _NO_INDEX or (each.attr in _FUNCTIONS and last_name(each.value) == "func") for each in built):
        return True
    words = [
        each.value for each in ast.walk(hot.node) if isinstance(each, ast.Constant) and isinstance(each.value, str)
    ]
    return any(
        re.search(r"\blike\b|where.*\b(lower|upper|date|substr|abs|trim)\s*\(", each, re.I | re.S) for each in words
    )


def _asks_for_all_rows(source: Source, value: ast.expr) -> bool:
    """``select * from orders``: no condition, no limit, no sums."""
    asked = written(source, value) or ""
    whole = re.match(r"\s*select\s+(?!distinct)[^()]+\s+from\s", asked, re.I)
    return bool(whole) and not re.search(r"\b(where|limit|group|join|having|sample)\b", asked, re.I)


def _fetches_all_for_a_part(hot: Hot) -> bool:
    """``rows = db.execute("select a, b from t").fetchall()``, of which ``[row for row in rows if row[0] == key]`` is
    used, and that alone."""
    node = hot.node
    call = node.func.value if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
    if not isinstance(call, ast.Call) or last_name(node.func) != "fetchall":  # type: ignore[attr-defined]
        return False
    statement = hot.source.statement(node)
    made = statement.targets[0] if isinstance(statement, ast.Assign) and statement.value is node else None
    if not isinstance(made, ast.Name) or not first(_asks_for_all_rows)(Hot(hot.seen, call)):
        return False
    around = hot.source.function(node) or hot.source.tree
    uses = [each for each in ast.walk(around) if isinstance(each, ast.Name) and each.id == made.id and each is not made]
    walks = [hot.source.parents.get(each) for each in uses]
    if len(walks) != 1 or hot.source.loops(uses[0]):
        return False
    test = walks[0].ifs[0] if isinstance(walks[0], ast.comprehension) and walks[0].ifs else None
    if not isinstance(test, ast.Compare) or not isinstance(test.left, ast.Subscript):
        return False
    compared = isinstance(test.comparators[0], ast.Constant | ast.Name)
    return compared and not isinstance(test.ops[0], ast.In | ast.NotIn)


def _flushes_a_row(hot: Hot) -> bool:
    """``session.add(item); session.flush()`` in one pass, of a session of SQLAlchemy."""
    node = hot.node
    if not isinstance(node, ast.Call) or last_name(node.func) != "flush" or node.args:
        return False
    loop = next((each for each in hot.source.loops(node)), None)
    inside = [each for each in ast.walk(loop) if isinstance(each, ast.Call)] if loop is not None else []
    adds = any(last_name(each.func) == "add" and isinstance(each.func, ast.Attribute) for each in inside)
    return adds and any(frame.is_in("sqlalchemy/") for frame in hot.seen.below)


_NO_INDEX = ("like", "ilike", "contains", "icontains", "endswith")  # of a column of SQLAlchemy
_FUNCTIONS = ("lower", "upper", "date", "substr", "abs", "trim", "strftime")
_SUMS = 4  # statements of a loop that adds up

PATTERNS = (
    Pattern(
        id="rows-added-up-in-python",
        title="The query fetches every row, and Python adds them up by key",
        replacement="Let the database add up: SELECT key, SUM(amount), COUNT(*) ... GROUP BY key",
        snippet="totals = dict(db.execute('select shop, sum(amount) from sales group by shop'))",
        when=(_adds_up_rows,),
        leave="The rows are needed one by one as well.",
        price=Price("amdahl", (1.5, 6)),  # own measurement with sqlite: 2.2 to 3 by two keys, more by one
        source="sqlite.org/lang_aggfunc.html",
        stages=("etl",),
        effort=1,
        risk=0.05,
    ),
    Pattern(
        id="filtered-after-query",
        title="The query fetches the whole table, and the program keeps some of its rows",
        replacement="Let the database filter: put the condition into WHERE (with parameters), and name the columns in use",
        snippet="orders = pd.read_sql('select day, amount from orders where shop = ? and status = ?', db, params=(shop, 'paid'))",
        when=(
            any_of(
                all_of(
                    any_of(
                        calls(
                            "pandas.read_sql",
                            "pandas.read_sql_query",
                            "polars.read_database",
                            "polars.read_database_uri",
                        ),
                        below("pandas/io/sql.py"),
                    ),
                    first(_asks_for_all_rows),
                    lambda hot: bool(masks_of(hot.source, hot.node)),
                ),
                _fetches_all_for_a_part,
            ),
        ),
        leave="Most of the rows are kept.",
        price=Price("amdahl", (1.5, 50)),
        source="pandas user guide, IO tools: SQL queries; StackOverflow 18107953 (memory of read_sql)",
        stages=("etl",),
        effort=1,
        risk=0.05,
    ),
    Pattern(
        id="columnar-rows-inserted",
        title="DuckDB, a column store, is given its rows one by one",
        replacement="Insert a whole table at once: INSERT INTO t SELECT * FROM frame (pandas, polars or Arrow), or COPY from a file",
        snippet="frame = pd.DataFrame(rows, columns=names)\nconnection.execute('insert into t select * from frame')",
        when=(calls("duckdb.connect().executemany", "duckdb.connect().cursor().executemany", "duckdb.executemany"),),
        leave="A few rows.",
        price=Price("wait", (5, 100)),
        source="duckdb/duckdb#2458 (8 min to 1 s), #10106 (16 s to 24 ms), pentamorfico/hoodini#88 (28 s to under 1 s)",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="flush-per-row",
        title="Each new object is flushed to the database on its own, with a statement and a round trip of its own",
        replacement="Call session.add_all(objects) and flush or commit once at the end; for many rows "
        "session.execute(insert(Model), dicts)",
        snippet="session.add_all(Item(**row) for row in rows)\nsession.commit()",
        when=(_flushes_a_row, in_loop(), every_pass()),
        unless=(less(passes=100),),
        beats=("insert-per-row",),
        leave="The generated key of each object is needed at once.",
        price=Price("amdahl", (2, 20)),
        source="docs.sqlalchemy.org, Performance (bulk inserts: one flush for all objects)",
        stages=("etl", "serving"),
        effort=1,
    ),
    Pattern(
        id="reloaded-after-commit",
        title="A commit expires the objects of the session, and each one that is used afterwards is selected again",
        replacement="Build what is needed before the commit, or make the session with expire_on_commit=False",
        snippet="Session = sessionmaker(engine, expire_on_commit=False)",
        when=(deep("sqlalchemy/orm/state.py", "_load_expired"), any_of(handler(), in_loop())),
        unless=(less(passes=5),),
        beats=("orm-lazy-n-plus-one",),
        leave="Other transactions change the rows meanwhile, and their new values are needed.",
        price=Price("once"),
        source="docs.sqlalchemy.org, Session Basics (Committing, expire_on_commit), sqlalchemy/sqlalchemy discussions 11495",
        stages=("serving", "etl"),
        effort=1,
    ),
    Pattern(
        id="query-scans-again",
        title="Each look-up is a separate query, and the database searches for each key",
        replacement="Run one query, with IN, a join or GROUP BY, and look the keys up in a dict; if a query takes more than "
        "a few microseconds, make an index that its condition can use (LIKE and functions of a column use none; see "
        "EXPLAIN QUERY PLAN); a dataset can read its table once in __init__",
        snippet="rows = dict(db.execute('select email, id from customers'))  # all at once\n"
        "create index by_email on customers (email collate nocase)  # or an index",
        when=(
            any_of(_selects, _fetches_a_query, _walks_a_query_again, _asks_through_sqlalchemy),
            any_of(in_loop(), loading()),
            known(off_cpu=False),
            any_of(_uses_no_index, more(share=0.3), all_of(loading(), more(seconds_each=0.001))),
        ),
        unless=(less(passes=20),),
        beats=("statement-per-key",),
        leave="The look-ups are by an index and few.",
        price=Price("amdahl", (2, 100)),
        source="n24q02m/wet-mcp#495, MolSSI/QCFractal#615, StackOverflow 8584499",
        stages=("etl", "serving", "loading"),
        effort=1,
    ),
)
