"""After the run: the text files whose reading mattered, tried as Parquet, on this machine, in about a second.

The first part of the file is converted at two sizes into the run folder, read back several times, and deleted; the
line through the two sizes gives the whole file. Parsing is not repeated where the run itself has measured it.
"""

from __future__ import annotations

import ast
import importlib
import io
import json
import linecache
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..timeline.tables import Facts, Recording

BUDGET_SECONDS = 1.0
MAX_BYTES = 16 << 20  # of the file, for the larger of the two sizes
MIN_SHARE = 0.02  # of the run: reads below it are not worth a probe
MAX_FILES = 3
_REPEATS = 3
Note = tuple[int, str, dict[str, Any]]


def run(run_dir: Path, recording: Recording, budget_seconds: float = BUDGET_SECONDS) -> list[Note]:
    """Probe what matters, keep the results as notes "probe" in the run folder and in ``recording``. Never raises.

    A recording that has been probed before, or was made on another machine whose files are gone, is left as it is.
    """
    if recording.facts.of("probe"):
        return []
    deadline = time.monotonic() + budget_seconds
    notes: list[Note] = []
    for process, group in candidates(recording.facts, recording.wall_seconds):
        notes += _probe_group(run_dir, recording.facts, process, group, deadline)
    if notes:
        try:
            with open(run_dir / "tables" / "facts.jsonl", "a", encoding="utf-8") as file:
                file.writelines(json.dumps(note) + "\n" for note in notes)
        except OSError:
            pass  # the results still serve this analysis
        recording.facts.notes.extend(notes)
    return notes


def candidates(facts: Facts, wall_seconds: float) -> list[tuple[int, list[dict[str, Any]]]]:
    """(process, reads of one file) of the files with most reading time, at most ``MAX_FILES``."""
    groups: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for process, fields in facts.of("read"):
        if fields.get("path") and fields["format"] in ("csv", "parquet") and fields["count"] == 1:
            groups.setdefault((process, str(fields["path"])), []).append(fields)
    weighed = sorted(((sum(f["wall_ns"] for f in g) / 1e9, k) for k, g in groups.items()), reverse=True)
    worth = [key for seconds, key in weighed if seconds >= MIN_SHARE * wall_seconds]
    return [(key[0], groups[key]) for key in worth[:MAX_FILES]]


def _probe_group(run_dir: Path, facts: Facts, process: int, group: list[dict[str, Any]], deadline: float) -> list[Note]:
    read = group[0]
    result: dict[str, Any] = {}
    if read["format"] == "csv" and time.monotonic() < deadline:
        try:
            result = _measure(run_dir, read, _used(facts, process, int(read["id"])), deadline)
        except Exception:
            result = {}  # gone, changed, another dialect: the published factor is used instead
    notes: list[Note] = []
    for fields in group:
        site = facts.sites.get((process, int(fields.get("site") or 0)))
        source = statement(site.file, site.line) if site is not None else ""
        notes.append((process, "probe", {"read": int(fields["id"]), "source": source, **result}))
    return notes


def _used(facts: Facts, process: int, read: int) -> list[str] | None:
    used: list[str] = []
    for owner, fields in facts.of("used"):
        if owner == process and fields["read"] == read:
            if fields["columns"] is None:
                return None
            used += [str(column) for column in fields["columns"]]
    return used or None


def _measure(run_dir: Path, read: dict[str, Any], used: list[str] | None, deadline: float) -> dict[str, Any]:
    """Seconds for the whole file, from two sizes of its first part."""
    path = Path(read["path"])
    size = path.stat().st_size
    if read.get("size_bytes") is not None and size != read["size_bytes"]:
        return {}
    large = min(size, MAX_BYTES)
    sizes = [size] if size < 1 << 20 else [large // 4, large]
    points: list[tuple[int, dict[str, float]]] = []
    for length in sizes:
        if time.monotonic() > deadline and points:
            break
        points.append((length, _sample(run_dir, path, length, read, used)))
    return {key: _scale([(n, p[key]) for n, p in points], size) for key in points[0][1]}


def _scale(points: Sequence[tuple[int, float]], size: int) -> float:
    """Value at ``size`` of the line through the points; proportional where there is one or the line falls."""
    last, value = points[-1]
    if len(points) > 1 and value > points[0][1]:
        slope = (value - points[0][1]) / (last - points[0][0])
        return float(value + slope * (size - last))
    return float(value * size / max(1, last))


def _sample(run_dir: Path, path: Path, length: int, read: dict[str, Any], used: list[str] | None) -> dict[str, float]:
    import pyarrow.csv as arrow_csv
    import pyarrow.parquet as parquet

    with open(path, "rb") as file:
        data = file.read(length)
    data = data[: data.rfind(b"\n") + 1] or data
    table = arrow_csv.read_csv(io.BytesIO(data))
    wanted = [c for c in read.get("asked_columns") or table.column_names if c in table.column_names]
    temporary = run_dir / f"probe-{os.getpid()}.parquet"
    pandas = _pandas() if str(read["call"]).startswith("pandas.") else None
    try:
        parquet.write_table(table, temporary)

        def columnar() -> object:
            back = parquet.read_table(temporary, columns=wanted)
            return back.to_pandas() if pandas is not None else back

        times = _times(columnar)
        result = {
            "parquet_seconds": sorted(times)[len(times) // 2],
            "parquet_low_seconds": min(times),
            "parquet_high_seconds": max(times),
        }
    finally:
        temporary.unlink(missing_ok=True)
    if pandas is not None and used and read["call"] == "pandas.read_csv":
        chosen = [c for c in used if c in table.column_names]
        result["all_seconds"] = min(_times(lambda: pandas.read_csv(io.BytesIO(data)), 2))
        result["used_seconds"] = min(_times(lambda: pandas.read_csv(io.BytesIO(data), usecols=chosen), 2))
    return result


def _pandas() -> Any:
    """pandas where the analysing program has it, else None: it is no dependency of ours."""
    try:
        return importlib.import_module("pandas")
    except ImportError:
        return None


def _times(action: Callable[[], object], repeats: int = _REPEATS) -> list[float]:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return times


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
