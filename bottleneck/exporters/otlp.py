"""Sends spans and metrics by OTLP, honouring the standard ``OTEL_*`` variables.

Only this file, ``metrics/otlp.py`` and ``support/otlp_target.py`` import opentelemetry. We create no tracer provider
and do not touch the user's.
Finished spans go directly to the exporter in our own batches, because the SDK's batch processor silently drops spans
when its queue is full.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..addresses import public
from ..artifacts import Artifacts
from ..diagnosis.model import Diagnosis
from ..recording.model import Recording
from .support.otlp_target import TIMEOUT_SECONDS, Target, exporter_of, given_resource, quiet, target
from .tracing import names
from .tracing.spans import Spans, build
from .tracing.tree import Span

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

__all__ = ["BATCH", "TIMEOUT_SECONDS", "after", "name", "readable", "send", "target", "write"]
name, after = "otlp", ("jaeger",)
BATCH = 512


def write(
    recording: Recording,
    diagnosis: Diagnosis,
    folder: Path,
    environment: Mapping[str, str] = os.environ,
    url: str | None = None,
    artifacts: Artifacts | None = None,
) -> list[str]:
    """Send spans and metrics if ``url`` or ``environment`` names an endpoint; one warning if it does not answer."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return []
    warnings = []
    spans_to, metrics_to = target(environment, url), target(environment, url, "metrics")
    if spans_to is not None:
        warnings.append(send(build(recording, diagnosis, folder.name, artifacts), spans_to, environment))
        if any(warnings) and metrics_to is not None and metrics_to.same_server(spans_to):
            return warnings  # the same again would cost the user another timeout
    if metrics_to is not None and environment.get("OTEL_METRICS_EXPORTER", "").strip().lower() != "none":
        from .metrics import otlp as metrics

        warnings.append(metrics.send(recording, diagnosis, folder.name, metrics_to, environment, artifacts))
    return [warning for warning in warnings if warning]


def send(spans: Spans, where: Target, environment: Mapping[str, str]) -> str:
    """Send all spans. Returns "" if all arrived, otherwise one sentence for the user. Never raises."""
    total = len(spans.spans)
    try:
        with quiet():
            exporter = exporter_of("traces", where)
            if isinstance(exporter, str):
                return exporter
            sent = _export(exporter, readable(spans, environment))
    except Exception as error:  # a wrong URL, a broken installation: the report must not fail
        # Only the type: the text of such an error can contain the URL with a password.
        return f"spans were not sent to {public(where.url)}: {type(error).__name__}"
    if sent == total:
        return ""
    return f"{total - sent} of {total} spans were not sent: nothing took them at {public(where.url)}"


def _export(exporter: Any, readables: Sequence[ReadableSpan]) -> int:
    """The number of spans that arrived. Stops at the first failed batch, so a dead endpoint costs one timeout."""
    from opentelemetry.sdk.trace.export import SpanExportResult

    sent = 0
    try:
        for first in range(0, len(readables), BATCH):
            batch = readables[first : first + BATCH]
            if exporter.export(batch) is not SpanExportResult.SUCCESS:
                break
            sent += len(batch)
    finally:
        exporter.shutdown()
    return sent


def readable(spans: Spans, environment: Mapping[str, str]) -> list[ReadableSpan]:
    """Convert the spans to finished SDK spans. Built directly: 4 us each instead of 58 us through a tracer."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    given = given_resource(environment)
    service = environment.get("OTEL_SERVICE_NAME") or str(given.get(names.SERVICE_NAME, "")) or spans.service
    resources = {
        key: Resource({**attributes, **given, names.SERVICE_NAME: service})
        for key, attributes in spans.processes.items()
    }
    scope = InstrumentationScope("bottleneck_profiler")
    return [_readable(span, resources[span.process], scope) for span in spans.spans]


def _readable(span: Span, resource: Any, scope: Any) -> ReadableSpan:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.trace.status import Status, StatusCode

    def context(trace_id: str, span_id: str) -> Any:
        return trace.SpanContext(int(trace_id, 16), int(span_id, 16), False, trace.TraceFlags(1))

    return ReadableSpan(
        name=span.name,
        context=context(span.trace_id, span.span_id),
        parent=context(span.trace_id, span.parent) if span.parent else None,
        resource=resource,
        attributes=dict(span.attributes),
        events=[Event(event.name, dict(event.attributes), event.time_ns) for event in span.events],
        links=[trace.Link(context(link.trace_id, link.span_id)) for link in span.links],
        kind=trace.SpanKind.SERVER if span.server else trace.SpanKind.INTERNAL,
        status=Status(StatusCode.ERROR) if span.failed else Status(StatusCode.UNSET),
        start_time=span.start_ns,
        end_time=span.end_ns,
        instrumentation_scope=scope,
    )
