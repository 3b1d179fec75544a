"""Text to Parquet as a stream: a block of text in memory, not the table."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as parquet

from ._own_read import OwnRead
from .jobs import Job

GROUP_BYTES = 128 << 20  # of a row group in memory: readers skip and share out whole groups
MAX_GROUP_ROWS = 1 << 20
BLOCK_BYTES = 16 << 20
SAMPLE_BYTES = 4 << 20  # of the text, to choose a codec by
CODECS = ("zstd", "snappy")
SLOWER = 1.3  # zstd, the smaller one, is taken unless it takes this much longer to read [own]
_COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
#: What pandas takes for a missing value (its documentation of ``na_values``).
_MISSING = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
#: Arguments of pandas that a stream can honour, or that change nothing in it.
_STREAMED = frozenset(("sep", "delimiter", "usecols", "dtype", "engine", "low_memory", "memory_map", "compression"))


@dataclass(frozen=True)
class Layout:
    """How to write a file. ``types``: of its columns, None if it cannot be streamed. ``share``: the bytes to write for
    each byte of text, estimated; ``rows``: of a row group."""

    types: dict[str, str] | None
    codec: str
    rows: int
    share: float


def layout_of(job: Job, own: OwnRead) -> Layout:
    """Chosen by the table that the program's call returns and by the first part of the file."""
    rows = int(GROUP_BYTES * own.rows / max(1, own.memory_bytes))
    plain = len(job.separator or "") == 1 and _compression(job) is not None
    streams = own.types is not None and plain and _STREAMED.issuperset(job.options)
    types = dict(zip(own.names, own.types or (), strict=False)) if streams else None
    codec, share = _codec(job, types)
    return Layout(types, codec, max(1, min(rows, MAX_GROUP_ROWS)), share)


def write_text_as_parquet(job: Job, layout: Layout, part: Path, progress: Callable[[int, int], None]) -> bool:
    """Write ``part``. Returns False if the text does not have the expected columns. Raises OSError."""
    assert layout.types is not None
    size = job.source.stat().st_size
    try:
        with open(job.source, "rb") as text, _batches(job, layout.types, text) as batches:
            with parquet.ParquetWriter(part, batches.schema, compression=layout.codec) as writer:
                for table in _grouped(batches, layout.rows):
                    writer.write_table(table, row_group_size=layout.rows)
                    progress(text.tell(), size)
    except (pa.ArrowInvalid, pa.ArrowKeyError, UnicodeDecodeError):
        return False
    return True


@contextmanager
def _batches(job: Job, types: dict[str, str], text: Any) -> Iterator[Any]:
    """The open text in record batches."""
    compression = _compression(job)
    stream = pa.PythonFile(text)
    yield arrow_csv.open_csv(
        pa.CompressedInputStream(stream, compression) if compression else stream,
        arrow_csv.ReadOptions(block_size=BLOCK_BYTES),
        arrow_csv.ParseOptions(delimiter=job.separator, newlines_in_values=True),
        _converting(job, types),
    )


def _converting(job: Job, types: dict[str, str]) -> arrow_csv.ConvertOptions:
    fixed: dict[str, Any] = {name: pa.type_for_alias(kind) for name, kind in types.items()}
    if not job.call.startswith("pandas."):
        return arrow_csv.ConvertOptions(column_types=fixed)
    return arrow_csv.ConvertOptions(
        column_types=fixed,
        include_columns=list(fixed),
        null_values=list(_MISSING),
        true_values=["True", "TRUE", "true"],
        false_values=["False", "FALSE", "false"],
        strings_can_be_null=True,
    )


def _grouped(batches: Any, rows: int) -> Iterator[Any]:
    """Tables of ``rows`` rows; the last one has fewer."""
    waiting: list[Any] = []
    for batch in batches:
        waiting.append(batch)
        while sum(map(len, waiting)) >= rows:
            table = pa.Table.from_batches(waiting)
            yield table[:rows]
            waiting = table[rows:].to_batches()
    if waiting:
        yield pa.Table.from_batches(waiting)


def _codec(job: Job, types: dict[str, str] | None) -> tuple[str, float]:
    """(codec, bytes of Parquet for each byte of the file), tried on the first lines in memory."""
    if job.separator is None:
        return CODECS[0], 1.0
    try:
        with open(job.source, "rb") as file:
            whole = _compression(job)
            text = pa.CompressedInputStream(pa.PythonFile(file), whole) if whole else file
            data = bytes(text.read(SAMPLE_BYTES))
            taken = file.tell() if whole else len(data)
        data = data[: data.rfind(b"\n") + 1] or data
        options = arrow_csv.ParseOptions(delimiter=job.separator, newlines_in_values=True)
        given = _converting(job, types) if types is not None else None
        table = arrow_csv.read_csv(io.BytesIO(data), parse_options=options, convert_options=given)
    except (pa.ArrowException, UnicodeDecodeError, ValueError, TypeError):
        return CODECS[0], 1.0
    tried = {codec: _tried(table, codec) for codec in CODECS}
    small, fast = CODECS
    codec = small if tried[small][1] <= SLOWER * tried[fast][1] else fast
    return codec, tried[codec][0] / max(1, taken)


def _tried(table: Any, codec: str) -> tuple[int, float]:
    """(bytes, CPU seconds to read them)."""
    sink = io.BytesIO()
    parquet.write_table(table, sink, compression=codec)
    seconds = []
    for _ in range(3):
        begun = time.process_time()
        parquet.read_table(io.BytesIO(sink.getvalue()))
        seconds.append(time.process_time() - begun)
    return len(sink.getvalue()), min(seconds)


def _compression(job: Job) -> str | None:
    """The codec of the text, "" for none; None for one that cannot be streamed."""
    given = job.options.get("compression", "infer")
    found = job.source.suffix.lower()
    if given not in ("infer", None) or (given is None and found in _COMPRESSIONS) or found in (".zip", ".xz", ".tar"):
        return None
    return _COMPRESSIONS.get(found, "")
