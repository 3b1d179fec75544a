"""What the importers of load tests share: finding a tool's files, reading them, making a recording of the levels."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ..recording.facts import Fact
from ..recording.facts.servers import LoadLevel
from ..recording.folder import RunError
from ..recording.model import RECORD_DTYPE, RECORD_TABLES, Facts, Recording, Table, empty_steps
from ..recording.trace_files import Damaged, pieces, start_of

START = 1 << 16  # bytes that show what a file is
_MAX_BYTES = 256 << 20  # of a summary: no tool writes a larger one
_MOST_FILES = 1000  # of a folder that are looked at
_MOST_LEVELS = 10_000
QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.99)

Knows = Callable[[bytes, Path], bool]


def recognised(path: Path, knows: Knows) -> bool:
    """Whether ``path`` is such a file, or a folder with one that is not a run folder. Raises nothing."""
    try:
        if path.is_dir():
            return not (path / "run.json").exists() and bool(files_in(path, knows))
        return path.is_file() and knows(start_of(path, START), path)
    except OSError:
        return False


def files_in(path: Path, knows: Knows) -> list[Path]:
    """The file itself, or those of a folder that the tool wrote, by name."""
    if not path.is_dir():
        return [path]
    files = sorted(each for each in path.iterdir() if each.is_file())[:_MOST_FILES]
    return [each for each in files if recognised(each, knows)]


def content(path: Path) -> bytes:
    """Of a summary. Raises RunError, also for a file that ends too early."""
    held = bytearray()
    try:
        for piece in pieces(path):
            held += piece
            if len(held) > _MAX_BYTES:
                raise RunError(f"{path} is too large for the summary of a load test")
    except Damaged as damaged:
        raise RunError(f"{path} is damaged: {damaged}") from None
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}") from None
    return bytes(held)


def json_of(path: Path) -> Any:
    """The content as JSON. Raises RunError."""
    try:
        return msgspec.json.decode(content(path))
    except (msgspec.DecodeError, RecursionError) as error:
        raise RunError(f"{path} is damaged: {str(error).partition(chr(10))[0]}") from None


def rows_of(path: Path) -> list[list[str]]:
    """The content as CSV. Raises RunError."""
    text = content(path).decode("utf-8-sig", "replace")
    try:
        return list(csv.reader(io.StringIO(text)))
    except csv.Error as error:
        raise RunError(f"{path} is damaged: {error}") from None


def number(value: object, factor: float = 1.0) -> float | None:
    """A finite number that is not negative, in the unit that ``factor`` makes of it; None for anything else."""
    if isinstance(value, str):
        try:
            value = float(value.strip().rstrip("%").replace(",", ""))
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    found = float(value) * factor
    return found if math.isfinite(found) and 0 <= found < 1e18 else None


def count(value: object) -> int | None:
    """A whole number of things."""
    found = number(value)
    return None if found is None else round(found)


def known(values: Iterable[tuple[str, object]], factor: float = 1.0) -> dict[str, float]:
    """The values that are numbers."""
    found = ((name, number(value, factor)) for name, value in values)
    return {name: value for name, value in found if value is not None}


def summary(seconds: Sequence[float] | np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, float]:
    """Mean, extremes and quantiles of raw durations."""
    values = np.asarray(seconds, float)
    values = values[np.isfinite(values) & (values >= 0)]
    if not len(values):
        return {}
    found = {f"p{share * 100:g}": float(np.quantile(values, share)) for share in QUANTILES}
    return {"mean": float(values.mean()), "min": float(values.min()), "max": float(values.max()), **found}


def recording(
    path: Path,
    tool: str,
    levels: Sequence[LoadLevel],
    notes: Sequence[str] = (),
    more: Sequence[Fact] = (),
    servers: Table | None = None,
) -> Recording:
    """The recording of a load test. Raises RunError if it holds no level."""
    if not levels and servers is None:
        raise RunError(f"{path} holds no results of {tool}")
    facts = Facts()
    for fact in (*levels[:_MOST_LEVELS], *more):
        facts.add(0, fact)
    end = max((round((level.seconds or 0.0) * 1e9) for level in levels), default=0)
    if servers is not None and len(servers["time_ns"]):
        end = max(end, int(servers["time_ns"].max()))
    records: dict[str, Any] = dict.fromkeys(RECORD_TABLES, np.empty(0, RECORD_DTYPE))
    run = {"command": path.name, "started_ns": 0, "ended_ns": end, "imported": tool, "notes": list(notes)}
    return Recording(
        run=run, facts=facts, steps=empty_steps(), host={}, gpu={}, servers=servers or {}, started_ns=0, ended_ns=end,
        **records,
    )  # fmt: skip
