"""After the run, spends about a second trying other ways of reading the files that mattered, on this machine.

Text files are tried as Parquet and Feather, compressed text with zstd, workbooks with calamine, and Parquet with only
the columns that the program used, and only the rows that the next filter keeps. Parsing is not repeated if the run has
measured it. The user's files are only read; copies of their first part are in the run folder for a moment.
"""

from __future__ import annotations

import ast
import linecache
import time
from collections.abc import Hashable
from pathlib import Path

from ..files import reason
from ..patterns.masks import conditions
from ..recording.facts import Kept, Probe, Read, Used
from ..recording.model import Facts, Recording, Site
from ._trial import measure, measure_columns, measure_engine
from ._trial_rows import measure_rows
from .source._code import source_of

BUDGET_SECONDS = 1.0
ROWS_SECONDS = 0.5  # of it, or beyond, for the rows that a filter keeps
MIN_SHARE = 0.02  # of the run: less reading is not worth a probe
MAX_FILES = 3
# A fix may quote the lines that read these; three are probed.
_FORMATS = ("csv", "json", "fwf", "text", "parquet", "feather", "orc", "hdf5", "excel", "pickle")
_TEXT = ("csv", "json")


def enrich(run_dir: Path, recording: Recording, budget_seconds: float = BUDGET_SECONDS) -> list[str]:
    """Add a ``Probe`` with the measured times for each read of the files that matter; a sentence for each file that
    could not be read any more.

    Does nothing if the recording has been probed before, or comes from another machine, whose files are not here. With
    ``--no-probe``, only the lines of code are looked up.
    """
    facts = recording.facts
    if facts.of(Probe):
        return []
    if recording.run.get("probe") is False:
        budget_seconds = 0.0
    deadline = time.monotonic() + budget_seconds
    missed: list[str] = []
    for process, group in candidates(facts, recording.wall_seconds):
        result: dict[str, float] = {}
        site = facts.site(process, group[0].site)
        told = _conditions(site, group[0])
        try:
            if time.monotonic() < deadline and not _is_pattern(group[0].path):
                result = _tried(run_dir, facts, process, group[0], deadline)
                kept = [each.rows for each in facts.of_process(Kept, process) if each.read == group[0].id]
                if told and kept:
                    used = _used(facts, process, group[0].id)
                    result |= measure_rows(group[0], kept[0], [told[0][0]], used, time.monotonic() + ROWS_SECONDS)
        except OSError as error:
            missed.append(f"{group[0].path} was not tried in another format: {reason(error)}.")
        except Exception:
            pass  # changed, or an unknown dialect: the published factor is used instead
        source = statement(site.file, site.line) if site is not None else ""
        for read in group:
            facts.add(process, Probe(read.id, source, conditions=tuple(told), **result))
    return missed


def candidates(facts: Facts, wall_seconds: float) -> list[tuple[int, list[Read]]]:
    """(process, reads of one file) of the files with most reading time, one a line of code, at most ``MAX_FILES``.

    A line that reads a hundred files is worth a probe if they are, together: its other reads share the result.
    """
    lines: dict[tuple[int, Hashable, str], dict[str, list[Read]]] = {}
    for process, read in facts.of(Read):
        if read.path and read.format in _FORMATS and read.count == 1:
            site = facts.site(process, read.site) or read.path
            lines.setdefault((process, site, read.format), {}).setdefault(read.path, []).append(read)
    weighed = sorted(((sum(map(_seconds, files.values())), key) for key, files in lines.items()), key=lambda w: -w[0])
    worth = [key for seconds, key in weighed if seconds >= MIN_SHARE * wall_seconds]
    return [(key[0], max(lines[key].values(), key=_seconds)) for key in worth[:MAX_FILES]]


def _conditions(site: Site | None, read: Read) -> list[tuple[str, str, str]]:
    """The comparisons of the filter that follows a read of a Parquet file, if pandas can apply them while reading."""
    source = source_of(site.file) if site is not None and read.call == "pandas.read_parquet" else None
    calls = [] if source is None else source.calls.get("read_parquet", [])
    for call in calls:
        if site is not None and call.lineno <= site.line <= (call.end_lineno or call.lineno):
            if source is not None and not any(each.arg in ("filters", None) for each in call.keywords):
                return conditions(source, call, tuple(map(str, read.columns or ())))
    return []


def _is_pattern(path: str | None) -> bool:
    """``clicks-*.csv``: many files, of which a graph of Dask's read the parts."""
    return path is not None and any(each in path for each in "*?[") and not Path(path).exists()


def _seconds(reads: list[Read]) -> float:
    return sum(read.wall_ns for read in reads) / 1e9


def _tried(run_dir: Path, facts: Facts, process: int, read: Read, deadline: float) -> dict[str, float]:
    """Fields of a ``Probe``."""
    used = _used(facts, process, read.id)
    if read.format in _TEXT:
        return measure(run_dir, read, used, deadline)
    if read.format == "excel":
        return measure_engine(read, deadline)
    return measure_columns(read, used, deadline) if read.format == "parquet" and used else {}


def _used(facts: Facts, process: int, read: int) -> list[str] | None:
    used: list[str] = []
    for use in facts.of_process(Used, process):
        if use.read == read:
            if use.columns is None:
                return None
            used += [str(column) for column in use.columns]
    return used or None


def statement(file: str, line: int) -> str:
    """The user's statement that covers ``line``, for fixes that use its names; "" if the file cannot be read."""
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
