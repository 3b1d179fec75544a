"""What leaves a run for tracing tools: a file that Jaeger opens, and OTLP where the user asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...diagnosis.model import Diagnosis
from ...recording.model import Recording

JAEGER_FILE = "trace.jaeger.json"


def export(
    recording: Recording,
    diagnosis: Diagnosis,
    run_dir: Path,
    environment: Mapping[str, str],
    otlp: str | None = None,
) -> list[str]:
    """Write ``trace.jaeger.json`` into ``run_dir``; send OTLP where ``otlp`` or ``environment`` names an endpoint.

    Returns warnings for the user, at most one for the sending. Raises OSError when the file cannot be written.
    """
    from .. import jaeger
    from .spans import build

    try:
        spans = build(recording, diagnosis, run_dir.name)
    except Exception as error:  # the report is there already, and a trace is not worth losing the run's end for
        return [f"the trace was not made: {type(error).__name__}: {error}"]
    service = environment.get("OTEL_SERVICE_NAME") or spans.service
    (run_dir / JAEGER_FILE).write_text(jaeger.dumps(spans.spans, spans.processes, service), encoding="utf-8")
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return []
    from .. import otlp as sender

    target = sender.target(environment, otlp)
    if target is None:
        return []
    problem = sender.send(spans, target, environment)
    return [problem] if problem else []
