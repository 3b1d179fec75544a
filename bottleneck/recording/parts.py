"""Reads a table's Parquet parts one by one into columns of the final size, so there are never two copies of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from .columns import is_known, to_numpy
from .folder import RunError, damaged
from .model import RECORD_DTYPE, TASK_DTYPE, Records, Table

_BATCH_ROWS = 1 << 14  # rows decoded at once
_ERRORS = (OSError, ValueError, MemoryError, pa.ArrowException)  # what pyarrow raises for corrupted bytes


def read(
    run_dir: Path, name: str, schema: Mapping[str, np.dtype[Any]], absent: Mapping[str, int] | None = None
) -> Table:
    """The columns of ``schema`` from all parts; other columns are left out. Raises RunError naming a damaged part.

    ``absent``: columns that a part may lack, with the value that they have there.
    """
    rows = _rows(run_dir, name)
    count = sum(rows.values())
    table = {column: np.empty(count, dtype) for column, dtype in schema.items()}
    for column, value in (absent or {}).items():
        table[column].fill(value)
    _fill(rows, table, absent or {})
    return table


def read_records(run_dir: Path, name: str) -> Records:
    """A table of records, sorted by end time."""
    rows = _rows(run_dir, name)
    records = np.empty(sum(rows.values()), RECORD_DTYPE)
    _fill(rows, {column: records[column] for column in RECORD_DTYPE.names or ()})
    ends = records["t1"]
    if (ends[1:] >= ends[:-1]).all():
        return records
    return records[np.argsort(ends, kind="stable")]


def read_tasks(run_dir: Path) -> Records:
    """The table of Spark's tasks, in its order."""
    rows = _rows(run_dir, "tasks")
    tasks = np.empty(sum(rows.values()), TASK_DTYPE)
    _fill(rows, {column: tasks[column] for column in TASK_DTYPE.names or ()})
    return tasks


def read_samples(run_dir: Path, name: str, whole: Sequence[str], needed: Sequence[str] = ()) -> Table:
    """Samples of the host or the GPU: every measured number, NaN where it was not measured.

    The columns ``whole`` (integers) and ``needed`` must be in every part.
    """
    found: dict[str, list[npt.NDArray[Any]]] = {}
    rows = 0
    for path in _paths(run_dir, name):
        for batch in _batches(path, None, [*whole, *needed]):
            columns = dict(zip(batch.schema.names, batch.columns, strict=True))
            for column in found.keys() | columns.keys():
                before = found.setdefault(column, [np.full(rows, np.nan)] if rows else [])
                if column not in columns:
                    before.append(np.full(len(batch), np.nan))
                elif column in whole:
                    before.append(_typed(path, column, columns[column], np.dtype("i8")))
                else:
                    before.append(_number(path, column, columns[column]))
            rows += len(batch)
    return {column: np.concatenate(values) for column, values in found.items()}


def _paths(run_dir: Path, name: str) -> list[Path]:
    return sorted((run_dir / "tables").glob(f"{name}-*.parquet"))


def _rows(run_dir: Path, name: str) -> dict[Path, int]:
    """Part -> the rows that it says it has, in order."""
    rows = {}
    for path in _paths(run_dir, name):
        try:
            rows[path] = int(pq.read_metadata(path).num_rows)
        except _ERRORS as error:
            raise damaged(path, error) from None
    return rows


def _batches(path: Path, columns: list[str] | None, needed: list[str]) -> Iterator[Any]:
    """Record batches of ``columns``, None for all. Raises RunError, also if a column in ``needed`` is missing."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            names = set(file.schema_arrow.names)
            lacking = [column for column in needed if column not in names]
            if lacking:
                raise RunError(f"{path} is damaged: it has no column {lacking[0]}")
            yield from file.iter_batches(_BATCH_ROWS, columns=columns, use_threads=False)
    except _ERRORS as error:
        raise damaged(path, error) from None


def _fill(rows: Mapping[Path, int], table: Table, absent: Mapping[str, int] | None = None) -> None:
    at = 0
    for path, count in rows.items():
        end = at + count
        for batch in _batches(path, list(table), [column for column in table if column not in (absent or {})]):
            for column, target in table.items():
                if column not in batch.schema.names:
                    continue
                values = _typed(path, column, batch.column(column), target.dtype)
                if at + len(values) > end:
                    raise damaged(path, "it has more rows than it says")
                target[at : at + len(values)] = values
            at += len(batch)
        if at != end:
            raise damaged(path, "it has fewer rows than it says")


def _typed(path: Path, column: str, values: Any, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    wanted = pa.types.is_boolean if dtype.kind == "b" else pa.types.is_integer
    if not wanted(values.type) or values.null_count:
        raise damaged(path, f"column {column} is {values.type}{' with gaps' if values.null_count else ''}")
    found = to_numpy(values)
    if found.dtype != dtype and len(found):
        limits = np.iinfo(dtype)
        for value in (int(found.min()), int(found.max())):
            if not limits.min <= value <= limits.max:
                raise damaged(path, f"column {column}: {value} is no {dtype}")
    return found


def _number(path: Path, column: str, values: Any) -> npt.NDArray[Any]:
    kind = values.type
    if pa.types.is_null(kind):
        return np.full(len(values), np.nan)
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        raise damaged(path, f"column {column} is {kind}")
    found = to_numpy(values)
    if values.null_count:
        found = np.where(is_known(values), found, np.nan)
    return found
