"""Pages that real libraries write: the exporter of Python's client, an instrumented FastAPI, Debian's node exporter."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from bottleneck_profiler.capture.servers.fetch import Http, NoPage, address
from bottleneck_profiler.recording.servers.readings import NoServer, Readings, Row
from helpers import started

EXPORTER = """
import sys
from prometheus_client import Counter, Gauge, Histogram, start_http_server
running = Gauge("vllm:num_requests_running", "running", ["model_name"]).labels("m")
took = Histogram("vllm:e2e_request_latency_seconds", "latency", ["model_name"], buckets=(0.3, 1.0, 2.5)).labels("m")
done = Counter("vllm:request_success", "done", ["model_name", "finished_reason"]).labels("m", "stop")
running.set(3)
for seconds in (0.2, 0.5, 2.0, 9.0):
    took.observe(seconds)
    done.inc()
start_http_server(int(sys.argv[1]), "127.0.0.1")
sys.stdin.read()
"""
APPLICATION = """
import sys
import uvicorn
from fastapi import FastAPI
from prometheus_fastapi_instrumentator import Instrumentator
app = FastAPI()

@app.get("/predict")
def predict():
    return {}

Instrumentator(should_instrument_requests_inprogress=True, inprogress_labels=True).instrument(app).expose(app)
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
"""
NODE = shutil.which("prometheus-node-exporter") or shutil.which("node_exporter")


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@contextmanager
def serving(words: list[str | Path], port: int) -> Iterator[str]:
    """The address of a server that is being started."""
    with started(words, stdin=subprocess.PIPE) as process:
        url, http = address(f"127.0.0.1:{port}"), Http(5)
        for _ in range(600):
            try:
                http(url)
                break
            except NoPage:
                assert process.poll() is None
                time.sleep(0.05)
        yield url


def rows(url: str, readings: Readings) -> list[Row]:
    return readings.read(Http(5)(url))


def test_the_exporter_of_the_client_library(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(EXPORTER)
    port = free_port()
    with serving([sys.executable, tmp_path / "server.py", str(port)], port) as url:
        readings = Readings(whole=True)
        (row,) = rows(url, readings)
    assert (row.server, row.model) == ("vLLM", "m") and row.values["running_requests"] == 3
    assert row.values["requests_total"] == 4 and row.values["latency_seconds_total"] == pytest.approx(11.7)
    found = readings.durations["vLLM", "m", "latency"].counts
    assert found == {0.3: 1, 1.0: 1, 2.5: 1, float("inf"): 1}


def test_an_instrumented_application(tmp_path: Path) -> None:
    pytest.importorskip("prometheus_fastapi_instrumentator")
    (tmp_path / "app.py").write_text(APPLICATION)
    port = free_port()
    with serving([sys.executable, tmp_path / "app.py", str(port)], port) as url:
        readings, http = Readings(), Http(5)
        rows(url, readings)
        for _ in range(7):
            http(url.replace("/metrics", "/predict"))
        (row,) = rows(url, readings)
    assert row.server == "HTTP" and row.values["requests_total"] == row.values["latency_count_total"] == 7
    assert row.values["running_requests"] == 0 and row.values["latency_seconds_total"] > 0


@pytest.mark.skipif(NODE is None, reason="no node exporter is installed (Debian: prometheus-node-exporter)")
def test_the_node_exporter() -> None:
    port = free_port()
    words = [NODE or "", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
    with serving([*words], port) as url:
        (row,) = rows(url, Readings())
    assert row.server == "machine"
    assert 0 < row.values["host_cpu_idle_seconds_total"] <= row.values["host_cpu_seconds_total"]


def test_the_metrics_of_the_python_client_alone_are_no_server(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(EXPORTER.partition("running =")[0] + EXPORTER.partition("done.inc()\n")[2])
    port = free_port()
    with serving([sys.executable, tmp_path / "server.py", str(port)], port) as url, pytest.raises(NoServer):
        rows(url, Readings())
