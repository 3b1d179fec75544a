"""Facts about servers that were watched by their metrics, and about load tests."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from .base import Count, Fact, Real


class WatchedServer(Fact, frozen=True):
    """A server, model or device with rows in the table ``servers``; ``number`` is the one there.

    ``url``: without user, password and query. ``server``: its kind, as in the mapping. ``model``: the model or device.
    ``averaged``: its gauges are means over the whole time already, as a tool that watched it wrote them.
    """

    kind: ClassVar[str] = "watched_server"
    number: Count
    url: str
    server: str = ""
    model: str = ""
    averaged: bool = False


class Durations(Fact, frozen=True):
    """How many requests took how long since the last such fact: ``counts`` of those up to each of ``bounds`` seconds
    and above the bound before, and after the last bound one more for the rest. ``measure``: "latency", "queue", ..."""

    kind: ClassVar[str] = "durations"
    number: Count
    measure: str
    bounds: tuple[Real, ...]
    counts: tuple[Real, ...]


class LoadLevel(Fact, frozen=True):
    """What a load test measured at one load, or (``route``) of the requests of one kind in it.

    ``tool``: that made it. ``clients``: that sent at once, each its next request when the one before was answered;
    ``asked_per_second``: the planned rate, where requests do not wait for answers. ``latency``, ``first_token``,
    ``token_gap``: seconds by "mean", "min", "max", "p50", "p99" ... ``queue_seconds``, ``compute_seconds``: mean of a
    request, as the server says. ``input_spread``: 90th over 10th percentile of the requests' sizes. ``checks_failed``:
    share of the test's own checks.
    """

    kind: ClassVar[str] = "load_level"
    tool: str
    requests: Count | None = None
    failures: Count = 0
    route: str = ""
    clients: Count | None = None
    asked_per_second: Real | None = None
    seconds: Real | None = None
    per_second: Real | None = None
    tokens_per_second: Real | None = None
    latency: dict[str, Real] = msgspec.field(default_factory=dict)
    first_token: dict[str, Real] = msgspec.field(default_factory=dict)
    token_gap: dict[str, Real] = msgspec.field(default_factory=dict)
    queue_seconds: Real | None = None
    compute_seconds: Real | None = None
    input_spread: Real | None = None
    checks_failed: Real | None = None
