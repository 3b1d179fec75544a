"""Tries reading only the rows of a Parquet file that a program keeps."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from ..recording.facts import Read
from ._trial import import_pandas, times_of


def measure_rows(
    read: Read, kept_rows: int, columns: list[str], used: list[str] | None, deadline: float
) -> dict[str, float]:
    """Seconds for the whole file if its filter on ``columns`` were applied while it is read.

    ``kept_seconds``: all row groups are decoded, and as many rows as the program kept are made a frame, as where the
    rows lie anywhere. ``pruned_seconds``: the same of the row groups alone that hold such rows, by the file's own
    statistics of the first column.
    """
    import pyarrow.parquet as parquet

    path, pandas = Path(read.path or ""), import_pandas()
    if pandas is None or not read.rows or not path.is_file() or path.stat().st_size != read.size_bytes:
        return {}
    share = kept_rows / read.rows
    with parquet.ParquetFile(path) as file:
        metadata = file.metadata
        groups: list[int] = []
        rows = 0
        allowed = (deadline - time.monotonic()) / 4 / max(read.wall_ns / 1e9, 1e-3) * read.rows
        for group in range(metadata.num_row_groups):
            rows += metadata.row_group(group).num_rows
            if groups and rows > allowed:
                break
            groups.append(group)
        names = None if used is None else list(dict.fromkeys([*used, *columns]))
        mask = np.random.default_rng(0).random(sum(metadata.row_group(group).num_rows for group in groups)) < share

        def part() -> object:
            return file.read_row_groups(groups, columns=names).filter(mask).to_pandas()

        def whole() -> object:
            return file.read_row_groups(groups, columns=names).to_pandas()

        all_seconds, kept_seconds = min(times_of(whole, 2)[0]), min(times_of(part, 2)[0])
        touched = _touched(metadata, columns[0], share)
    ratio = min(1.0, kept_seconds / max(all_seconds, 1e-9))
    wall = read.wall_ns / 1e9
    return {"kept_seconds": wall * ratio, "pruned_seconds": wall * ratio * touched}


def _touched(metadata: Any, column: str, share: float) -> float:
    """Share of the row groups in which a range of values with ``share`` of the rows can lie; 1 if that is not known."""
    places = [i for i in range(metadata.num_columns) if metadata.schema.column(i).path == column]
    limits = []
    for group in range(metadata.num_row_groups if places else 0):
        statistics = metadata.row_group(group).column(places[0]).statistics
        if statistics is None or not statistics.has_min_max:
            return 1.0
        limits.append((statistics.min, statistics.max))
    try:
        low, high = min(first for first, _ in limits), max(last for _, last in limits)
        widths = [float((last - first) / (high - low)) for first, last in limits]
    except (TypeError, ValueError, ZeroDivisionError):
        return 1.0  # texts, or one value
    return min(1.0, share + sum(widths) / len(widths) + 1 / len(widths) * (len(widths) > 1))
