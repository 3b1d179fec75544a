"""After the run: the files whose reading mattered, tried in another way, on this machine, in about a second.

Text is tried as Parquet, and Parquet with the columns alone that the program used.
The first part of the file is converted at two sizes into the run folder, read back several times, and deleted; the
line through the two sizes gives the whole file. Parsing is not repeated where the run itself has measured it. What
arguments the user's call had is not known: the delimiter is the one that gives the columns of the recorded read, and
where none does, nothing is said.
"""

from __future__ import annotations

import ast
import importlib
import io
import linecache
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..recording.facts import Probe, Read, Used
from ..recording.model import Facts, Recording

BUDGET_SECONDS = 1.0
MAX_BYTES = 16 << 20  # of the file, for the larger of the two sizes
MIN_SHARE = 0.02  # of the run: reads below it are not worth a probe
MAX_FILES = 3
_REPEATS = 3
_FORMATS = ("csv", "fwf", "text", "parquet", "feather", "orc")  # whose lines a fix may quote; two of them are tried
_DELIMITERS = (",", ";", "\t", "|", " ")


def enrich(run_dir: Path, recording: Recording, budget_seconds: float = BUDGET_SECONDS) -> None:
    """Add a ``Probe`` for each read of the files that matter, with what was measured.

    A recording that has been probed before, or was made on another machine whose files are gone, is left as it is.
    """
    facts = recording.facts
    if facts.of(Probe):
        return
    deadline = time.monotonic() + budget_seconds
    for process, group in candidates(facts, recording.wall_seconds):
        for found in _probe_group(run_dir, facts, process, group, deadline):
            facts.add(process, found)


def candidates(facts: Facts, wall_seconds: float) -> list[tuple[int, list[Read]]]:
    """(process, reads of one file) of the files with most reading time, at most ``MAX_FILES``."""
    groups: dict[tuple[int, str], list[Read]] = {}
    for process, read in facts.of(Read):
        if read.path and read.format in _FORMATS and read.count == 1:
            groups.setdefault((process, read.path), []).append(read)
    weighed = sorted(((sum(read.wall_ns for read in g) / 1e9, k) for k, g in groups.items()), reverse=True)
    worth = [key for seconds, key in weighed if seconds >= MIN_SHARE * wall_seconds]
    return [(key[0], groups[key]) for key in worth[:MAX_FILES]]


def _probe_group(run_dir: Path, facts: Facts, process: int, group: list[Read], deadline: float) -> list[Probe]:
    read = group[0]
    result: dict[str, float] = {}
    if read.format in ("csv", "parquet") and time.monotonic() < deadline:
        used = _used(facts, process, read.id)
        try:
            if read.format == "csv":
                result = _measure(run_dir, read, used, deadline)
            elif used:
                result = _measure_columns(read, used, deadline)
        except Exception:
            result = {}  # gone, changed, another dialect: the published factor is used instead
    found: list[Probe] = []
    for read in group:
        site = facts.site(process, read.site)
        source = statement(site.file, site.line) if site is not None else ""
        found.append(Probe(read.id, source, **result))
    return found


def _used(facts: Facts, process: int, read: int) -> list[str] | None:
    used: list[str] = []
    for use in facts.of_process(Used, process):
        if use.read == read:
            if use.columns is None:
                return None
            used += [str(column) for column in use.columns]
    return used or None


