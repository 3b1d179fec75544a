"""Where OTLP goes, by the standard ``OTEL_*`` variables, and what all signals share."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

TIMEOUT_SECONDS = 3.0  # short, since the user waits for it; OTEL_EXPORTER_OTLP_TIMEOUT overrides it
HTTP, GRPC = "http/protobuf", "grpc"
Signal = Literal["traces", "metrics"]


@dataclass(frozen=True)
class Target:
    """Where to send a signal. ``url``: complete for HTTP. ``protocol``: http/protobuf or grpc."""

    url: str
    protocol: str
    timeout_seconds: float

    def same_server(self, other: Target) -> bool:
        """Whether both go to one host and port."""
        return shown(self.url).rsplit("/v1/")[0] == shown(other.url).rsplit("/v1/")[0]


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


def shown(url: str) -> str:
    """The URL without user name, password and query, which may be secret."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "the endpoint"
    place = f"{host}:{port}" if port else host
    return f"{parts.scheme}://{place}{parts.path}" if host else "the endpoint"


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
