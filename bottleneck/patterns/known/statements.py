"""SQL that makes the database do more than the question needs, by the text of the statement."""

import ast
import re
from collections.abc import Iterator

from ..loops import in_loop
from ..model import Hot, Pattern, Price
from ..places import handler, known, less, more
from ..shapes import any_of
from ..source import Source
from ..syntax import last_name

_HOPS = 8
_STATEMENT = re.compile(r"\s*(?:select|with|create|insert|copy|from|explain)\b", re.I)
_QUOTED = re.compile(r"'[^']*'|--[^\n]*|/\*.*?\*/", re.S)
#: From ``on`` to the next part of the statement.
_ON = re.compile(r"\bjoin\b.*?\bon\b(.*?)(?=\bjoin\b|\bwhere\b|\bgroup\b|\border\b|\bleft\b|\binner\b|\bunion\b|;|\Z)", re.I | re.S)  # fmt: skip
_EQUAL = re.compile(r"\w\s*=\s*\w", re.I)
#: A function of a column, compared with something, after ``where``.
_OF_COLUMN = re.compile(
    r"\bwhere\b(?:(?!\bselect\b).)*?\b(?:date|datetime|strftime|date_trunc|year|month|lower|upper|substr|substring|trim|ltrim"
    r"|abs|cast|coalesce|ifnull|julianday|to_char)\s*\(\s*(?:,\s*)?(?:[a-z_]\w*\.)?[a-z_]\w*(?:\s*,[^()]*|\s+as\b[^()]*)?\)\s*"
    r"(?:[=<>!]|between\b|in\b|like\b)",
    re.I | re.S,
)
#: ``from t where c = ``: the table and the first column of the condition.
_FINDS = re.compile(
    r"\bfrom\s+[\"`]?(\w+)[\"`]?(?:\s+(?:as\s+)?\w+)?\s+where\s+(?:\w+\.)?(\w+)\s*=\s*(?:\?|:|%|\$|@|\{)", re.I
)
#: ``offset :n``, ``offset ?``, ``offset {n}``: another one in each query.
_SKIPS = re.compile(r"\boffset\s+(?:[:?$@]|%s|%\(|\{)", re.I)


def _statements(hot: Hot) -> Iterator[str]:
    """The statements that the call on the line, or one that it is chained to, hands to a database."""
    node: ast.AST | None = hot.node
    for _ in range(_HOPS):  # ``rows = rows.where(...)`` is chained to itself
        if not isinstance(node, ast.Call):
            return
        if node.args and _STATEMENT.match(asked := _text(hot.source, node.args[0])):
            yield _QUOTED.sub(" ", asked)
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        node = hot.source.literal(owner) if isinstance(owner, ast.Name) else owner


def _text(source: Source, value: ast.expr, hops: int = _HOPS) -> str:
    """The text of a value: of a literal, of the name of one, or inside ``text(...)``; of an f-string with ``{}``."""
    if not hops:
        return ""
    made = source.literal(value) or value
    if isinstance(made, ast.Call) and last_name(made.func) == "text" and made.args:
        made = source.literal(made.args[0]) or made.args[0]
    if isinstance(made, ast.Constant):
        return made.value if isinstance(made.value, str) else ""
    if isinstance(made, ast.JoinedStr):
        return "".join(str(each.value) if isinstance(each, ast.Constant) else "{}" for each in made.values)
    if isinstance(made, ast.BinOp) and isinstance(made.op, ast.Add):
        return _text(source, made.left, hops - 1) + _text(source, made.right, hops - 1)
    return ""


def _hides_a_column(hot: Hot) -> bool:
    """``where date(created) = ?``: an index of the column is of no use for a function of it.

    The function's only argument is the column, and its value is compared: ``lower(?)`` is of a value, ``count(x)`` of
    rows, and ``date('now')`` of nothing in the table.
    """
    return any(_OF_COLUMN.search(asked) for asked in _statements(hot))


def _joins_on_either(hot: Hot) -> bool:
    """``join contacts c on l.email = c.email or l.phone = c.phone``: no single key to hash, or to sort by."""
    return any(_is_either(each.group(1)) for asked in _statements(hot) for each in _ON.finditer(asked))


def _is_either(condition: str) -> bool:
    """Two equalities with OR between them, outside all parentheses but those around the whole condition."""
    parts, depth = [""], 0
    for token in re.split(r"(\(|\)|\bor\b)", condition.strip(), flags=re.I):
        depth += (token == "(") - (token == ")")
        if token.lower() == "or" and not depth:
            parts.append("")
        else:
            parts[-1] += token
    whole = parts[0].strip()
    if len(parts) == 1 and whole.startswith("(") and whole.endswith(")"):
        return _is_either(whole[1:-1])
    return len(parts) > 1 and all(_EQUAL.search(each) for each in parts)


def _skips_rows(hot: Hot) -> bool:
    """``limit :size offset :skipped`` in a statement, or ``select(...).limit(size).offset(skipped)``."""
    if any(_SKIPS.search(asked) for asked in _statements(hot)):
        return True
    if not isinstance(hot.node, ast.Call):
        return False
    given = [hot.node, *(hot.source.literal(each) for each in hot.node.args)]
    calls = {
        last_name(each.func): each
        for one in given
        if one is not None
        for each in ast.walk(one)
        if isinstance(each, ast.Call)
    }
    skipped = calls["offset"].args if "offset" in calls and "limit" in calls else []
    return bool(skipped) and not isinstance(skipped[0], ast.Constant)


