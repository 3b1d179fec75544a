"""Columns go to arrow and back as pyarrow itself would take them, without all of pandas."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bottleneck_profiler.recording.columns import is_known, measured, to_arrow, to_numpy, write
from hypothesis import given, settings
from hypothesis import strategies as st

Kinds = st.sampled_from(["?", "i1", "i2", "i4", "i8", "u1", "u8", "f4", "f8"])
Numbers = st.one_of(
    st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)),
    st.lists(st.none() | st.floats(allow_nan=False)),
    st.lists(st.none() | st.booleans()),
)


@settings(deadline=None)  # the first pa.array() imports pandas
@given(kind=Kinds, bits=st.lists(st.integers(0, 1), max_size=40), skipped=st.integers(0, 9))
def test_there_and_back(kind: str, bits: list[int], skipped: int):
    values = np.array(bits, kind)
    arrow = to_arrow(values)
    arrow.validate(full=True)
    assert arrow == pa.array(values)
    part = arrow[skipped:]  # a slice has an offset
    assert to_numpy(part).tolist() == values[skipped:].tolist() and to_numpy(part).dtype == values.dtype


def test_a_field_of_records_is_a_column():
    records = np.zeros(3, [("kind", "i4"), ("t0", "i8")])
    records["t0"] = 1, 2, 3
    assert to_arrow(records["t0"]).to_pylist() == [1, 2, 3]


@settings(deadline=None)
@given(values=Numbers, skipped=st.integers(0, 9))
def test_what_was_not_measured_is_no_value(values: list[Any], skipped: int):
    arrow = measured(values)
    arrow.validate(full=True)
    assert arrow == pa.array(values)
    if any(value is not None for value in values):
        assert is_known(arrow[skipped:]).tolist() == [value is not None for value in values[skipped:]]


@pytest.mark.parametrize("values", [[1, 2.5, None], [None, 2.5, 1]])
def test_whole_numbers_among_others(values: list[float | None]):
    assert measured(values).to_pylist() == values


@pytest.mark.skipif(
    sys.version_info < (3, 11), reason="with the versions for Python 3.10, pyarrow imports pandas itself"
)
def test_a_table_is_written_and_read_without_pandas(tmp_path: Path):
    pytest.importorskip("pandas")
    (tmp_path / "tables").mkdir()
    columns = {"time_ns": np.arange(3), "rss_bytes": measured([1, None, 3]), "on": np.ones(3, bool)}
    write(columns, tmp_path / "tables" / "host-00001.parquet")
    assert pq.read_table(tmp_path / "tables" / "host-00001.parquet").to_pydict() == {
        "time_ns": [0, 1, 2], "rss_bytes": [1, None, 3], "on": [True] * 3,
    }  # fmt: skip
    code = f"""
import sys
from pathlib import Path
from bottleneck_profiler.recording import columns, parts
folder = Path({str(tmp_path)!r})
read = parts.read_samples(folder, "host", ("time_ns",))
columns.write({{**read, "again": columns.measured([1.5, None, 2])}}, folder / "again.parquet")
assert "pandas" not in sys.modules and "pyarrow.compute" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
