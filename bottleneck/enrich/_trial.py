"""Tries other ways of reading a file, on this machine: as Parquet, and with only the columns that were used.

Converts the first part of the file at two sizes into the run folder, reads it back several times and deletes it. A line
through the two sizes is extrapolated to the whole file. The arguments of the user's call are unknown: the delimiter is
the one that yields the columns of the recorded read; if none does, there is no result. Of JSON, lines are tried.
"""

from __future__ import annotations

import errno
import importlib
import importlib.util
import io
import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..recording.facts import Read

MAX_BYTES = 16 << 20  # size of the file's first part that is used for the larger trial
_REPEATS = 3
_BY_PANDAS = ("pandas.", "dask.dataframe.")
FREE_BYTES = 4 * MAX_BYTES  # with less room on the run folder's disk nothing is tried
_CODECS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
_ENGINE = "python_calamine"
_DELIMITERS = (",", ";", "\t", "|", " ")


def measure(run_dir: Path, read: Read, used: list[str] | None, deadline: float) -> dict[str, float]:
    """Seconds for the whole file, extrapolated from two sizes of its first part."""
    path = Path(read.path or "")
    size = path.stat().st_size
    # To open a pipe would wait for its next writer.
    if not path.is_file() or (read.size_bytes is not None and size != read.size_bytes):
        return {}
    large = min(size, MAX_BYTES) if path.suffix.lower() not in _CODECS else MAX_BYTES
    sizes = [size] if large < 1 << 20 else [large // 4, large]
    if shutil.disk_usage(run_dir).free < FREE_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(run_dir))
    points: list[tuple[int, dict[str, float]]] = []
    for length in sizes:
        if points and (time.monotonic() > deadline or points[-1][0] >= size):
            break
        points.append(_sample(run_dir, path, length, read, used))
    return {key: _scale([(n, p[key]) for n, p in points], size) for key in points[0][1]}


def measure_columns(read: Read, used: list[str], deadline: float) -> dict[str, float]:
    """Seconds for as much of a Parquet file as time allows: all columns, and only the used ones."""
    import pyarrow.parquet as parquet

    path = Path(read.path or "")
    if read.asked_columns is not None or not path.is_file() or path.stat().st_size != read.size_bytes:
        return {}
    with parquet.ParquetFile(path) as file:
        count = file.num_row_groups
        rounds = (deadline - time.monotonic()) / (_REPEATS * 2) / max(read.wall_ns / 1e9, 1e-3)
        groups = list(range(min(count, int(count * rounds))))
        if not groups:
            return {}
        pandas = import_pandas() if read.call.startswith(_BY_PANDAS) else None

        def whole(columns: list[str] | None = None) -> object:
            table = file.read_row_groups(groups, columns=columns)
            return table.to_pandas() if pandas is not None else table

        times, all_seconds = times_of(whole)
        return {
            **_as_parquet(times),
            "all_seconds": all_seconds,
            "used_seconds": times_of(lambda: whole(used))[1],
        }


