"""Results of k6: ``--summary-export``, the data of ``handleSummary()``, or the points of ``--out json``."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from ..recording.facts.servers import LoadLevel
from ..recording.folder import RunError
from ..recording.model import Recording
from ..recording.trace_files import Damaged, pieces
from ._load_tests import count, files_in, json_of, known, number, recognised, recording, summary
from ._reading import ONE_BY_ONE, Reading

name = "k6 result"

_MS = 1e-3
_MAX_LINE = 1 << 20


class _Data(msgspec.Struct):
    time: str = ""
    value: float = 0.0


class _Line(msgspec.Struct):
    type: str = ""
    metric: str = ""
    data: Any = None


def _knows(start: bytes, path: Path) -> bool:
    if start.startswith(b'{"') and (b'"type":"Metric"' in start[:4096] or b'"type":"Point"' in start[:4096]):
        return b'"metric":"' in start
    summary_of = start.lstrip().startswith(b"{") and (b'"metrics"' in start or b'"root_group"' in start)
    return summary_of and b"traceEvents" not in start and (b'"http_req' in start or b'"iteration' in start)


def recognises(path: Path) -> bool:
    """Whether ``path`` is a result of k6, or a folder with one."""
    return recognised(path, _knows)


def read(path: Path) -> Recording:
    """The recording of one result. Raises RunError."""
    return read_many([path])


def read_many(paths: Sequence[Path], how: Reading = ONE_BY_ONE) -> Recording:
    """The same for several, such as one at each number of virtual users. Raises RunError."""
    levels, notes = list[LoadLevel](), list[str]()
    for file in (file for path in paths for file in files_in(path, _knows)):
        levels.append(_points(file, notes) if _is_points(file) else _summary(file, notes))
    return recording(paths[0], "k6", levels, notes)


def _is_points(file: Path) -> bool:
    from ..recording.trace_files import start_of

    return b'"type":"' in start_of(file, 512)


def _summary(file: Path, notes: list[str]) -> LoadLevel:
    document = json_of(file)
    metrics = document.get("metrics") if isinstance(document, dict) else None
    if not isinstance(metrics, dict):
        raise RunError(f"{file} is no summary of k6: it has no metrics")

    def values(metric: str) -> dict[str, Any]:
        found = metrics.get(metric)
        inner = found.get("values", found) if isinstance(found, dict) else {}
        return inner if isinstance(inner, dict) else {}

    requests, failed, duration = values("http_reqs"), values("http_req_failed"), values("http_req_duration")
    if count(requests.get("count")) is None:
        raise RunError(f"{file} is a summary of k6 without HTTP requests")
    done, rate = count(requests["count"]) or 0, number(requests.get("rate"))
    users = values("vus_max") or values("vus")
    dropped = count(values("dropped_iterations").get("count"))
    if dropped:
        notes.append(f"{file.name}: k6 dropped {dropped} iterations; it could not send at the planned rate.")
    passes, fails = count(values("checks").get("passes")), count(values("checks").get("fails"))
    return LoadLevel(
        tool="k6",
        requests=done,
        # A rate metric counts as "passes" the samples that are true: here, the requests that failed.
        failures=min(done, count(failed.get("passes")) or 0),
        clients=count(users.get("value", users.get("max"))),
        seconds=done / rate if rate else None,
        per_second=rate,
        latency=known(
            ((key, duration.get(theirs)) for key, theirs in
             (("mean", "avg"), ("min", "min"), ("max", "max"), ("p50", "med"), ("p90", "p(90)"), ("p95", "p(95)"),
              ("p99", "p(99)"))),
            _MS,
        ),
        checks_failed=fails / (passes + fails) if passes is not None and fails and passes + fails else None,
    )  # fmt: skip


def _points(file: Path, notes: list[str]) -> LoadLevel:
    """From the points of ``--out json``, which may be many: a number is kept of each request."""
    took, users, failures, bad, requests = array("d"), 0.0, 0, 0, 0
    first, last = "", ""
    decoder = msgspec.json.Decoder(_Line)
    for line in _lines(file, notes):
        try:
            each = decoder.decode(line)
            if each.type != "Point" or each.metric not in _POINTS:
                continue
            data = msgspec.convert(each.data, _Data)
        except (msgspec.DecodeError, msgspec.ValidationError, RecursionError):
            bad += 1
            continue
        if each.metric == "http_req_duration":
            took.append(data.value * _MS)
            first, last = min(first or data.time, data.time), max(last, data.time)
        elif each.metric == "vus":
            users = max(users, data.value)
        elif each.metric == "http_req_failed":
            failures += data.value > 0
        else:
            requests += 1
    if bad:
        notes.append(f"{file.name}: {bad} lines could not be read and are left out.")
    if not len(took):
        raise RunError(f"{file} holds no HTTP requests of k6")
    seconds = _between(first, last)
    done = max(requests, len(took))
    return LoadLevel(
        tool="k6",
        requests=done,
        failures=min(done, failures),
        clients=round(users) or None,
        seconds=seconds,
        per_second=done / seconds if seconds else None,
        latency=summary(took),
    )


_POINTS = ("http_req_duration", "http_reqs", "http_req_failed", "vus")


def _lines(file: Path, notes: list[str]) -> Iterator[bytes]:
    rest = b""
    try:
        for piece in pieces(file):
            *lines, rest = (rest + piece).split(b"\n")
            yield from (line for line in lines if line.strip() and len(line) <= _MAX_LINE)
            rest = rest[-_MAX_LINE:]
    except Damaged as damaged:
        notes.append(f"{file} is used as far as it goes: {damaged}.")
    except OSError as error:
        raise RunError(f"{file} cannot be read: {error.strerror or error}") from None
    if rest.strip():
        yield rest


def _between(first: str, last: str) -> float | None:
    """Seconds between two times as k6 writes them, which may have nanoseconds and any offset."""
    try:
        begin, end = (datetime.fromisoformat(_microseconds(each)) for each in (first, last))
        return max((end - begin).total_seconds(), 0.0) or None
    except (ValueError, TypeError):
        return None


def _microseconds(text: str) -> str:
    """``2024-01-01T10:00:00.123456789Z`` as Python 3.10 reads it."""
    text = text.replace("Z", "+00:00")
    head, dot, rest = text.partition(".")
    digits = len(rest) - len(rest.lstrip("0123456789"))
    return f"{head}.{rest[:digits][:6]:0<6}{rest[digits:]}" if dot else text
