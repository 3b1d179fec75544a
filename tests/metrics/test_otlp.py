"""OTLP metrics into a receiver that decodes them by OpenTelemetry's own definition."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.exporters import otlp
from bottleneck_profiler.exporters.support.otlp_target import target
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

from .replay import SERVING, TRAINING, recorded


class Receiver:
    """What came, by path; ``status``: path -> the answer, 200 if it is not there."""

    def __init__(self) -> None:
        self.bodies: dict[str, list[bytes]] = {}
        self.status: dict[str, int] = {}
        self.url = ""

    @property
    def resource(self) -> Any:
        (body,) = self.bodies["/v1/metrics"]
        (found,) = ExportMetricsServiceRequest.FromString(body).resource_metrics
        return found

    @property
    def metrics(self) -> dict[str, Any]:
        (scope,) = self.resource.scope_metrics
        assert scope.scope.name == "bottleneck_profiler"
        found = {metric.name: metric for metric in scope.metrics}
        assert len(found) == len(scope.metrics)
        return found


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            path = self.path.partition("?")[0]
            receiver.bodies.setdefault(path, []).append(body)
            self.send_response(receiver.status.get(path, 200))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def send(name: str, environment: dict[str, str], url: str | None = None) -> list[str]:
    recording = recorded(name)
    recording = replace(recording, run={**recording.run, "name": "train"})
    return otlp.write(recording, diagnose(recording), Path("the-run"), environment, url)


def attributes(point: Any) -> dict[str, str]:
    return {pair.key: pair.value.string_value for pair in point.attributes}


def test_a_training_by_the_conventions_of_hardware_and_processes(receiver: Receiver) -> None:
    assert send(TRAINING, {}, receiver.url) == []
    found = receiver.metrics
    assert found["hw.gpu.utilization"].unit == "1" and found["hw.energy"].unit == "J"
    (point,) = found["hw.gpu.utilization"].gauge.data_points
    assert attributes(point) == {"hw.id": "0", "hw.type": "gpu"} and 0 <= point.as_double <= 1
    energy = found["hw.energy"].sum
    assert energy.is_monotonic and energy.aggregation_temporality == AggregationTemporality.Value(
        "AGGREGATION_TEMPORALITY_CUMULATIVE"
    )
    memory = found["process.memory.usage"]
    assert memory.unit == "By" and not memory.sum.is_monotonic
    modes = {attributes(point)["cpu.mode"]: point.as_double for point in found["process.cpu.time"].sum.data_points}
    assert set(modes) == {"user", "system"} and modes["user"] > 0
    (steps,) = found["bottleneck.step.duration"].histogram.data_points
    assert attributes(steps) == {"run": "train"}
    assert steps.count == sum(steps.bucket_counts) == diagnose(recorded(TRAINING)).run.steps
    assert len(steps.bucket_counts) == len(steps.explicit_bounds) + 1
    assert 0 < steps.min <= steps.sum / steps.count <= steps.max
    started = recorded(TRAINING).run["started_wall_ns"]
    assert steps.start_time_unix_nano == started < steps.time_unix_nano
    assert "http.server.request.duration" not in found


def test_a_server_by_the_conventions_of_http(receiver: Receiver) -> None:
    assert send(SERVING, {}, receiver.url) == []
    duration = receiver.metrics["http.server.request.duration"]
    assert duration.unit == "s"
    points = duration.histogram.data_points
    assert sum(point.count for point in points) == diagnose(recorded(SERVING)).run.requests
    for point in points:
        told = attributes(point)
        assert told["http.route"].startswith("/") and told["http.request.method"].isupper()
        assert told["http.response.status_code"].isdigit()
    assert not [name for name in receiver.metrics if name.startswith("hw.")]


def test_the_resource_is_that_of_the_run(receiver: Receiver) -> None:
    environment = {"OTEL_SERVICE_NAME": "mine", "OTEL_RESOURCE_ATTRIBUTES": "team=vision%20two"}
    assert send(TRAINING, environment, receiver.url) == []
    told = {pair.key: pair.value.string_value for pair in receiver.resource.resource.attributes}
    assert told["service.name"] == "mine" and told["team"] == "vision two"
    assert told["bottleneck.run.id"] == "the-run"


def test_a_receiver_of_spans_only_is_no_problem(receiver: Receiver) -> None:
    receiver.status["/v1/metrics"] = 404
    assert send(TRAINING, {}, receiver.url) == []
    assert receiver.bodies["/v1/traces"]


def test_metrics_that_are_refused_are_one_warning(receiver: Receiver) -> None:
    receiver.status["/v1/metrics"] = 400
    url = receiver.url.replace("//", "//user:secret@") + "?key=hidden"
    (warning,) = send(TRAINING, {}, url)
    assert warning.startswith("metrics were not sent: nothing took them at http://127.0.0.1:")
    assert "secret" not in warning and "hidden" not in warning


def test_the_standard_variable_switches_metrics_off(receiver: Receiver) -> None:
    assert send(TRAINING, {"OTEL_METRICS_EXPORTER": "none"}, receiver.url) == []
    assert set(receiver.bodies) == {"/v1/traces"}
    assert send(TRAINING, {"OTEL_SDK_DISABLED": "true"}, receiver.url) == []
    assert len(receiver.bodies["/v1/traces"]) > 0


def test_metrics_alone(receiver: Receiver) -> None:
    assert send(TRAINING, {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"{receiver.url}/own"}) == []
    assert set(receiver.bodies) == {"/own"}


@pytest.mark.parametrize(
    ("environment", "url", "expected"),
    [
        ({}, None, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:4318"}, None, "http://a:4318/v1/metrics"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://a/v1/traces"}, None, None),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://a/own"}, None, "http://a/own"),
        ({}, "http://a:4318/v1/traces", "http://a:4318/v1/metrics"),
        ({}, "http://a/?k=v", "http://a/v1/metrics?k=v"),
    ],
)
def test_endpoints_by_the_specification(environment: dict[str, str], url: str | None, expected: str | None) -> None:
    found = target(environment, url, "metrics")
    assert (found.url if found else None) == expected