def _measure(run_dir: Path, read: Read, used: list[str] | None, deadline: float) -> dict[str, float]:
    """Seconds for the whole file, from two sizes of its first part."""
    path = Path(read.path or "")
    size = path.stat().st_size
    if read.size_bytes is not None and size != read.size_bytes:
        return {}
    large = min(size, MAX_BYTES)
    sizes = [size] if size < 1 << 20 else [large // 4, large]
    points: list[tuple[int, dict[str, float]]] = []
    for length in sizes:
        if time.monotonic() > deadline and points:
            break
        points.append((length, _sample(run_dir, path, length, read, used)))
    return {key: _scale([(n, p[key]) for n, p in points], size) for key in points[0][1]}


def _measure_columns(read: Read, used: list[str], deadline: float) -> dict[str, float]:
    """Seconds for as much of a Parquet file as there is time for, whole and with the used columns alone."""
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
        pandas = _pandas() if read.call.startswith("pandas.") else None

        def whole(columns: list[str] | None = None) -> object:
            table = file.read_row_groups(groups, columns=columns)
            return table.to_pandas() if pandas is not None else table

        times, all_seconds = _times(whole)
        return {
            **_as_parquet(times),
            "all_seconds": all_seconds,
            "used_seconds": _times(lambda: whole(used))[1],
        }


def _as_parquet(times: list[float]) -> dict[str, float]:
    """What repeated reads of Parquet say: the middle one, the quickest and the slowest."""
    return {
        "parquet_seconds": sorted(times)[len(times) // 2],
        "parquet_low_seconds": min(times),
        "parquet_high_seconds": max(times),
    }


def _scale(points: Sequence[tuple[int, float]], size: int) -> float:
    """Value at ``size`` of the line through the points; proportional where there is one or the line falls."""
    last, value = points[-1]
    if len(points) > 1 and value > points[0][1]:
        slope = (value - points[0][1]) / (last - points[0][0])
        return float(value + slope * (size - last))
    return float(value * size / max(1, last))


def _sample(run_dir: Path, path: Path, length: int, read: Read, used: list[str] | None) -> dict[str, float]:
    import pyarrow.parquet as parquet

    with open(path, "rb") as file:
        data = file.read(length)
    data = data[: data.rfind(b"\n") + 1] or data
    found = _parse(data, read)
    if found is None:
        raise ValueError("not the columns that the program read")
    table, delimiter, wanted = found
    temporary = run_dir / f"probe-{os.getpid()}.parquet"
    pandas = _pandas() if read.call.startswith("pandas.") else None
    try:
        written, _ = _times(lambda: parquet.write_table(table.select(wanted), temporary), 2)

        def columnar() -> object:
            back = parquet.read_table(temporary)
            return back.to_pandas() if pandas is not None else back

        result = {**_as_parquet(_times(columnar)[0]), "write_seconds": min(written)}
    finally:
        temporary.unlink(missing_ok=True)
    if pandas is not None and used and read.call in ("pandas.read_csv", "pandas.read_table"):
        chosen = [c for c in used if c in table.column_names]

        def text(**more: Any) -> object:
            return pandas.read_csv(io.BytesIO(data), sep=delimiter, **more)

        result["all_seconds"] = _times(text, 2)[1]
        result["used_seconds"] = _times(lambda: text(usecols=chosen), 2)[1]
    return result


def _parse(data: bytes, read: Read) -> tuple[Any, str, list[str]] | None:
    """(table, delimiter, its columns that the program read) for the delimiter that reproduces the read."""
    import pyarrow
    import pyarrow.csv as arrow_csv

    names = [str(name) for name in read.columns or read.asked_columns or ()]
    # pandas numbers the columns of a file without a header.
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


def _same(table: Any, names: list[str], read: Read) -> bool:
    """Whether a table has the columns of the recorded read, numbers where that had numbers."""
    if not names:
        count = read.column_count
        return len(table.column_names) == count if count else len(table.column_names) > 1
    if not set(names) <= set(table.column_names):
        return False
    kinds = read.dtypes or ()
    numbers = [name for name, kind in zip(names, kinds, strict=False) if str(kind).startswith(("int", "float"))]
    return not any(str(table.schema.field(name).type) == "string" for name in numbers)


def _pandas() -> Any:
    """pandas where the analysing program has it, else None: it is no dependency of ours."""
    try:
        return importlib.import_module("pandas")
    except ImportError:
        return None


def _times(action: Callable[[], object], reuse: int = _REPEATS) -> tuple[list[float], float]:
    """(wall seconds of each call, CPU seconds of the cheapest).

    Wall time stands beside what the run has measured; two ways of reading the same are compared by CPU time, from
    which other programs take nothing.
    """
    wall, cpu = [], []
    for _ in range(reuse):
        wall_start, cpu_start = time.perf_counter(), time.process_time()
        action()
        cpu.append(time.process_time() - cpu_start)
        wall.append(time.perf_counter() - wall_start)
    return wall, min(cpu)


def statement(file: str, line: int) -> str:
    """The user's statement that covers ``line``, "" when its file cannot be read; for fixes that name their names."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):
        return ""
    best: ast.stmt | None = None
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno):
            best = node if best is None or node.lineno >= best.lineno else best
    if best is None or (best.end_lineno or 0) - best.lineno > 10:
        return ""
    if hasattr(best, "body"):
        return linecache.getline(file, line).strip()
    return ast.unparse(best)
