"""OTLP into receivers that are not ours: what arrives is what was built, and what cannot arrive is said once."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.exporters import otlp
from bottleneck_profiler.exporters.tracing import names
from bottleneck_profiler.exporters.tracing.spans import build


def sent_by(recording, folder, environment, url=None):
    """(spans built, warnings of the export)."""
    diagnosis = diagnose(recording)
    warnings = otlp.write(recording, diagnosis, folder, environment, url)
    return build(recording, diagnosis, folder.name).spans, warnings


def attributes(message):
    values = {}
    for pair in message.attributes:
        kind = pair.value.WhichOneof("value")
        values[pair.key] = getattr(pair.value, kind) if kind else ""
    return values


def test_oteltap_gets_every_span_as_it_was_built(make, usual, tap, tmp_path):
    recording = make(usual(2_000), 500, [(100 + i, 103 + i, "GET /p 200") for i in range(40)], [(101, 102, 4)])
    spans, warnings = sent_by(recording, tmp_path, {"OTEL_EXPORTER_OTLP_ENDPOINT": tap.url})
    assert warnings == []
    assert len(spans) > 3 * otlp.BATCH // 2, "more than one batch"
    arrived = {span.span_id.hex(): span for span in tap.wait(len(spans))}
    assert set(arrived) == {span.span_id for span in spans} and len(tap.spans) == len(spans)
    for own in spans:
        got = arrived[own.span_id]
        assert got.name == own.name and got.trace_id.hex() == own.trace_id
        assert got.parent_span_id.hex() == (own.parent or "")
        assert (got.start_time_unix_nano, got.end_time_unix_nano) == (own.start_ns, own.end_ns)
        assert attributes(got) == own.attributes
        assert [(link.trace_id.hex(), link.span_id.hex()) for link in got.links] == [
            (link.trace_id, link.span_id) for link in own.links
        ]
        assert (got.kind == 2) == own.server


def test_findings_arrive_as_events(make, usual, tap, tmp_path):
    recording = make(usual(200, wait=20_000))
    diagnosis = diagnose(recording)
    spans = build(recording, diagnosis, "x")
    from bottleneck_profiler.exporters.tracing.tree import Event

    given = {names.DETECTOR: "input-wait", names.GAIN_SHARE: 0.5}
    spans.spans[0].events.append(Event(names.FINDING, spans.spans[0].end_ns, given))
    where = otlp.target({}, tap.url)
    assert otlp.send(spans, where, {}) == ""
    run = next(span for span in tap.wait(len(spans.spans)) if span.name == "run")
    assert run.events[-1].name == "bottleneck.finding" and attributes(run.events[-1]) == given


def test_rotel_collector_takes_all(make, usual, tmp_path, port):
    """A small collector in Rust, its binary started here: it prints what it received."""
    rotel = pytest.importorskip("rotel")
    binary = Path(rotel.__file__).with_name("rotel-agent")
    if not binary.exists():
        pytest.skip("this rotel has no collector in it")
    recording = make(usual(100))
    log = tmp_path / "rotel.log"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        grpc = probe.getsockname()[1]
    words = ["start", "--otlp-http-endpoint", f"127.0.0.1:{port}", "--otlp-grpc-endpoint", f"127.0.0.1:{grpc}"]
    words += ["--exporter", "blackhole", "--debug-log", "traces", "--debug-log-verbosity", "detailed"]
    with log.open("w") as output:
        agent = subprocess.Popen([str(binary), *words], stdout=output, stderr=output)
    try:
        until_open(port, agent)
        environment = {
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://127.0.0.1:{port}/v1/traces",
            "OTEL_SERVICE_NAME": "my-training",
            "OTEL_RESOURCE_ATTRIBUTES": "team=vision%20two,deployment.environment.name=test",
        }
        spans, warnings = sent_by(recording, tmp_path, environment)
        assert warnings == []
        for _ in range(200):
            text = log.read_text()
            if text.count("Span #") >= len(spans):
                break
            time.sleep(0.05)
    finally:
        agent.terminate()
        agent.wait(20)
    assert text.count("    ID             : ") == len(spans)
    assert all(f": {span.span_id}" in text for span in spans)
    assert "service.name: Str(my-training)" in text and "team: Str(vision two)" in text


def until_open(port, process):
    for _ in range(400):
        assert process.poll() is None, "the collector ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the collector did not open its port")


def test_a_dead_endpoint_is_one_warning(make, usual, tmp_path, port, capfd):
    spans, warnings = sent_by(
        make(usual(1_000)), tmp_path, {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://user:secret@127.0.0.1:{port}?key=hidden"}
    )
    (warning,) = warnings
    assert f"{len(spans)} of {len(spans)} spans were not sent" in warning and f"127.0.0.1:{port}" in warning
    assert "secret" not in warning and "hidden" not in warning
    assert capfd.readouterr() == ("", ""), "the exporter's own messages stay away from the user's terminal"


def test_an_endpoint_that_never_answers_costs_its_timeout_once(make, usual, tmp_path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_TIMEOUT": "0.3"}
        spans, warnings = sent_by(make(usual(1_000)), tmp_path, environment)
        assert len(spans) > 2 * otlp.BATCH and len(warnings) == 1
        silent.settimeout(0.2)
        tries = 0
        try:
            while True:
                silent.accept()[0].close()
                tries += 1
        except TimeoutError:
            pass
        assert tries <= 2, "the other batches were not tried"


def test_an_endpoint_that_refuses_is_said(make, usual, tmp_path, tap):
    where = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": tap.url + "/nothing/here"}
    spans, (warning,) = sent_by(make(usual(30)), tmp_path, where)
    assert warning.startswith(f"{len(spans)} of {len(spans)} spans were not sent")


@pytest.mark.parametrize("endpoint", ["not a url", "http://", "http://[", "://", "file:///x"])
def test_an_odd_endpoint_never_raises(make, usual, tmp_path, endpoint):
    _, warnings = sent_by(make(usual(30)), tmp_path, {}, endpoint)
    assert len(warnings) == 1 and "not sent" in warnings[0]


def test_disabled(make, usual, tmp_path, tap):
    environment = {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": tap.url}
    assert sent_by(make(usual(30)), tmp_path, environment)[1] == []
    assert tap.spans == []


def test_grpc_without_its_extra_says_how_to_get_it(make, usual, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.grpc.trace_exporter", None)
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    (warning,) = sent_by(make(usual(30)), tmp_path, environment)[1]
    assert "bottleneck-profiler[grpc]" in warning


def test_an_unknown_protocol_is_named(make, usual, tmp_path):
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}
    (warning,) = sent_by(make(usual(30)), tmp_path, environment)[1]
    assert "http/json" in warning


BASE, TRACES = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"


@pytest.mark.parametrize(
    ("environment", "url", "expected"),
    [
        ({}, None, None),
        ({BASE: ""}, None, None),
        ({BASE: "http://a:4318"}, None, "http://a:4318/v1/traces"),
        ({BASE: "http://a:4318/x/"}, None, "http://a:4318/x/v1/traces"),
        ({TRACES: "http://a/own"}, None, "http://a/own"),
        ({TRACES: "http://a/own", BASE: "http://b"}, None, "http://a/own"),
        ({BASE: "http://a?k=v"}, None, "http://a/v1/traces?k=v"),
        ({BASE: "http://b"}, "http://c:1", "http://c:1/v1/traces"),
        ({TRACES: "http://a/own"}, "http://c/v1/traces", "http://c/v1/traces"),
        ({BASE: "http://a:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, None, "http://a:4317"),
    ],
)
def test_endpoints_by_the_specification(environment, url, expected):
    found = otlp.target(environment, url)
    assert (found.url if found else None) == expected


def test_timeout_of_the_environment():
    assert otlp.target({BASE: "http://a"}).timeout_seconds == otlp.TIMEOUT_SECONDS
    assert otlp.target({BASE: "http://a", "OTEL_EXPORTER_OTLP_TIMEOUT": "7"}).timeout_seconds == 7.0
    assert otlp.target({BASE: "http://a", "OTEL_EXPORTER_OTLP_TIMEOUT": "soon"}).timeout_seconds == 3.0


def test_opentelemetry_is_imported_only_to_send_and_no_provider_is_set():
    code = """
import sys
from pathlib import Path
from bottleneck_profiler.exporters import tracing
from bottleneck_profiler.exporters import jaeger
from bottleneck_profiler.exporters.tracing import spans, tree
assert not [name for name in sys.modules if name.split(".")[0] == "opentelemetry"]
from opentelemetry import trace
before = trace.get_tracer_provider()
from bottleneck_profiler.exporters import otlp
one = spans.Spans([tree.Span("a", "1" * 32, "2" * 16, None, 1, 2, 0)], {0: {}}, "s")
assert otlp.send(one, otlp.target({}, "http://127.0.0.1:9"), {})
assert trace.get_tracer_provider() is before and trace._TRACER_PROVIDER is None
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env={**os.environ})
    assert done.returncode == 0, done.stderr
