"""Where OTLP goes, by the standard ``OTEL_*`` variables, and what all signals share."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal
from urllib.parse import unquote

from ...addresses import public

TIMEOUT_SECONDS = 3.0  # short, since the user waits for it; OTEL_EXPORTER_OTLP_TIMEOUT overrides it
HTTP, GRPC = "http/protobuf", "grpc"
Signal = Literal["traces", "metrics"]
#: Signal -> module, class, and what a user calls it.
_EXPORTERS: dict[Signal, tuple[str, str, str]] = {
    "traces": ("trace_exporter", "OTLPSpanExporter", "spans"),
    "metrics": ("metric_exporter", "OTLPMetricExporter", "metrics"),
}


@dataclass(frozen=True)
class Target:
    """Where to send a signal. ``url``: complete for HTTP. ``protocol``: http/protobuf or grpc."""

    url: str
    protocol: str
    timeout_seconds: float

    def same_server(self, other: Target) -> bool:
        """Whether both go to one host and port."""
        return public(self.url).rsplit("/v1/")[0] == public(other.url).rsplit("/v1/")[0]


def target(environment: Mapping[str, str], url: str | None = None, signal: Signal = "traces") -> Target | None:
    """The endpoint from ``url`` or the standard variables. If there is none, returns None and we send nothing."""
    own, path_of = f"OTEL_EXPORTER_OTLP_{signal.upper()}_", f"/v1/{signal}"

    def value(name: str) -> str:
        return environment.get(own + name, "").strip() or environment.get(f"OTEL_EXPORTER_OTLP_{name}", "").strip()

    exact = environment.get(own + "ENDPOINT", "").strip()
    base = (url or "").strip() or ("" if exact else environment.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip())
    if not base and not exact:
        return None
    protocol = value("PROTOCOL") or HTTP
    address = base or exact
    if base and protocol != GRPC:
        path, mark, query = base.partition("?")
        path = path.rstrip("/")
        if url and path.endswith("/v1/traces"):  # the path of one signal was given
            path = path.removesuffix("/v1/traces")
        address = path + path_of + mark + query
    try:
        timeout = float(value("TIMEOUT") or TIMEOUT_SECONDS)
    except ValueError:
        timeout = TIMEOUT_SECONDS
    return Target(address, protocol, timeout if timeout > 0 else TIMEOUT_SECONDS)


def given_resource(environment: Mapping[str, str]) -> dict[str, str]:
    """``OTEL_RESOURCE_ATTRIBUTES``: comma-separated key=value pairs with percent-encoded values."""
    found: dict[str, str] = {}
    for pair in environment.get("OTEL_RESOURCE_ATTRIBUTES", "").split(","):
        key, equals, value = pair.partition("=")
        if equals and key.strip():
            found[key.strip()] = unquote(value.strip())
    return found


def exporter_of(signal: Signal, where: Target, answers: list[int] | None = None) -> Any:
    """OpenTelemetry's exporter of the signal, or a sentence on why there is none.

    ``answers``: gets the status of every answer by HTTP.
    """
    module, name, what = _EXPORTERS[signal]
    kind = {HTTP: "http", GRPC: "grpc"}.get(where.protocol)
    if kind is None:
        return f"{what} were not sent: the OTLP protocol {where.protocol} is not known here; use {HTTP} or {GRPC}"
    try:
        made = getattr(import_module(f"opentelemetry.exporter.otlp.proto.{kind}.{module}"), name)
    except ImportError:
        if where.protocol == HTTP:
            raise
        return f"{what} were not sent: OTLP over gRPC needs pip install 'bottleneck-profiler[grpc]'"
    options: dict[str, Any] = {"endpoint": where.url, "timeout": where.timeout_seconds}
    if where.protocol == HTTP and answers is not None:
        import requests  # type: ignore[import-untyped,unused-ignore]

        options["session"] = requests.Session()
        options["session"].hooks["response"].append(lambda response, *_, **__: answers.append(response.status_code))
    return made(**options)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the exporter's log of each retry; the user gets one sentence from us instead."""
    logger = logging.getLogger("opentelemetry")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)
