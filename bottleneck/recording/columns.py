"""Columns of numbers between numpy and arrow.

pyarrow's own conversions import all of pandas wherever that is installed, which costs a third of a second and 40 MB.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq


def to_arrow(values: npt.NDArray[Any], known: npt.NDArray[np.bool_] | None = None) -> Any:
    """Numbers or booleans as an arrow array; ``known``: which of them there are, None for all."""
    kept = np.packbits(values, bitorder="little") if values.dtype == bool else np.ascontiguousarray(values)
    validity = None if known is None else pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [validity, pa.py_buffer(kept)])


def measured(values: Sequence[float | None]) -> Any:
    """Numbers of one kind as an arrow array; None, where nothing was measured, is no value there."""
    known = np.array([value is not None for value in values], bool)
    if not known.any():
        return pa.nulls(len(values))
    nothing = type(next(value for value in values if value is not None))()
    return to_arrow(np.array([nothing if value is None else value for value in values]), known)


def write(columns: Mapping[str, Any], path: Path) -> None:
    """Write columns, of numpy or of arrow, as a Parquet file. Raises OSError.

    Dictionaries and statistics would make small files larger, and slower to write and to read.
    """
    arrays = [to_arrow(each) if isinstance(each, np.ndarray) else each for each in columns.values()]
    table = pa.Table.from_arrays(arrays, list(columns))
    pq.write_table(
        table, path, compression="zstd", use_dictionary=False, write_statistics=False, write_page_checksum=True
    )


def to_numpy(values: Any) -> npt.NDArray[Any]:
    """The numbers or booleans of an arrow array; any, where there is none (see ``is_known``)."""
    if pa.types.is_boolean(values.type):
        return _bits(values, 1)
    dtype = np.dtype(values.type.to_pandas_dtype())
    data = values.buffers()[1]
    if not len(values) or data is None:
        return np.zeros(len(values), dtype)
    return np.frombuffer(data, dtype, len(values), values.offset * dtype.itemsize)


def is_known(values: Any) -> npt.NDArray[np.bool_]:
    """Where an arrow array has a value."""
    return _bits(values, 0) if values.null_count else np.ones(len(values), bool)


def _bits(values: Any, buffer: int) -> npt.NDArray[np.bool_]:
    data = values.buffers()[buffer]
    if not len(values) or data is None:
        return np.zeros(len(values), bool)
    bits = np.unpackbits(np.frombuffer(data, "u1"), count=values.offset + len(values), bitorder="little")
    return bits[values.offset :].view(bool)
