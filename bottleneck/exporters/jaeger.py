"""Writes spans as JSON that can be uploaded in Jaeger's user interface.

Times are in microseconds, and each trace has one root. A link to another trace is written as tags, because the
interface would treat a reference to a span it cannot find as a missing parent.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..artifacts import Artifacts
from ..diagnosis.model import Diagnosis
from ..files import write_text
from ..recording.model import Recording
from .tracing.spans import build
from .tracing.tree import Attributes, Span, Value

name, after = "jaeger", ("html",)
JAEGER_FILE = "trace.jaeger.json"


def write(
    recording: Recording,
    diagnosis: Diagnosis,
    folder: Path,
    environment: Mapping[str, str] = os.environ,
    artifacts: Artifacts | None = None,
) -> list[str]:
    """Write trace.jaeger.json."""
    spans = build(recording, diagnosis, folder.name, artifacts)
    service = environment.get("OTEL_SERVICE_NAME") or spans.service
    write_text(folder / JAEGER_FILE, dumps(spans.spans, spans.processes, service))
    return []


def dumps(spans: list[Span], processes: dict[int, Attributes], service: str) -> str:
    """The text of the file: one entry in ``data`` per trace, in the order of their first spans."""
    traces: dict[str, list[Span]] = {}
    for span in spans:
        traces.setdefault(span.trace_id, []).append(span)
    data = [_trace(members, processes, service) for members in traces.values()]
    return json.dumps({"data": data}, allow_nan=False, separators=(",", ":"))


def _trace(spans: list[Span], processes: dict[int, Attributes], service: str) -> dict[str, Any]:
    used = sorted({span.process for span in spans})
    return {
        "traceID": spans[0].trace_id,
        "spans": [_span(span) for span in spans],
        "processes": {
            f"p{key}": {"serviceName": service, "tags": [_tag(k, v) for k, v in processes.get(key, {}).items()]}
            for key in used
        },
        "warnings": None,
    }


def _span(span: Span) -> dict[str, Any]:
    tags: Attributes = {**span.attributes, "span.kind": "server" if span.server else "internal"}
    if span.failed:
        tags["error"] = True
    for index, link in enumerate(span.links):
        tags[f"link.{index}.trace_id"] = link.trace_id
        tags[f"link.{index}.span_id"] = link.span_id
    start = span.start_ns // 1000
    references = [{"refType": "CHILD_OF", "traceID": span.trace_id, "spanID": span.parent}] if span.parent else []
    return {
        "traceID": span.trace_id,
        "spanID": span.span_id,
        "operationName": span.name,
        "references": references,
        # Round both ends the same way, so that rounding never moves a child outside its parent.
        "startTime": start,
        "duration": span.end_ns // 1000 - start,
        "tags": [_tag(key, value) for key, value in tags.items()],
        "logs": [
            {
                "timestamp": event.time_ns // 1000,
                "fields": [_tag("event", event.name), *(_tag(k, v) for k, v in event.attributes.items())],
            }
            for event in span.events
        ],
        "processID": f"p{span.process}",
        "warnings": None,
    }


def _tag(key: str, value: Value) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"key": key, "type": "bool", "value": value}
    if isinstance(value, int):
        # Browsers read numbers as doubles, which would change larger ones.
        exact = abs(value) < 2**53
        return {"key": key, "type": "int64" if exact else "string", "value": value if exact else str(value)}
    if isinstance(value, float):
        finite = value == value and abs(value) != float("inf")
        return {"key": key, "type": "float64" if finite else "string", "value": value if finite else str(value)}
    return {"key": key, "type": "string", "value": value}
