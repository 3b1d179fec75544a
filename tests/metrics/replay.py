"""Replays recorded runs as pages of metrics, as if they ran now, and a server for them."""

from __future__ import annotations

import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from artifacts.recorded import golden
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.run.machine import Settings
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.exporters import textfile
from bottleneck_profiler.exporters.metrics.page import page
from bottleneck_profiler.exporters.metrics.samples import RunNow, Sample, of_now, of_run, tally_of
from bottleneck_profiler.prices import Prices
from bottleneck_profiler.recording.model import STEP_PHASES, Recording

TRAINING, SERVING = "starved-gpu/fires", "synchronous-serving/fires"


@cache
def recorded(name: str) -> Recording:
    """A golden. Its GPU is simulated, and what it lacks of NVML's figures is made up here."""
    recording = golden(name)
    if not len(recording.gpu.get("time_ns", ())):
        return recording
    usage, gib = np.nan_to_num(recording.gpu["utilization"]), float(1 << 30)
    passed = (recording.gpu["time_ns"] - recording.started_ns) / 1e9
    made = {
        "power_watts": 100.0 + 200.0 * usage,
        "energy_joules_total": 5e6 + 150.0 * passed,
        "memory_used_bytes": 2 * gib + 4 * gib * usage,
        "memory_total_bytes": np.full(len(usage), 80 * gib),
        "temperature_celsius": 40.0 + 20.0 * usage,
    }
    return replace(recording, gpu={**recording.gpu, **made})


def between(recording: Recording, since_ns: int, until_ns: int) -> Recording:
    """What was recorded in a window, its end included."""

    def rows(table: Mapping[str, Any], column: str) -> dict[str, Any]:
        kept = (table[column] > since_ns) & (table[column] <= until_ns) if column in table else np.zeros(0, bool)
        return {name: values[kept] for name, values in table.items()}

    return replace(
        recording,
        host=rows(recording.host, "time_ns"),
        gpu=rows(recording.gpu, "time_ns"),
        steps=rows(recording.steps, "t1"),
        requests=recording.requests[(recording.requests["t1"] > since_ns) & (recording.requests["t1"] <= until_ns)],
    )


PRICES = Prices(machine=2.5, currency="€")


def at(name: str, share: float, prices: Prices | None = None) -> list[Sample]:
    """The samples of a golden when ``share`` of it had passed."""
    whole = recorded(name)
    seconds = whole.wall_seconds * min(1.0, share)
    past = between(whole, 0, whole.started_ns + round(seconds * 1e9))
    phases = {phase: float(past.steps[phase].sum()) / 1e6 for phase in STEP_PHASES}
    phases = {phase: own for phase, own in phases.items() if own} or {"serve.handler": seconds}
    run = {**whole.run, "name": name.partition("/")[0]}
    price = None if prices is None else prices.of_machine(2, 1 << 30)
    return of_now(RunNow(run, "replayed", seconds, phases, tally_of(past), whole.run.get("gpus", ()), price))


def ended(name: str, prices: Prices | None = None) -> list[Sample]:
    """The samples of a golden after its end."""
    recording = recorded(name)
    diagnosis = diagnose(recording, Settings(prices))
    return of_run(recording, diagnosis, tally_of(recording, Artifacts(recording)), "replayed")


def write_textfile(name: str, folder: Path) -> Path:
    """The textfile of a golden."""
    recording = recorded(name)
    recording = replace(recording, run={**recording.run, "name": name.partition("/")[0]})
    assert textfile.write(recording, diagnose(recording), Path("replayed"), folder) == []
    return folder / textfile.file_name(recording.run["name"])


def page_of(name: str, samples: list[Sample]) -> str:
    return page(name.partition("/")[0], samples)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(pages: Mapping[str, Callable[[], str]]) -> Iterator[int]:
    """A server of ``pages`` (path -> what it shows); its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages[self.path]().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return str(answer.read().decode())


def until(done: Callable[[], object], what: str, tries: int = 600) -> Any:
    """The first answer of ``done`` that is something."""
    for _ in range(tries):
        try:
            found = done()
        except OSError:
            found = None
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come")
