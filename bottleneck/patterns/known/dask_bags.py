"""Dask bags: records in plain Python, which are pickled to pass from one process to another."""

import ast

from ..model import Hot, Pattern, Price, Sighting
from ..places import calls_of
from ..shapes import deep

_MADE = ("read_text", "read_avro", "from_sequence", "from_delayed", "from_url", "from_zip", "range")
_GROUPS = tuple(f"dask.bag.{made}*.groupby" for made in _MADE)


def _groups(seen: Sighting) -> list[ast.Call]:
    return list(calls_of(seen.source, *_GROUPS))


def _groups_a_bag(hot: Hot) -> bool:
    return bool(_groups(hot.seen))


PATTERNS = (
    Pattern(
        id="bag-groupby",
        title="Bag.groupby shuffles every record between the partitions",
        replacement="Aggregate inside each partition first, with foldby(key, binop, initial, combine, combine_initial), or convert "
        "the records to a DataFrame and group that",
        snippet="add = lambda total, event: total + event['amount']\n"
        "totals = dict(events.foldby('user', add, 0, operator.add, 0).compute())",
        when=(deep("dask/base.py", "compute", "persist"), _groups_a_bag),
        cause=lambda seen: next((each.lineno for each in _groups(seen)), None),
        across=True,
        leave="Each group is needed as a whole, and the records do not fit in memory as a DataFrame.",
        price=Price("amdahl", (1.5, 8)),  # own measurement: 3.5 with 200,000 records of six fields
        source="dask documentation, Bag: groupby and foldby (shuffle of all data to new partitions)",
        stages=("etl",),
    ),
)
