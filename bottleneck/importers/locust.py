"""Results of Locust: ``locust --csv NAME`` writes ``NAME_stats.csv`` and ``NAME_stats_history.csv``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..recording.facts.servers import LoadLevel
from ..recording.folder import RunError
from ..recording.model import Recording
from ._load_tests import count, files_in, known, number, recognised, recording, rows_of
from ._reading import ONE_BY_ONE, Reading

name = "Locust result"

_MS = 1e-3
_STATS, _HISTORY = b"Type,Name,Request Count,Failure Count", b"Timestamp,User Count,Type,Name,"
_ALL = "Aggregated"
_MOST_ROUTES = 200
_KEYS = {
    "mean": "Average Response Time",
    "min": "Min Response Time",
    "max": "Max Response Time",
    **{f"p{share}": f"{share}%" for share in ("50", "75", "90", "95", "99")},
}


def _knows(start: bytes, path: Path) -> bool:
    return start.lstrip(b"\xef\xbb\xbf").replace(b'"', b"").startswith((_STATS, _HISTORY))


def recognises(path: Path) -> bool:
    """Whether ``path`` is a table of Locust's results, or a folder with one."""
    return recognised(path, _knows)


def read(path: Path) -> Recording:
    """The recording of one test. Raises RunError."""
    return read_many([path])


def read_many(paths: Sequence[Path], how: Reading = ONE_BY_ONE) -> Recording:
    """The same for several tests: a history belongs to the statistics of the same name. Raises RunError."""
    files = [file for path in paths for file in files_in(path, _knows)]
    tables = {file: list(_table(file)) for file in files}
    histories = {_test(file): rows for file, rows in tables.items() if rows and "User Count" in rows[0]}
    stats = {_test(file): (file, rows) for file, rows in tables.items() if rows and "User Count" not in rows[0]}
    levels = list[LoadLevel]()
    for test in {**stats, **histories}:
        users, seconds = _load(histories.get(test, []))
        file, rows = stats.get(test, (None, histories.get(test, [])))
        if file is None:
            levels += _of_history(rows, users, seconds)
        else:
            levels += [_level(row, users, seconds) for row in rows[-_MOST_ROUTES:]]
    if not any(not level.route for level in levels):
        raise RunError(f"{paths[0]} holds no results of Locust: the row {_ALL} is missing")
    return recording(paths[0], "Locust", levels)


def _test(file: Path) -> str:
    """What the files of one test have in common."""
    return str(file.with_name(file.name.removesuffix(".csv").removesuffix("_history").removesuffix("_stats")))


def _table(file: Path) -> Iterator[dict[str, str]]:
    heads, *rows = rows_of(file) or [[]]
    for row in rows:
        if len(row) == len(heads):  # the last one may be cut off
            yield dict(zip(heads, row, strict=True))


def _load(history: list[dict[str, str]]) -> tuple[int | None, float | None]:
    """(most users, seconds) of a test."""
    users = [known for row in history if (known := count(row.get("User Count"))) is not None]
    times = [time for row in history if (time := number(row.get("Timestamp"))) is not None]
    return max(users, default=0) or None, (max(times) - min(times)) or None if times else None


def _level(row: dict[str, str], users: int | None, seconds: float | None) -> LoadLevel:
    route = f"{row.get('Type', '')} {row.get('Name', '').partition('?')[0]}".strip()
    whole = row.get("Name") == _ALL and not row.get("Type")
    done, rate = count(row.get("Request Count")) or 0, number(row.get("Requests/s"))
    return LoadLevel(
        tool="Locust",
        requests=done,
        failures=min(done, count(row.get("Failure Count")) or 0),
        route="" if whole else route[:200] or "(unnamed)",
        clients=users,
        seconds=seconds or (done / rate if rate else None),
        per_second=rate,
        latency=known(((ours, row.get(theirs)) for ours, theirs in _KEYS.items()), _MS) if done else {},
    )


def _of_history(rows: list[dict[str, str]], users: int | None, seconds: float | None) -> Iterator[LoadLevel]:
    """The totals in its last row: the percentiles there are only those of the last seconds."""
    for row in reversed(rows):
        done = count(row.get("Total Request Count"))
        if row.get("Name") == _ALL and done:
            keys = {"mean": "Total Average Response Time", "p50": "Total Median Response Time"}
            keys |= {"min": "Total Min Response Time", "max": "Total Max Response Time"}
            yield LoadLevel(
                tool="Locust",
                requests=done,
                failures=min(done, count(row.get("Total Failure Count")) or 0),
                clients=users,
                seconds=seconds,
                per_second=done / seconds if seconds else None,
                latency=known(((ours, row.get(theirs)) for ours, theirs in keys.items()), _MS),
            )
            return
