"""Served requests: one trace per request, linked to the run. The run's span has their number and percentiles."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ... import signals
from ...artifacts import Artifacts, Missing
from ...artifacts.serving.requests import NAME_MASK, Requests
from ...recording.model import Recording, Records
from . import names
from .tree import Attributes, Builder, Link, Span, code

FIRST = 10
WORST = 40
SPREAD = 150
BLOCKS = 50  # most times shown in which a line of the user's blocked the event loop
MAX_CALLS = 50  # model calls shown inside one request


def add(builder: Builder, root: Span, artifacts: Artifacts, left_out: dict[str, int]) -> None:
    """Add the first requests, the slowest, and an even selection of the others."""
    try:
        served = artifacts.get(Requests)
    except Missing:
        return
    root.attributes[names.REQUEST_COUNT] = served.count
    root.attributes[names.REQUEST_P50] = served.p50_seconds
    root.attributes[names.REQUEST_P99] = served.p99_seconds
    _add_blocks(builder, root, served, left_out)
    recording = artifacts.get(Recording)
    records = recording.requests[recording.requests["process"] == served.process]
    calls = records[records["kind"] == signals.MODEL_CALL]
    records = records[records["kind"] == signals.REQUEST]
    records = records[np.argsort(records["t0"], kind="stable")]
    shown = _chosen(records["t1"] - records["t0"])
    if len(records) > len(shown):
        left_out["requests"] = len(records) - len(shown)
    for index in shown:
        record = records[index]
        start, end = int(record["t0"]), int(record["t1"])
        text = recording.facts.strings.get((served.process, int(record["arg"]) & NAME_MASK), "")
        attributes: Attributes = {names.IN_FLIGHT: int(record["flags"]), **_http(text)}
        span = builder.root(_name(attributes), start, end, served.process, attributes)
        span.server = True
        span.failed = int(attributes.get(names.HTTP_STATUS, 0)) >= 500
        span.links.append(Link(root.trace_id, root.span_id))
        _add_calls(builder, span, calls[(calls["t0"] >= start) & (calls["t1"] <= end)], records)


def _add_blocks(builder: Builder, root: Span, served: Requests, left_out: dict[str, int]) -> None:
    """Add the longest times in which the event loop was blocked."""
    blocks = sorted(served.user_blocks, key=lambda block: -block.seconds)
    if len(blocks) > BLOCKS:
        left_out[names.BLOCKED] = len(blocks) - BLOCKS
    for block in sorted(blocks[:BLOCKS], key=lambda block: block.start_ns):
        told: Attributes = {names.WAITING: block.waiting, **code(block.site)}
        builder.child(root, names.BLOCKED, block.start_ns, block.end_ns, told, served.process)


def _add_calls(builder: Builder, span: Span, calls: Records, records: Records) -> None:
    """Add the model calls within one request, if no other request was active: otherwise the caller is unknown."""
    for call in calls[:MAX_CALLS]:
        around = (records["t0"] <= call["t0"]) & (records["t1"] >= call["t1"])
        if int(around.sum()) == 1:
            found: Attributes = {names.IN_FLIGHT: int(call["flags"])}
            if int(call["arg"]):
                found[names.BATCH_SIZE] = int(call["arg"])
            builder.child(span, names.MODEL_CALL, int(call["t0"]), int(call["t1"]), found)


def _chosen(durations: npt.NDArray[np.int64]) -> list[int]:
    count = len(durations)
    if count <= FIRST + WORST + SPREAD:
        return list(range(count))
    found = set(range(FIRST))
    found.update(np.argsort(-durations, kind="stable")[:WORST].tolist())
    found.update(np.linspace(0, count - 1, SPREAD).astype(int).tolist())
    return sorted(found)


def _http(text: str) -> Attributes:
    """Attributes from "METHOD route status"; none if the text has another form."""
    method, _, rest = text.partition(" ")
    route, _, status = rest.rpartition(" ")
    if not route:
        route, status = rest, ""
    found: Attributes = {}
    if method:
        found[names.HTTP_METHOD] = method
    if route:
        found[names.HTTP_ROUTE] = route
    if status.isdigit() and len(status) == 3:
        found[names.HTTP_STATUS] = int(status)
    return found


def _name(attributes: Attributes) -> str:
    words = [str(attributes[key]) for key in (names.HTTP_METHOD, names.HTTP_ROUTE) if key in attributes]
    return " ".join(words) or "request"
