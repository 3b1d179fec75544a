"""What the reports show of watched servers and of load tests: figures and curves. Pure."""

from __future__ import annotations

import numpy as np

from ..artifacts import Artifacts, Missing
from ..artifacts.serving.load_test import LoadTest
from ..artifacts.serving.watched import Server, Watched
from ..recording.facts.servers import LoadLevel
from ..recording.servers.signals import GAUGES, MEASURES
from .load_tests import LoadUse
from .model import Series, ServerUse

_MAX_ROWS = 200  # servers and levels that a report holds
_MAX_CURVES, _MAX_POINTS = 6, 300
_CURVES = {
    "waiting_requests": ("requests waiting", "count"),
    "running_requests": ("requests running", "count"),
    "kv_cache_share": ("KV cache in use", "share"),
    "gpu_utilization_share": ("GPU utilization", "share"),
}


def server_uses(artifacts: Artifacts) -> tuple[ServerUse, ...]:
    """Every server, model and device that was watched, those with most requests first."""
    try:
        watched = artifacts.get(Watched)
    except Missing:
        return ()
    order = sorted(watched.servers, key=lambda each: -(each.requests or 0.0))
    return tuple(map(_server, order[:_MAX_ROWS]))


def load_uses(artifacts: Artifacts) -> tuple[LoadUse, ...]:
    """Every level of a load test, the lightest first, and then its kinds of requests."""
    try:
        test = artifacts.get(LoadTest)
    except Missing:
        return ()
    return tuple(_level(level, level is test.knee) for level in (*test.levels, *test.routes)[:_MAX_ROWS])


def served_requests(artifacts: Artifacts) -> int:
    """Requests of a load test, or that watched servers finished."""
    try:
        return artifacts.get(LoadTest).requests
    except Missing:
        pass
    try:
        # One request may count for several models, but the largest count of an address is at least how many there were.
        most: dict[str, float] = {}
        for server in artifacts.get(Watched).serving:
            most[server.fact.url] = max(most.get(server.fact.url, 0.0), server.requests or 0.0)
        return round(sum(most.values()))
    except Missing:
        return 0


def server_curves(artifacts: Artifacts) -> tuple[Series, ...]:
    """How the gauges of the first servers went."""
    try:
        servers = [each for each in artifacts.get(Watched).servers if each.looks > 2]
    except Missing:
        return ()
    curves = []
    for server in servers:
        x = (server.rows["time_ns"] - server.rows["time_ns"][0]) / 1e9
        step = max(1, len(x) // _MAX_POINTS)
        for column, (name, unit) in _CURVES.items():
            y = server.rows.get(column)
            if y is not None and np.isfinite(y).any():
                points = (tuple(x[::step].tolist()), tuple(np.asarray(y, float)[::step].tolist()))
                curves.append(Series(f"{server.name}: {name}", unit, *points))
    return tuple(curves[:_MAX_CURVES])


def _server(server: Server) -> ServerUse:
    found = {name: server.mean(name) for name in GAUGES}
    found |= {f"{name}_seconds": server.each(name) for name in MEASURES}
    if not server.one_page:
        found["requests_per_second"] = server.requests_per_second
        for name in ("failures", "prompt_tokens", "output_tokens"):
            found[f"{name}_per_second"] = server.per_second(name)
        found["host_cpu_share"] = _cpu(server)
    found["requests"] = server.requests
    found["batch_size"] = server.batch
    found["preemptions"] = server.grown("preemptions")
    for share in (0.5, 0.99):
        found[f"latency_p{share * 100:g}_seconds"] = server.quantile("latency", share)
    signals = {name: float(value) for name, value in found.items() if value is not None and np.isfinite(value)}
    fact = server.fact
    return ServerUse(fact.url, fact.server, fact.model, server.seconds, server.looks, signals)


def _cpu(server: Server) -> float | None:
    idle, whole = server.grown("host_cpu_idle_seconds"), server.grown("host_cpu_seconds")
    return None if idle is None or not whole else max(0.0, 1.0 - idle / whole)


def _level(level: LoadLevel, knee: bool) -> LoadUse:
    return LoadUse(
        tool=level.tool,
        route=level.route,
        clients=level.clients,
        asked_per_second=level.asked_per_second,
        requests=level.requests,
        failures=level.failures,
        per_second=level.per_second,
        tokens_per_second=level.tokens_per_second,
        latency=dict(level.latency),
        first_token=dict(level.first_token),
        knee=knee,
    )
