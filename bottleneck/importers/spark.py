"""Event logs of Spark: one JSON event per line, plain or compressed with gzip, zstd, or Spark's own LZ4 or Snappy.

A log is a file, a folder of files that Spark rolled over (``eventlog_v2_...``), or one of Databricks; the log of an
application that still runs, or that was killed, is read as far as it goes. No property of the application is kept,
except for the few settings in ``SparkApplication``: they may hold passwords.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..files import reason
from ..recording.facts import CallSite, Fact, Hello, Site
from ..recording.facts.spark import (
    SparkApplication,
    SparkExecutor,
    SparkFailures,
    SparkJob,
    SparkQuery,
    SparkStage,
)
from ..recording.folder import RunError
from ..recording.model import RECORD_DTYPE, RECORD_TABLES, Facts, Recording, empty_steps
from ..recording.trace_files import Damaged, pieces, start_of
from ..signals import MAIN
from ._reading import ONE_BY_ONE, Reading
from ._spark_log import Log, lines_of

name = "Spark event log"

_START = 1 << 12  # bytes that show what a file is
_EVENTS = (b'{"Event":"SparkListener', b'{"Event":"DBCEventLoggingListenerMetadata"', b'{"Event":"org.apache.spark.')
_NUMBER = re.compile(r"\d+")
_MS = 1_000_000
_BROADCAST = 10 << 20  # bytes of a table that Spark sends to every executor by default
_SIZES = {"": 1, "b": 1, "k": 1 << 10, "kb": 1 << 10, "m": 1 << 20, "mb": 1 << 20, "g": 1 << 30, "gb": 1 << 30}


def recognises(path: Path) -> bool:
    """Whether ``path`` begins like an event log, or is a folder with such a file that is not a run folder."""
    try:
        if path.is_dir():
            return not (path / "run.json").exists() and bool(_files(path))
        return _is_log(path)
    except OSError:
        return False


def read(path: Path) -> Recording:
    """The recording of one application's log. Raises RunError."""
    return read_many([path])


def read_many(paths: Sequence[Path], how: Reading = ONE_BY_ONE) -> Recording:
    """The same for the files of one application, in any order. Raises RunError."""
    files = [file for path in paths for file in (_files(path) if path.is_dir() else [path])]
    log, notes = Log(), list[str]()
    for file in sorted(files, key=_order):
        try:
            log.read(lines_of(_content(file, how, notes)))
        except OSError as error:
            raise RunError(f"{file} cannot be read: {reason(error)}") from None
    if not log.application.time and not log.count:
        raise RunError(f"{paths[0]} holds no application: it is not a Spark event log, or its beginning is missing")
    if log.others:
        raise RunError(f"{paths[0]} holds the logs of several applications; import them one by one")
    if log.bad:
        notes.append(f"{log.bad} line{'s' if log.bad > 1 else ''} of the log could not be read and are left out.")
    return _recording(paths[0], log, notes)


def _content(file: Path, how: Reading, notes: list[str]) -> Iterator[bytes]:
    try:
        yield from pieces(file, how.progress)
    except Damaged as damaged:
        notes.append(f"{file} is used as far as it goes: {damaged}.")


def _files(folder: Path) -> list[Path]:
    """Those that are logs; of a log that Spark has compacted, what the compact file holds is left out."""
    found = sorted((each for each in folder.iterdir() if each.is_file() and _is_log(each)), key=_order)
    compact = [index for index, each in enumerate(found) if each.name.endswith(".compact")]
    return found[compact[-1] :] if compact else found


def _order(file: Path) -> tuple[bool, list[int], str]:
    """Rolled files by their number; of Databricks, the one without a date comes last."""
    numbers = [int(each) for each in _NUMBER.findall(file.name)]
    return file.name == "eventlog", numbers, file.name


def _is_log(path: Path) -> bool:
    try:
        start = start_of(path, _START).lstrip() if path.is_file() else b""
    except OSError:
        return False
    return start.replace(b'"Event": "', b'"Event":"', 1).startswith(_EVENTS)


# --- the recording ----------------------------------------------------------------------------------------------------
def _recording(path: Path, log: Log, notes: list[str]) -> Recording:
    first = min((stage.start for stage in log.stages.values() if stage.start), default=0)
    start = log.application.time or first
    end = max(log.end_ms, log.tasks.last_ms, start) - start
    facts = Facts()
    for fact in _facts(log, start):
        facts.add(0, fact)
    records: dict[str, Any] = dict.fromkeys(RECORD_TABLES, np.empty(0, RECORD_DTYPE))
    return Recording(
        run={
            "command": path.name, "started_ns": 0, "ended_ns": end * _MS, "finished": log.complete, "imported": name,
            "notes": notes, "started_wall_ns": start * _MS,
        },
        facts=facts,
        steps=empty_steps(),
        host={},
        gpu={},
        started_ns=0,
        ended_ns=end * _MS,
        tasks=log.tasks.table(start),
        full_steps=None,
        **records,
    )  # fmt: skip


def _facts(log: Log, start: int) -> Iterator[Fact]:
    sites = dict[Site, int]()

    def number(site: Site | None) -> int | None:
        return None if site is None else sites.setdefault(site, len(sites) + 1)

    def ns(time: int | None) -> int | None:
        return None if time is None else (time - start) * _MS

    yield Hello(1, 0, 0, MAIN, "")
    yield _application(log)
    for executor in log.executors.values():
        began = (executor.start - start) * _MS
        yield SparkExecutor(executor.number, executor.cores, began, ns(executor.end), executor.lost)
    for job in log.jobs.values():
        yield SparkJob(job.id, (job.start - start) * _MS, ns(job.end), job.failed)
    for stage in log.stages.values():
        info, query, site = stage.info, log.queries.get(stage.query), number(stage.site)
        nodes = query.metrics.ran(stage.accumulators) if query is not None else ()
        began = (stage.start - start) * _MS
        yield SparkStage(
            stage.number, info.id, info.attempt, info.name[:300], began, ns(stage.end), max(info.tasks, 0), site,
            stage.query, nodes, stage.operators[:50], tuple(info.parents), bool(info.failure),
        )  # fmt: skip
    for found in log.queries.values():
        nodes_of = found.metrics.facts(found.values)
        yield SparkQuery(found.id, (found.start - start) * _MS, ns(found.end), nodes_of, number(found.site))
    for key, count in log.failures.most_common(100):
        yield SparkFailures(key[0], key[1][:200], count, number(log.raised[key]))
    for place, index in sites.items():
        yield CallSite(index, place.file, place.line, place.function)


def _application(log: Log) -> SparkApplication:
    settings = log.settings
    adaptive = settings.adaptive or ("true" if log.version >= "3.2" else "false")  # the default since
    return SparkApplication(
        name=log.application.name[:200],
        version=log.version[:50],
        local=(log.application.id or "").startswith("local-") or settings.master.startswith("local["),
        dynamic=settings.dynamic == "true",
        adaptive=adaptive == "true",
        rapids="nvidia" in settings.plugins,
        task_cores=max(1, _size(settings.task_cores, 1)),
        broadcast_bytes=_size(settings.broadcast, _BROADCAST),
        stages=log.count,
        complete=log.complete,
    )


def _size(text: str, otherwise: int) -> int:
    """Bytes of a setting such as "10m" or "-1"."""
    found = re.fullmatch(r"(-?\d+)\s*([a-z]*)", text.strip().lower())
    return int(found[1]) * _SIZES[found[2]] if found and found[2] in _SIZES else otherwise
