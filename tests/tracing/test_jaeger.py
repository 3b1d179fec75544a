"""The file for Jaeger's upload, checked by the rules that its user interface lives by, and against a real server.

The interface repairs what is wrong instead of refusing it, so each rule is checked by itself.
"""

import json
import os
import time
import urllib.request

import pytest
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.exporters import otlp, write_all
from bottleneck_profiler.exporters.jaeger import JAEGER_FILE, dumps
from bottleneck_profiler.exporters.tracing.spans import build

KINDS = {"string": str, "bool": bool, "int64": int, "float64": (int, float)}


def problems(document):
    """What Jaeger's interface would have to repair in this file."""
    found = []
    for trace in document["data"]:
        spans = {}
        for span in trace["spans"]:
            if span["spanID"] in spans:
                found.append("two spans with one id")
            spans[span["spanID"]] = span
        roots = 0
        for span in trace["spans"]:
            if span["traceID"] != trace["traceID"]:
                found.append("span of another trace")
            if span["processID"] not in trace["processes"]:
                found.append("process is missing")
            if not 10**15 < span["startTime"] < 10**17 or span["duration"] < 0:
                found.append("not microseconds since 1970")
            roots += not span["references"]
            for reference in span["references"]:
                parent = spans.get(reference["spanID"])
                if reference["traceID"] != trace["traceID"] or parent is None:
                    found.append("orphan")
                elif not (
                    parent["startTime"] <= span["startTime"]
                    and span["startTime"] + span["duration"] <= parent["startTime"] + parent["duration"]
                ):
                    found.append("sticks out of its parent")
            for tags in [span["tags"], *(log["fields"] for log in span["logs"])]:
                if len({tag["key"] for tag in tags}) != len(tags):
                    found.append("tag twice")
                found += ["wrong type" for tag in tags if not isinstance(tag["value"], KINDS[tag["type"]])]
        if roots != 1:
            found.append("not one root")
    return found


def document(recording):
    built = build(recording, diagnose(recording), "the-run")
    return json.loads(dumps(built.spans, built.processes, "service"))


def everything(make, usual):
    return make(
        usual(3_000), 500, [(100 + i, 103 + i, "GET /p 200") for i in range(400)], [(101, 102, 4)], ranks=2
    )  # fmt: skip


def test_file_has_nothing_to_repair(make, usual):
    made = document(everything(make, usual))
    assert problems(made) == []
    assert len(made["data"]) > 100 and len(made["data"][0]["spans"]) > 500


def test_the_check_sees_what_is_wrong(make, usual):
    made = document(make(usual(25)))
    spans = made["data"][0]["spans"]
    spans[3]["references"][0]["spanID"] = "ffffffffffffffff"
    spans[4]["tags"].append(spans[4]["tags"][0])
    spans[5]["spanID"] = spans[6]["spanID"]
    spans[8]["duration"] += 10**9
    spans[9]["references"] = []
    assert {"orphan", "tag twice", "two spans with one id", "sticks out of its parent", "not one root"} <= set(
        problems(made)
    )


def test_links_between_traces_are_tags(make):
    made = document(make(requests=[(100, 110, "GET /p 200")]))
    run, request = made["data"]
    tags = {tag["key"]: tag["value"] for tag in request["spans"][0]["tags"]}
    assert tags["link.0.trace_id"] == run["traceID"] and tags["span.kind"] == "server"


def test_numbers_that_json_or_a_browser_cannot_hold(make, usual):
    built = build(make(usual(25)), diagnose(make(usual(25))), "x")
    built.spans[0].attributes.update({"nan": float("nan"), "big": 2**60, "yes": True})
    made = json.loads(dumps(built.spans, built.processes, "s"), parse_constant=lambda name: pytest.fail(name))
    tags = {tag["key"]: tag for tag in made["data"][0]["spans"][0]["tags"]}
    assert tags["nan"]["value"] == "nan" and tags["big"]["value"] == str(2**60) and tags["yes"]["type"] == "bool"
    assert problems(made) == []


def test_export_writes_the_file_and_sends_nothing_by_itself(make, usual, tmp_path, monkeypatch):
    import socket

    def refuse(*_, **__):
        raise AssertionError("nothing may leave the machine unasked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    recording = make(usual(25))
    monkeypatch.setenv("OTEL_SERVICE_NAME", "mine")
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    assert write_all(recording, diagnose(recording), tmp_path, {}) == []
    made = json.loads((tmp_path / JAEGER_FILE).read_text())
    assert problems(made) == [] and made["data"][0]["processes"]["p0"]["serviceName"] == "mine"


@pytest.mark.skipif("BOTTLENECK_JAEGER" not in os.environ, reason="BOTTLENECK_JAEGER names no Jaeger server")
def test_real_jaeger(make, usual, tmp_path):
    """OTLP in, /api/v3 out: names, parents and durations are those that were sent."""
    query = os.environ["BOTTLENECK_JAEGER"].rstrip("/")
    endpoint = os.environ.get("BOTTLENECK_JAEGER_OTLP", query.rsplit(":", 1)[0] + ":4318")
    recording = make(usual(30))
    recording.run["started_wall_ns"] = time.time_ns() - 60_000_000_000
    diagnosis = diagnose(recording)
    sent = {span.span_id: span for span in build(recording, diagnosis, tmp_path.name).spans}
    trace = next(iter(sent.values())).trace_id
    assert otlp.write(recording, diagnosis, tmp_path, {}, endpoint) == []
    for _ in range(60):
        try:
            with urllib.request.urlopen(f"{query}/api/v3/traces/{trace}", timeout=10) as answer:
                found = json.load(answer)["result"]["resourceSpans"]
        except OSError:
            found = []
        got = [span for part in found for scope in part["scopeSpans"] for span in scope["spans"]]
        if len(got) >= len(sent):
            break
        time.sleep(0.5)
    assert {span["spanId"] for span in got} == set(sent)
    for span in got:
        own = sent[span["spanId"]]
        assert (span["name"], span.get("parentSpanId") or None) == (own.name, own.parent)
        assert int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"]) == own.end_ns - own.start_ns
