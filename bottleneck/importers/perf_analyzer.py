"""Results of Triton's perf_analyzer: ``perf_analyzer -f FILE`` writes a row per concurrency or request rate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..recording.facts.servers import LoadLevel
from ..recording.folder import RunError
from ..recording.model import Recording
from ._load_tests import count, files_in, known, number, recognised, recording, rows_of
from ._reading import ONE_BY_ONE, Reading

name = "perf_analyzer result"

_US = 1e-6
_LOADS = ("Concurrency", "Request Rate")
_RATE = "Inferences/Second"
#: The parts of a request; they add up to its mean latency.
_PARTS = (
    "Client Send", "Network+Server Send/Recv", "Server Queue", "Server Compute Input", "Server Compute Infer",
    "Server Compute Output", "Client Recv",
)  # fmt: skip
_KEYS = {"mean": "Avg latency", **{f"p{share}": f"p{share} latency" for share in (50, 90, 95, 99)}}


def _knows(start: bytes, path: Path) -> bool:
    return start.lstrip(b"\xef\xbb\xbf").startswith(tuple(f"{load},{_RATE}".encode() for load in _LOADS))


def recognises(path: Path) -> bool:
    """Whether ``path`` is a table of perf_analyzer, or a folder with one."""
    return recognised(path, _knows)


def read(path: Path) -> Recording:
    """The recording of one table. Raises RunError."""
    return read_many([path])


def read_many(paths: Sequence[Path], how: Reading = ONE_BY_ONE) -> Recording:
    """The same for several. Raises RunError."""
    files = [file for path in paths for file in files_in(path, _knows)]
    return recording(paths[0], "perf_analyzer", [level for file in files for level in _levels(file)])


def _levels(file: Path) -> Iterator[LoadLevel]:
    heads, *rows = rows_of(file)
    some = False
    for row in rows:
        values = dict(zip(heads, row, strict=False))
        rate, took = number(values.get(_RATE)), known(((key, values.get(head)) for key, head in _KEYS.items()), _US)
        if rate is None or not took:  # a row that was cut off
            continue
        some = True
        parts = [number(values.get(part), _US) for part in _PARTS]
        if "mean" not in took and None not in parts:
            took["mean"] = sum(part or 0.0 for part in parts)
        yield LoadLevel(
            tool="perf_analyzer",
            clients=count(values.get("Concurrency")),
            asked_per_second=number(values.get("Request Rate")),
            per_second=rate,
            latency=took,
            queue_seconds=number(values.get("Server Queue"), _US),
            compute_seconds=number(values.get("Server Compute Infer"), _US),
        )
    if not some:
        raise RunError(f"{file} holds no results of perf_analyzer")