def _as_parquet(times: list[float]) -> dict[str, float]:
    """Median, fastest and slowest of repeated Parquet reads."""
    return {
        "parquet_seconds": sorted(times)[len(times) // 2],
        "parquet_low_seconds": min(times),
        "parquet_high_seconds": max(times),
    }


def _scale(points: Sequence[tuple[int, float]], size: int) -> float:
    """Value at ``size`` on the line through the points; proportional if there is one point or the line falls."""
    last, value = points[-1]
    if len(points) > 1 and value > points[0][1] and last > points[0][0]:
        slope = (value - points[0][1]) / (last - points[0][0])
        return float(value + slope * (size - last))
    return float(value * size / max(1, last))


def measure_engine(read: Read, deadline: float) -> dict[str, float]:
    """Seconds to read a workbook with calamine, if it is installed here and gives as many rows and columns."""
    pandas = import_pandas()
    options = {name: value for name, value in (read.options or {}).items() if name != "engine"}
    # It is never slower by much, and took an eighth to a quarter of openpyxl's time (pandas-dev/pandas#54998).
    hopeless = read.wall_ns / 4e9 > deadline - time.monotonic()
    if pandas is None or hopeless or read.options is None or read.hidden or importlib.util.find_spec(_ENGINE) is None:
        return {}
    path = Path(read.path or "")
    if not path.is_file() or path.stat().st_size != read.size_bytes or read.engine == "calamine":
        return {}
    begun = time.perf_counter()
    frame = pandas.read_excel(read.path, engine="calamine", **options)
    seconds = time.perf_counter() - begun
    same = len(frame) == read.rows and list(map(str, frame.columns)) == read.columns
    return {"engine_seconds": seconds} if same else {}


def _first(path: Path, length: int) -> tuple[bytes, int, str]:
    """(the first part of the text in whole lines, bytes of the file that hold it, how they are packed)."""
    import pyarrow

    codec = _CODECS.get(path.suffix.lower(), "")
    with open(path, "rb") as file:
        stream = pyarrow.CompressedInputStream(pyarrow.PythonFile(file), codec) if codec else file
        data = bytes(stream.read(length))
        taken = file.tell()
    return data[: data.rfind(b"\n") + 1] or data, taken, codec


def _sample(run_dir: Path, path: Path, length: int, read: Read, used: list[str] | None) -> tuple[int, dict[str, float]]:
    """(bytes of the file, seconds for them)."""
    import pyarrow.feather as feather
    import pyarrow.parquet as parquet

    data, taken, codec = _first(path, length)
    found = _parse(data, read) if read.format == "csv" else _parse_json(data, read)
    if found is None:
        raise ValueError("not the columns that the program read")
    table, delimiter, wanted = found
    temporary = run_dir / f"probe-{os.getpid()}.parquet"
    pandas = import_pandas() if read.call.startswith(_BY_PANDAS) else None
    try:
        _, write_seconds = times_of(lambda: parquet.write_table(table.select(wanted), temporary), 2)

        def columnar() -> object:
            back = parquet.read_table(temporary)
            return back.to_pandas() if pandas is not None else back

        result = {**_as_parquet(times_of(columnar)[0]), "write_seconds": write_seconds}
        feather.write_feather(table.select(wanted), str(temporary))
        result["feather_seconds"] = min(times_of(lambda: feather.read_feather(temporary))[0])
    finally:
        temporary.unlink(missing_ok=True)
    if pandas is not None and used and read.call in ("pandas.read_csv", "pandas.read_table"):
        result.update(_as_text(pandas, data, delimiter, [c for c in used if c in table.column_names]))
    if codec:
        result.update(_unpacking(path, length, data))
    return taken, result


def _unpacking(path: Path, length: int, data: bytes) -> dict[str, float]:
    """CPU seconds to unpack the text as it is packed, and with zstd."""
    import pyarrow

    packed = pyarrow.compress(data, "zstd", asbytes=True)
    return {
        "unpack_seconds": times_of(lambda: _first(path, length), 2)[1],
        "zstd_seconds": times_of(lambda: pyarrow.decompress(packed, len(data), "zstd"), 2)[1],
    }


def _as_text(pandas: Any, data: bytes, delimiter: str, chosen: list[str]) -> dict[str, float]:
    """CPU seconds to parse the text with pandas, with all columns and with only the chosen ones."""

    def text(**more: Any) -> object:
        return pandas.read_csv(io.BytesIO(data), sep=delimiter, **more)

    return {"all_seconds": times_of(text, 2)[1], "used_seconds": times_of(lambda: text(usecols=chosen), 2)[1]}


def _parse(data: bytes, read: Read) -> tuple[Any, str, list[str]] | None:
    """(table, delimiter, columns that the program read), for the delimiter that reproduces the read."""
    import pyarrow
    import pyarrow.csv as arrow_csv

    names = [str(name) for name in read.columns or read.asked_columns or ()]
    # pandas numbers the columns of a file that has no header.
    bare = names and names == [str(number) for number in range(len(names))]
    options = arrow_csv.ReadOptions(column_names=names if bare else None)
    head = data[: data.find(b"\n") + 1].decode("utf-8", "replace") or data.decode("utf-8", "replace")
    for delimiter in sorted(_DELIMITERS, key=head.count, reverse=True):
        try:
            parsing = arrow_csv.ParseOptions(delimiter=delimiter)
            table = arrow_csv.read_csv(io.BytesIO(data), read_options=options, parse_options=parsing)
        except (pyarrow.ArrowInvalid, UnicodeDecodeError):
            continue
        if _same(table, names, read):
            return table, delimiter, names or table.column_names
    return None


def _parse_json(data: bytes, read: Read) -> tuple[Any, str, list[str]] | None:
    """As ``_parse``, of lines of JSON; another document has no part that could be tried."""
    import pyarrow
    import pyarrow.json as arrow_json

    names = [str(name) for name in read.columns or ()]
    try:
        table = arrow_json.read_json(io.BytesIO(data)) if data.lstrip().startswith(b"{") and names else None
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError):
        table = None
    return (table, "", names) if table is not None and _same(table, names, read) else None


def _same(table: Any, names: list[str], read: Read) -> bool:
    """Whether a table has the columns of the recorded read, with numbers in the same places."""
    if not names:
        count = read.column_count
        return len(table.column_names) == count if count else len(table.column_names) > 1
    if not set(names) <= set(table.column_names):
        return False
    kinds = read.dtypes or ()
    numbers = [name for name, kind in zip(names, kinds, strict=False) if str(kind).startswith(("int", "float"))]
    return not any(str(table.schema.field(name).type) == "string" for name in numbers)


def import_pandas() -> Any:
    """pandas if the analysing program has it, else None: it is not one of our dependencies."""
    try:
        return importlib.import_module("pandas")
    except ImportError:
        return None


def times_of(action: Callable[[], object], reuse: int = _REPEATS) -> tuple[list[float], float]:
    """(wall seconds of each call, CPU seconds of the cheapest).

    Wall time is shown beside times measured in the run. Two ways of reading are compared by CPU time, and so is the
    price of writing told, which other programs and a busy disk do not affect.
    """
    wall, cpu = [], []
    for _ in range(reuse):
        wall_start, cpu_start = time.perf_counter(), time.process_time()
        action()
        cpu.append(time.process_time() - cpu_start)
        wall.append(time.perf_counter() - wall_start)
    return wall, min(cpu)