def _finds_without_index(hot: Hot) -> bool:
    """``... from t where c = ?``, where the file creates the table ``t`` and no index that begins with ``c``."""
    found = [match for asked in _statements(hot) for match in _FINDS.finditer(asked)]
    if not found:
        return False
    table, column = (each.lower() for each in found[0].groups())
    texts = [
        _QUOTED.sub(" ", each.value).lower()
        for each in ast.walk(hot.source.tree)
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and "create" in each.value.lower()
    ]
    made = re.compile(rf"create\s+table\s+(?:if\s+not\s+exists\s+)?[\"`]?{table}[\"`]?\s*\((.*?)\)\s*(?:;|\Z)", re.S)
    tables = [match.group(1) for text in texts for match in made.finditer(text)]
    index = rf"\bindex\b[^;]*\bon\s+[\"`]?{table}[\"`]?\s*\(\s*[\"`]?{column}\b"
    key = rf"(?:^|,)\s*[\"`]?{column}\b[^,]*\b(?:primary\s+key|unique)\b|(?:unique|primary\s+key)\s*\(\s*{column}\b"
    return (
        bool(tables)
        and not any(re.search(key, each) for each in tables)
        and not any(re.search(index, each, re.S) for each in texts)
    )


def _waits_for_nothing_else(hot: Hot) -> bool:
    """A database in the process computes without the GIL, so its thread is no runner of Python."""
    return hot.seen.off_cpu is False or hot.seen.waits_for in (None, "native", "gil")


PATTERNS = (
    Pattern(
        id="column-without-index",
        title="No index serves the condition of the query, so each one reads the whole table",
        replacement="Create an index that begins with the column of the condition (and ends with that of ORDER BY)",
        snippet="create index activity_account on activity (account_id, created_at)",
        when=(_finds_without_index, any_of(handler(), in_loop()), _waits_for_nothing_else, more(share=0.1)),
        unless=(less(passes=5),),
        needs=("share",),
        beats=("query-in-loop", "query-scans-again", "statement-per-key"),
        leave="The table has a few hundred rows, or most rows match.",
        price=Price("amdahl", (2, 100)),
        source="use-the-index-luke.com, The Where Clause; sqlite.org/queryplanner.html",
        stages=("serving", "etl"),
        effort=1,
        risk=0.05,
    ),
    Pattern(
        id="join-on-either",
        title="Tables are joined on one key OR another, so each row is compared with every row of the other table",
        replacement="Join once for each key, and combine the results with UNION (UNION ALL would keep a pair that matches on "
        "both keys twice)",
        snippet="select l.id, c.id from leads l join contacts c on l.email = c.email\n"
        "union\nselect l.id, c.id from leads l join contacts c on l.phone = c.phone",
        when=(_joins_on_either, more(share=0.1)),
        needs=("share",),
        beats=("query-in-loop", "query-scans-again", "statement-per-key"),
        leave="One of the tables has only a few rows, or the database uses an index for each key.",
        price=Price("amdahl", (2, 100)),
        source="duckdb/duckdb discussions on OR in join conditions (nested-loop join); use-the-index-luke.com; "
        "own measurement: 15 with 20,000 and 40,000 rows",
        stages=("etl",),
    ),
    Pattern(
        id="function-of-a-column",
        title="The condition compares a function of a column, which no index of the column serves: each query reads all rows",
        replacement="Compare the column itself with bounds that Python computes (created >= :first AND created < :next), or create "
        "an index on the expression",
        snippet="where created >= :start and created < :end  -- instead of: where date(created) between :start and :end\n"
        "create index events_day on events (date(created))  -- or this, with the query as it is",
        when=(_hides_a_column, any_of(handler(), in_loop()), known(off_cpu=False), more(share=0.1)),
        unless=(less(passes=5),),
        needs=("share",),
        beats=("query-in-loop", "query-scans-again", "statement-per-key"),
        leave="The table is small, or another condition of the query selects a few rows by an index.",
        price=Price("amdahl", (2, 100)),
        source="use-the-index-luke.com, Functions in the WHERE clause; sqlite.org/expridx.html",
        stages=("serving", "etl"),
        effort=1,
    ),
    Pattern(
        id="offset-pagination",
        title="Each page is fetched with OFFSET, so the database reads and skips all earlier rows again",
        replacement="Continue after the last row: WHERE id > :last ORDER BY id LIMIT :size; or run the query once and use "
        "fetchmany (SQLAlchemy: yield_per, stream_results)",
        snippet="rows = con.execute(text('select * from orders where id > :last order by id limit :n'), "
        "{'last': last, 'n': PAGE}).fetchall()\nlast = rows[-1].id",
        when=(_skips_rows, in_loop(), more(share=0.1)),
        unless=(less(passes=5),),
        needs=("share",),
        beats=("query-in-loop", "query-scans-again", "statement-per-key"),
        leave="Only the first few pages are requested.",
        price=Price("amdahl", (2, 100)),
        source="use-the-index-luke.com, Paging through results (no OFFSET); StackOverflow 4481388",
        stages=("etl", "serving"),
    ),
)
