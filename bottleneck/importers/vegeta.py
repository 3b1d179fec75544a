"""Results of vegeta: the report as JSON (``vegeta report -type=json``), or the results (``vegeta encode``)."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from pathlib import Path

import msgspec

from ..recording.facts.servers import LoadLevel
from ..recording.folder import RunError
from ..recording.model import Recording
from ._load_tests import content, count, files_in, json_of, known, number, recognised, recording, summary
from ._reading import ONE_BY_ONE, Reading

name = "vegeta result"

_NS = 1e-9
_KEYS = {"mean": "mean", "min": "min", "max": "max", "p50": "50th", "p90": "90th", "p95": "95th", "p99": "99th"}


class _Result(msgspec.Struct):
    code: int = 0
    latency: int = 0
    error: str = ""
    timestamp: str = ""


def _knows(start: bytes, path: Path) -> bool:
    report = b'"latencies"' in start and b'"bytes_in"' in start and b'"status_codes"' in start
    return start.lstrip().startswith(b"{") and (report or _is_results(start))


def _is_results(start: bytes) -> bool:
    return all(key in start for key in (b'"latency"', b'"bytes_in"', b'"seq"', b'"code"'))


def recognises(path: Path) -> bool:
    """Whether ``path`` is a result of vegeta, or a folder with one."""
    return recognised(path, _knows)


def read(path: Path) -> Recording:
    """The recording of one result. Raises RunError."""
    return read_many([path])


def read_many(paths: Sequence[Path], how: Reading = ONE_BY_ONE) -> Recording:
    """The same for several, such as one at each rate. Raises RunError."""
    notes = list[str]()
    files = [file for path in paths for file in files_in(path, _knows)]
    return recording(paths[0], "vegeta", [_level(file, notes) for file in files], notes)


def _level(file: Path, notes: list[str]) -> LoadLevel:
    from ..recording.trace_files import start_of

    if _is_results(start_of(file, 4096)):
        return _results(file, notes)
    report = json_of(file)
    latencies = report.get("latencies") if isinstance(report, dict) else None
    if not isinstance(latencies, dict) or count(report.get("requests")) is None:
        raise RunError(f"{file} is no report of vegeta")
    done, good = count(report["requests"]) or 0, number(report.get("success"))
    seconds = [number(report.get(key), _NS) for key in ("duration", "wait")]
    return LoadLevel(
        tool="vegeta",
        requests=done,
        failures=round(done * (1.0 - min(1.0, good))) if good is not None else 0,
        asked_per_second=number(report.get("rate")),
        seconds=sum(each or 0.0 for each in seconds) or None,
        per_second=number(report.get("throughput")),
        latency=known(((ours, latencies.get(theirs)) for ours, theirs in _KEYS.items()), _NS),
    )


def _results(file: Path, notes: list[str]) -> LoadLevel:
    took, failures, bad = array("d"), 0, 0
    decoder = msgspec.json.Decoder(_Result)
    for line in content(file).split(b"\n"):
        if not line.strip():
            continue
        try:
            result = decoder.decode(line)
        except (msgspec.DecodeError, msgspec.ValidationError):
            bad += 1
            continue
        took.append(result.latency * _NS)
        failures += not 200 <= result.code < 400
    if bad:
        notes.append(f"{file.name}: {bad} lines could not be read and are left out.")
    if not len(took):
        raise RunError(f"{file} holds no results of vegeta")
    return LoadLevel(tool="vegeta", requests=len(took), failures=failures, latency=summary(took))
