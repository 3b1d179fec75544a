"""What the reports show of the requests that a recorded server answered. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..artifacts import Artifacts, Missing
from ..artifacts.serving.repeats import Repeats
from ..artifacts.serving.requests import Requests, Route
from ..artifacts.serving.what_ifs import WhatIfs
from ..recording.facts.serving import LruCache, ModelVariant
from ..recording.model import Recording
from .model import CacheUse, RouteUse, ServedUse, WhatIf, WhatIfUse

Floats = npt.NDArray[np.float64]
_MAX_ROUTES, _MAX_CACHES = 50, 20  # that a report holds
#: Requests from which on a percentile is told: fewer may all be below it, in one run of twenty or more.
_LEAST = {"p50": 5, "p95": 90, "p99": 459}


def served_use(recording: Recording, artifacts: Artifacts) -> ServedUse | None:
    """None where no requests were recorded."""
    try:
        requests = artifacts.get(Requests)
    except Missing:
        return None
    calls = requests.batch_sizes > 0
    rows = float(requests.batch_sizes[calls].mean()) if calls.any() else None
    inside = float(np.maximum(requests.model_in_flight[calls], 1).mean()) if calls.any() else 1.0
    return ServedUse(
        processes=len(requests.processes),
        seconds=requests.window_seconds,
        routes=_routes(requests),
        at_once=float(requests.in_flight.mean()) * len(requests.processes),
        at_once_by_law=requests.mean_inside,
        batch_rows=rows,
        batch_share=None if rows is None else rows / inside,
        repeat_share=_repeat_share(artifacts),
        caches=_caches(recording, requests),
    )


def what_if_use(artifacts: Artifacts) -> WhatIfUse | None:
    """None where no model was copied and measured."""
    try:
        found = artifacts.get(WhatIfs)
    except Missing:
        return None
    probe, site = found.probe, found.site
    return WhatIfUse(
        model=found.copy.name,
        file=site.file if site else "",
        line=site.line if site else 0,
        inputs=probe.inputs,
        rows=probe.rows,
        threads=probe.threads,
        seconds=probe.seconds,
        size_bytes=probe.size,
        dtype=probe.dtype,
        linear_share=probe.linear_share,
        repeatable=probe.repeatable,
        variants=tuple(_what_if(each, probe.size) for each in found.variants),
        left_out={each.name: each.left_out for each in found.left_out},
    )


def _what_if(fact: ModelVariant, size: int) -> WhatIf:
    return WhatIf(
        name=fact.name,
        threads=fact.threads,
        rows=fact.rows,
        seconds=fact.seconds,
        ratio=fact.ratio,
        ratio_low=fact.ratio_low,
        ratio_high=fact.ratio_high,
        size_bytes=fact.size or size,
        max_drift=fact.max_drift,
        relative_drift=fact.relative_drift,
        agreement=fact.agreement,
        how=fact.how,
        compile_seconds=fact.compile_seconds,
    )


def _routes(requests: Requests) -> tuple[RouteUse, ...]:
    """All together, and then the routes: those of one name and several statuses are one."""
    of: dict[str, list[Route]] = {}
    for route in requests.routes:
        of.setdefault(route.name.rpartition(" ")[0] or route.name, []).append(route)
    found = [_use("", requests.routes, requests.window_seconds)]
    if len(of) > 1 or "" not in of:
        found += [_use(name, routes, requests.window_seconds) for name, routes in of.items()][:_MAX_ROUTES]
    return tuple(found)


def _use(name: str, routes: Sequence[Route], window_seconds: float) -> RouteUse:
    seconds, queued, sizes = (
        np.concatenate([getattr(route, column) for route in routes])
        for column in ("seconds", "queue_seconds", "size_bytes")
    )
    failures = sum(len(route.seconds) for route in routes if _failed(route.name))
    latency = {"mean": float(seconds.mean())}
    for share, least in _LEAST.items():
        if len(seconds) >= least:
            latency[share] = float(np.percentile(seconds, float(share[1:])))
    return RouteUse(name, len(seconds), failures, len(seconds) / window_seconds, latency, _mean(queued), _mean(sizes))


def _failed(name: str) -> bool:
    status = name.rpartition(" ")[2]
    return status.isdigit() and (int(status) >= 500 or int(status) == 0)


def _mean(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def _repeat_share(artifacts: Artifacts) -> float | None:
    try:
        repeats = artifacts.get(Repeats)
    except Missing:
        return None
    return repeats.repeat_share if repeats.count else None


def _caches(recording: Recording, requests: Requests) -> tuple[CacheUse, ...]:
    """The last counts of each process, added up."""
    last = {(owner, fact.site): fact for owner, fact in recording.facts.of(LruCache) if owner in requests.processes}
    found: dict[tuple[str, str, int], CacheUse] = {}
    for (owner, number), fact in last.items():
        site = recording.facts.sites.get((owner, number))
        if site is not None:
            key = site.function, site.file, site.line
            before = found.get(key, CacheUse(*key, 0, 0))
            found[key] = CacheUse(*key, before.hits + fact.hits, before.misses + fact.misses)
    return tuple(sorted(found.values(), key=lambda cache: -(cache.hits + cache.misses))[:_MAX_CACHES])
