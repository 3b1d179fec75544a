"""What the ETL detectors share: locations, sizes, and the user's own call rewritten."""

from __future__ import annotations

import re

from ...findings import Evidence, Location
from ...timeline.etl import Etl
from ...timeline.reads import Read
from ...timeline.tables import Site

MIN_GAIN_SHARE = 0.02  # of the run: the dead band of signatures.md 2


def location(site: Site | None) -> Location | None:
    return None if site is None else Location(site.file, site.line, site.function)


def evidence(reads: list[Read], seconds: float, etl: Etl, wall_seconds: float) -> tuple[Evidence, ...]:
    """The numbers every reading finding shows."""
    first = reads[0]
    found = [
        Evidence("time in the reader", seconds, "s"),
        Evidence("share of the run", seconds / max(wall_seconds, 1e-9), "share"),
        Evidence("share of the ETL time", min(1.0, seconds / max(etl.seconds, 1e-9)), "share"),
        Evidence("reader", first.call),
        Evidence("reads on this line", sum(read.count for read in reads), "count"),
        Evidence("different files", len({read.path for read in reads}), "count"),
    ]
    if first.path:
        found.insert(0, Evidence("first file", first.path))
    if first.size_bytes is not None:
        found.append(Evidence("its size", first.size_bytes, "B"))
    if first.rows is not None:
        found.append(Evidence("its rows", first.rows, "count"))
    return tuple(found)


def target(read: Read, default: str = "frame") -> str:
    """The variable the user gives the result."""
    match = re.match(r"\s*([A-Za-z_][\w.]*)\s*(?::[^=]+)?=[^=]", read.source)
    return match.group(1) if match else default


def first_argument(read: Read) -> str:
    """The file as the user's code writes it, else its path as a literal."""
    match = re.search(r"read_\w+\(\s*([^,()]+(?:\([^()]*\))?[^,()]*)", read.source)
    return match.group(1).strip() if match else repr(read.path or "data.csv")


def parquet_name(argument: str) -> str:
    """The same file name ending in .parquet, as an expression."""
    literal = re.fullmatch(r"""(.*)(["'])(.*)\.\w+\2(.*)""", argument)
    if literal:
        return f"{literal[1]}{literal[2]}{literal[3]}.parquet{literal[2]}{literal[4]}"
    return f'Path({argument}).with_suffix(".parquet")'


def column_list(columns: list[str], limit: int = 12) -> str:
    """A list literal; a long one is cut with a comment."""
    if len(columns) <= limit:
        return repr(columns)
    return "[" + ", ".join(map(repr, columns[:limit])) + f"]  # and {len(columns) - limit} more"
