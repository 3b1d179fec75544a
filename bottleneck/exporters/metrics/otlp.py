"""Sends the metrics of a run by OTLP when it has ended, under the names of the semantic conventions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ...addresses import public
from ...artifacts import Artifacts
from ...diagnosis.model import Diagnosis
from ...recording.model import Recording
from ...recording.tally import Durations, Tally
from ..support.otlp_target import Target, exporter_of, given_resource, quiet
from ..tracing import names
from . import families as f
from .samples import Sample, of_run, route_parts, tally_of, top_routes

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData

_NOT_THERE = (404, 405, 501)  # a receiver of spans only, such as Jaeger


def send(
    recording: Recording,
    diagnosis: Diagnosis,
    run_id: str,
    where: Target,
    environment: Mapping[str, str],
    artifacts: Artifacts | None = None,
) -> str:
    """Send all metrics. Returns "" if they arrived or nobody wants them there, otherwise one sentence. Never raises."""
    answers: list[int] = []
    try:
        with quiet():
            from opentelemetry.sdk.metrics.export import MetricExportResult

            exporter = exporter_of("metrics", where, answers)
            if isinstance(exporter, str):
                return exporter
            try:
                result = exporter.export(data(recording, diagnosis, run_id, environment, artifacts))
            finally:
                exporter.shutdown()
    except Exception as error:
        # Only the type: the text of such an error can contain the URL with a password.
        return f"metrics were not sent to {public(where.url)}: {type(error).__name__}"
    if result is MetricExportResult.SUCCESS or (answers and answers[-1] in _NOT_THERE):
        return ""
    return f"metrics were not sent: nothing took them at {public(where.url)}"


def data(
    recording: Recording,
    diagnosis: Diagnosis,
    run_id: str,
    environment: Mapping[str, str],
    artifacts: Artifacts | None = None,
) -> MetricsData:
    """The metrics as the SDK's exporters take them, all of one time: the end of the run."""
    from opentelemetry.sdk.metrics.export import Metric, MetricsData, ResourceMetrics, ScopeMetrics
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    run = str(recording.run.get("name", "")) or run_id
    tally = tally_of(recording, artifacts or Artifacts(recording))
    started_ns = int(recording.run.get("started_wall_ns", 0))
    ended_ns = started_ns + recording.ended_ns - recording.started_ns
    given = given_resource(environment)
    service = environment.get("OTEL_SERVICE_NAME") or given.get(names.SERVICE_NAME, "") or run
    resource: dict[str, Any] = {names.RUN_ID: run_id, **given, names.SERVICE_NAME: service}
    for key, value in ((names.HOST_NAME, diagnosis.run.host), (names.PROCESS_PID, recording.run.get("pid"))):
        if value:
            resource.setdefault(key, value)
    grouped: dict[f.Family, list[Sample]] = {}
    for sample in [*of_run(recording, diagnosis, tally, run_id), *_by_route(tally)]:
        grouped.setdefault(sample.family, []).append(sample)
    metrics = [
        Metric(family.otlp_name, family.help, family.otlp_unit, _points(family, samples, run, started_ns, ended_ns))
        for family, samples in grouped.items()
    ]
    scope = ScopeMetrics(InstrumentationScope("bottleneck_profiler"), metrics, "")
    return MetricsData([ResourceMetrics(Resource(resource), [scope], "")])


def _by_route(tally: Tally) -> Iterable[Sample]:
    """The histogram of each route, which the conventions want and a page has no room for."""
    for name, durations in top_routes(tally.requests).items():
        yield Sample(f.HTTP_REQUEST, route_parts(name), durations)


def _points(family: f.Family, samples: list[Sample], run: str, started_ns: int, ended_ns: int) -> Any:
    from opentelemetry.sdk.metrics.export import (
        AggregationTemporality,
        Gauge,
        Histogram,
        HistogramDataPoint,
        NumberDataPoint,
        Sum,
    )

    points: list[Any] = []
    for sample in samples:
        labels = zip(map(family.attribute, family.labels), sample.labels, strict=True)
        attributes = {**family.constant, **{name: value for name, value in labels if value}}
        if not family.convention:
            attributes["run"] = run
        value = sample.value
        if isinstance(value, Durations):
            counts = value.counts.tolist()
            least, most = value.extremes
            points.append(
                HistogramDataPoint(
                    attributes, started_ns, ended_ns, value.count, value.seconds, counts, value.bounds, least, most
                )
            )
        else:
            points.append(NumberDataPoint(attributes, started_ns, ended_ns, value))
    if family.kind == "histogram":
        return Histogram(points, AggregationTemporality.CUMULATIVE)
    if family.kind == "counter" or family.adds_up:
        return Sum(points, AggregationTemporality.CUMULATIVE, is_monotonic=family.kind == "counter")
    return Gauge(points)
