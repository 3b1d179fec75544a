"""Facts about files that were read and tables that were worked on."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from msgspec import Meta

from .base import Fact, Int, Moment, Real


class Read(Fact, frozen=True):
    """A call that reads a file, or several small ones. ``columns``: returned; ``asked_columns``: requested.

    ``options``: the arguments that change how text is parsed, where their values cannot be secrets; ``hidden``: names
    of the other arguments. ``library``: the version that read it. All three are None if they were not recorded.
    """

    kind: ClassVar[str] = "read"
    id: Int
    call: str
    format: str
    count: Annotated[int, Meta(ge=1, le=2**62)]
    wall_ns: Int
    cpu_ns: Int
    t0: Moment
    t1: Moment
    site: Int | None = None
    path: str | None = None
    size_bytes: Int | None = None
    rows: Int | None = None
    columns: list[Any] | None = None
    column_count: Int | None = None
    asked_columns: list[Any] | None = None
    engine: Any = None
    dtypes: list[Any] | None = None
    options: dict[str, Any] | None = None
    hidden: list[str] | None = None
    library: str | None = None


class Used(Fact, frozen=True):
    """Columns of a read's table that the program used; None means all of them."""

    kind: ClassVar[str] = "used"
    read: Int
    columns: list[Any] | None


class Moved(Fact, frozen=True):
    """Time spent deriving another table from a read's table."""

    kind: ClassVar[str] = "moved"
    read: Int
    wall_ns: Int


class Kept(Fact, frozen=True):
    """Rows that the first selection of rows left of a read's table."""

    kind: ClassVar[str] = "kept"
    read: Int
    rows: Int


class RowWise(Fact, frozen=True):
    """A loop over the rows of a table. ``own_ns``: time creating the rows, None if it cannot be told apart."""

    kind: ClassVar[str] = "rowwise"
    call: str
    rows: Int
    columns: Int
    t0: Moment
    t1: Moment
    cpu_ns: Int
    own_ns: Int | None = None
    site: Int | None = None
    function: str = ""


class Probe(Fact, frozen=True):
    """Times of reading a file in other ways. ``source``: the user's statement that reads it.

    ``unpack_seconds``, ``zstd_seconds``: CPU time to unpack a compressed text as it is, and with zstd.
    ``engine_seconds``: a workbook, read with calamine. ``conditions``: (column, operator, value as written) of the
    filter that follows the read, if the reader could apply it. ``kept_seconds``, ``pruned_seconds``: reading the file
    and keeping as many rows as the program did, from all row groups, and from those that hold such rows.
    """

    kind: ClassVar[str] = "probe"
    read: Int
    source: str = ""
    parquet_seconds: Real | None = None
    parquet_low_seconds: Real = 0
    parquet_high_seconds: Real = 0
    text_seconds: Real | None = None
    used_seconds: Real | None = None
    all_seconds: Real | None = None
    write_seconds: Real | None = None
    feather_seconds: Real | None = None
    unpack_seconds: Real | None = None
    zstd_seconds: Real | None = None
    engine_seconds: Real | None = None
    conditions: tuple[tuple[str, str, str], ...] = ()
    kept_seconds: Real | None = None
    pruned_seconds: Real | None = None
