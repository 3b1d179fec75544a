"""Results of AIPerf and GenAI-Perf, as JSON or CSV, with the metrics of the server that AIPerf watched meanwhile.

No setting is kept but the concurrency and the rate: the others may hold keys of services.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ..recording.facts.servers import LoadLevel, WatchedServer
from ..recording.folder import RunError
from ..recording.model import Recording, Table
from ..recording.servers.page import NotAPage
from ..recording.servers.readings import Readings, Row
from ..recording.servers.signals import COLUMNS
from ._load_tests import content, count, files_in, json_of, known, number, recognised, recording, rows_of
from ._reading import ONE_BY_ONE, Reading

name = "AIPerf result"

_SERVER = b"# AIPerf Server Metrics Export"
_CSV = b"Metric,avg,min,max,"
_QUANTILES = ("p50", "p75", "p90", "p95", "p99")
_UNITS = {"ms": 1e-3, "s": 1.0, "sec": 1.0, "seconds": 1.0, "us": 1e-6, "ns": 1e-9}
#: Columns of the server's metrics that are no labels.
_STATISTICS = {
    "Endpoint", "Type", "Metric", "Unit", "Description", "avg", "min", "max", "std", "total", "rate", "rate_avg",
    "rate_min", "rate_max", "rate_std", "count", "count_rate", "sum", "sum_rate", "buckets", "Key", "Value",
    *(f"p{q}{ending}" for q in (1, 5, 10, 25, 50, 75, 90, 95, 99) for ending in ("", "_estimate")),
}  # fmt: skip


def _knows(start: bytes, path: Path) -> bool:
    text = start.lstrip(b"\xef\xbb\xbf \n")
    if text.startswith((_SERVER, _CSV)):
        return True
    keys = all(key in start for key in (b'"request_latency"', b'"request_throughput"', b'"unit"'))
    return text.startswith(b"{") and keys and b"traceEvents" not in start


def recognises(path: Path) -> bool:
    """Whether ``path`` is a result of AIPerf, or a folder with one."""
    return recognised(path, _knows)


def read(path: Path) -> Recording:
    """The recording of one test. Raises RunError."""
    return read_many([path])


@dataclass
class _Servers:
    """Rows of the table ``servers`` and what they are of."""

    facts: list[WatchedServer] = field(default_factory=list)
    rows: list[dict[str, float | int]] = field(default_factory=list)

    def add(self, url: str, row: Row, time_ns: int, at: str) -> None:
        model = f"{row.model} {at}".strip()
        fact = next(
            (each for each in self.facts if (each.url, each.server, each.model) == (url, row.server, model)), None
        )
        if fact is None:
            fact = WatchedServer(len(self.facts), url, row.server, model, averaged=True)
            self.facts.append(fact)
        self.rows.append({"time_ns": time_ns, "server": fact.number, **row.values})

    def table(self) -> Table | None:
        if not self.rows:
            return None
        whole: Table = {key: np.array([row[key] for row in self.rows], "i8") for key in ("time_ns", "server")}
        measured = (column for column in COLUMNS if any(column in row for row in self.rows))
        return whole | {key: np.array([row.get(key, np.nan) for row in self.rows], float) for key in measured}


def read_many(paths: Sequence[Path], how: Reading = ONE_BY_ONE) -> Recording:
    """The same for several, such as one folder at each concurrency. Raises RunError."""
    levels, notes, servers = list[LoadLevel](), list[str](), _Servers()
    for path in paths:
        files = files_in(path, _knows)
        starts = {file: content(file)[:64].lstrip(b"\xef\xbb\xbf \n") for file in files}
        documents = [file for file in files if starts[file].startswith(b"{")]
        found = [_of_json(file) for file in documents]
        if not found:  # the CSV holds the same numbers
            found = [_of_csv(file) for file in files if starts[file].startswith(_CSV[:20])]
        at = f"at concurrency {found[0].clients}" if len(paths) > 1 and found and found[0].clients else ""
        for file in files:
            if starts[file].startswith(_SERVER[:20]):
                seconds = found[0].seconds if found else None
                queue = _watched(file, servers, seconds, at)
                found = [msgspec.structs.replace(level, queue_seconds=queue) for level in found]
        levels += found
    return recording(paths[0], "AIPerf", levels, notes, servers.facts, servers.table())


def _of_json(file: Path) -> LoadLevel:
    document = json_of(file)
    if not isinstance(document, dict):
        raise RunError(f"{file} is no result of AIPerf")
    return _level(file, document)


def _of_csv(file: Path) -> LoadLevel:
    """A table of distributions, then one of single values; names have their unit in brackets."""
    values: dict[str, Any] = {}
    heads: list[str] = []
    for row in rows_of(file):
        if row[:1] == ["Metric"]:
            heads = row
        elif row and heads:
            label, _, unit = row[0].partition(" (")
            cells = dict(zip(heads[1:], row[1:], strict=False))
            average = {"avg": cells["Value"]} if "Value" in cells else {}
            values[label.strip().lower().replace(" ", "_")] = {**cells, "unit": unit.rstrip(")"), **average}
    return _level(file, values)


def _level(file: Path, document: dict[str, Any]) -> LoadLevel:
    def average(key: str) -> float | None:
        return number(_metric(document, key).get("avg"))

    def seconds(key: str) -> dict[str, float]:
        values = _metric(document, key)
        named = [("mean", values.get("avg")), *((each, values.get(each)) for each in ("min", "max", *_QUANTILES))]
        return known(named, _UNITS.get(str(values.get("unit")), 1e-3))

    took = seconds("request_latency")
    if not took:
        raise RunError(f"{file} is damaged, or no result of AIPerf: it has no request latency")
    settings = _metric(_metric(document, "input_config"), "loadgen")
    sizes = _metric(document, "input_sequence_length")
    low, high = number(sizes.get("p10")), number(sizes.get("p90"))
    errors = document.get("error_summary")
    listed = [count(each.get("count")) or 0 for each in errors if isinstance(each, dict)] if errors else []
    good, failures = average("request_count"), sum(listed) or round(average("error_request_count") or 0.0)
    return LoadLevel(
        tool="AIPerf",
        requests=None if good is None else round(good) + failures,
        failures=failures,
        clients=count(settings.get("concurrency")),
        asked_per_second=number(settings.get("request_rate")),
        seconds=average("benchmark_duration"),
        per_second=average("request_throughput"),
        tokens_per_second=average("output_token_throughput"),
        input_spread=high / low if low and high else None,
        latency=took,
        first_token=seconds("time_to_first_token"),
        token_gap=seconds("inter_token_latency"),
    )


def _metric(document: dict[str, Any], key: str) -> dict[str, Any]:
    found = document.get(key)
    return found if isinstance(found, dict) else {}


# --- the server's metrics ---
def _watched(file: Path, servers: _Servers, seconds: float | None, at: str) -> float | None:
    """Add what AIPerf saw of the server; the mean time of a request in its queue, if it says that."""
    pages, length = dict[str, tuple[list[str], list[str]]](), seconds
    for endpoint, begin, end, lasted in _lines(file):
        lines = pages.setdefault(endpoint, ([], []))
        lines[0].append(begin)
        lines[1].append(end)
        length = length or lasted
    queue = None
    for endpoint, (first, last) in pages.items():
        readings = Readings()
        try:
            for time_ns, text in ((0, first), (round((length or 0.0) * 1e9), last)):
                for row in readings.read("\n".join(text) + "\n"):
                    servers.add(endpoint, row, time_ns, at)
                    done = row.values.get("queue_count_total")
                    queue = row.values["queue_seconds_total"] / done if done else queue
        except NotAPage:
            continue
    return queue


def _lines(file: Path) -> Iterator[tuple[str, str, str, float | None]]:
    """(endpoint, line of a page at the beginning, the same at the end, seconds between) for each series."""
    heads: list[str] = []
    for row in rows_of(file):
        if row[:1] == ["Endpoint"]:
            heads = row
        elif heads and len(row) == len(heads) and not row[0].startswith("#"):
            cells = dict(zip(heads, row, strict=True))
            kind, metric = cells.get("Type"), cells.get("Metric", "")
            labels = {key: value for key, value in cells.items() if key not in _STATISTICS and value}
            if kind == "gauge" and number(cells.get("avg")) is not None:
                line = _line(metric, labels, cells["avg"])
                yield row[0], line, line, None
            elif kind == "counter" and number(cells.get("total")) is not None:
                total, rate = number(cells["total"]), number(cells.get("rate"))
                lasted = total / rate if total and rate else None
                yield row[0], _line(metric, labels, "0"), _line(metric, labels, cells["total"]), lasted
            elif kind == "histogram":
                for ending in ("count", "sum"):
                    full = f"{metric}_{ending}"
                    yield row[0], _line(full, labels, "0"), _line(full, labels, cells.get(ending) or "0"), None
                for bucket in cells.get("buckets", "").split(";"):
                    bound, equals, value = bucket.partition("=")
                    if equals:
                        where = {**labels, "le": bound}
                        yield (
                            row[0],
                            _line(f"{metric}_bucket", where, "0"),
                            _line(f"{metric}_bucket", where, value),
                            None,
                        )


def _line(metric: str, labels: dict[str, str], value: str) -> str:
    inner = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items() if key.isidentifier())
    return f"{metric}{{{inner}}} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
