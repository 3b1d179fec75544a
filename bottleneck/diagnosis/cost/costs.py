"""What a run costs, what of that is lost and why, and what would cost less. Pure: prices and a recording go in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...artifacts import Artifacts, Missing
from ...artifacts.etl.reads import Reads
from ...artifacts.run.bill import Bill
from ...artifacts.run.host import Host
from ...artifacts.run.idle_cores import IdleCores
from ...artifacts.run.machine import Settings
from ...artifacts.serving.load_test import LoadTest
from ...artifacts.serving.requests import Requests
from ...artifacts.serving.watched import Watched
from ...artifacts.training.saves import Saves
from ...prices import Prices
from ...recording.facts import Read
from ...recording.facts.servers import LoadLevel
from ...recording.model import Recording
from ..findings import Finding
from ..load_tests import LoadTested
from ..model import DeviceUse, PlanStep, Ranked
from .model import Cost, FindingCost, IdleCost, RequestCost, Size, SpotCost, StorageCost
from .spot import spot_costs

_GB = 1e9  # as storage is sold
_MONTH_HOURS = 730.0
_REST = 0.05
_CAUSES = {
    "input": "waiting for data",
    "sync": "the host works after it waited for the device",
    "copy": "after a copy",
    "launch": "between launches",
}


def cost_of(
    recording: Recording,
    artifacts: Artifacts,
    findings: Sequence[Ranked],
    plan: Sequence[PlanStep],
    devices: Sequence[DeviceUse],
    size: Size,
) -> tuple[Cost | None, str]:
    """(what the run costs, why that is not known): None without a price, and then nobody has to say why."""
    prices = artifacts.get(Settings).prices
    if prices is None:
        return None, ""
    try:
        bill = artifacts.get(Bill)
    except Missing as missing:
        return None, str(missing)
    wall = recording.wall_seconds
    after = plan[-1].wall_seconds_after if plan else wall
    return (
        Cost(
            per_hour=bill.per_hour,
            currency=bill.currency,
            assumption=bill.assumption,
            machines=bill.machines,
            run=bill.of(wall),
            saved=bill.of(max(0.0, wall - after)),
            findings=tuple(cost for ranked in findings if (cost := _finding(ranked.finding, bill, wall)) is not None),
            idle=_idle(artifacts, bill, devices),
            requests=_requests(artifacts, bill),
            spot=_spot(artifacts, bill, prices),
            storage=_storage(artifacts, recording, prices),
            smaller_per_hour=_smaller(size, bill, prices),
        ),
        "",
    )


def _finding(finding: Finding, bill: Bill, wall: float) -> FindingCost | None:
    """Time of the run is paid by the hour, and so is capacity that the fix would free: a share of the whole run."""
    gain = finding.gain
    if gain is None or gain.basis == "p99" or gain.share <= 0:
        return None
    capacity = gain.basis == "capacity"
    seconds = gain.share * wall if capacity else gain.seconds
    scale = seconds / gain.share  # of the basis: the run, or its steps
    return FindingCost(
        finding.detector,
        bill.of(seconds),
        bill.of(gain.low * scale),
        bill.of(gain.high * scale),
        bill.per_hour * seconds / max(wall, 1e-9),
        capacity,
        str(finding.location or ""),
    )


def _idle(artifacts: Artifacts, bill: Bill, devices: Sequence[DeviceUse]) -> tuple[IdleCost, ...]:
    """By the devices of the run if their idle time was measured, as they are what is paid for; else by the cores."""
    known = [use for use in devices if use.idle_seconds_by_cause is not None]
    if known:
        causes = dict.fromkeys(cause for use in known for cause in use.idle_seconds_by_cause or ())
        found = []
        for cause in causes:
            seconds = sum((use.idle_seconds_by_cause or {}).get(cause, 0.0) for use in known) / len(known)
            found.append(IdleCost("accelerators", _CAUSES.get(cause, cause), seconds, bill.of(seconds)))
        return _largest_first(found)
    if devices:
        return ()
    idle = artifacts.find(IdleCores)
    if idle is None:
        return ()
    return _largest_first([IdleCost("cores", cause, each, bill.of(each)) for cause, each in idle.seconds.items()])


def _largest_first(costs: list[IdleCost]) -> tuple[IdleCost, ...]:
    return tuple(sorted((cost for cost in costs if cost.seconds > 0), key=lambda cost: -cost.amount))


def _requests(artifacts: Artifacts, bill: Bill) -> tuple[RequestCost, ...]:
    found = []
    requests, test, watched = artifacts.find(Requests), artifacts.find(LoadTest), artifacts.find(Watched)
    if requests is not None and requests.count:
        found.append(_at("this run", requests.per_second, None, bill))
    if watched is not None:
        rate = sum(each.requests_per_second or 0.0 for each in watched.serving if not each.one_page)
        tokens = sum(each.per_second("output_tokens") or 0.0 for each in watched.serving if not each.one_page)
        found.append(_at("this watch", rate, tokens, bill))
    if test is not None:
        level: LoadLevel = test.knee or test.best
        found.append(
            _at("knee" if test.knee else "highest throughput", level.per_second, level.tokens_per_second, bill)
        )
    return tuple(cost for cost in found if cost.per_1000_requests or cost.per_million_tokens)


def of_load_tests(cost: Cost, tests: Sequence[LoadTested]) -> Cost:
    """With what the requests of the newest of these load tests cost: at its knee, else at its highest throughput."""
    test = tests[-1]
    best = max(test.levels, key=lambda level: level.per_second or 0.0, default=None)
    rate, tokens = (None, None) if best is None else (best.per_second, best.tokens_per_second)
    bill = Bill(cost.per_hour, cost.currency, cost.assumption, cost.machines)
    found = _at("highest throughput" if test.knee is None else "knee", test.knee or rate, tokens, bill)
    return replace(cost, requests=(*cost.requests, found)) if found.requests_per_second else cost


def _at(name: str, requests: float | None, tokens: float | None, bill: Bill) -> RequestCost:
    return RequestCost(
        name,
        requests or None,
        bill.of(1_000 / requests) if requests else None,
        bill.of(1_000_000 / tokens) if tokens else None,
    )


def _spot(artifacts: Artifacts, bill: Bill, prices: Prices) -> tuple[SpotCost, ...]:
    saves = artifacts.find(Saves)
    if saves is None or not saves.seconds:
        return ()
    spot = None if prices.spot is None else prices.spot * bill.machines
    return spot_costs(saves, bill.per_hour, spot, prices.hours_between_preemptions)


def _storage(artifacts: Artifacts, recording: Recording, prices: Prices) -> tuple[StorageCost, ...]:
    """What the run leaves in storage, and what it read from there."""
    found = []
    hours = max(recording.wall_seconds, 1e-9) / 3600.0
    saves, host = artifacts.find(Saves), artifacts.find(Host)
    saved = 0.0 if saves is None or saves.bytes is None else saves.bytes * saves.count
    written = None if host is None else host.rise("write_bytes_total", recording.started_ns, recording.ended_ns)
    found.append(("checkpoints", saved, True))
    if written is not None and written - saved > _REST * written:  # a rest as small as that is the error of the parts
        found.append(("other files", written - saved, True))
    if artifacts.find(Reads) is not None:
        sizes = {fact.path: fact.size_bytes for _, fact in recording.facts.of(Read) if fact.path and fact.size_bytes}
        found.append(("data set", float(sum(sizes.values())), False))
    return tuple(
        StorageCost(
            what,
            size,
            size / hours * _MONTH_HOURS if repeated else None,
            {tier: size / _GB * price for tier, price in prices.storage.items()},
        )
        for what, size, repeated in found
        if size > 0
    )


def _smaller(size: Size, bill: Bill, prices: Prices) -> float | None:
    """What is left of the price when cores and memory go that the run does not need."""
    have, enough = (size.cores_have, size.memory_have), (size.cores_enough, size.memory_enough)
    if None in have or None in enough:
        return None
    cores, memory = (min(float(a or 0.0), float(b or 0.0)) for a, b in zip(have, enough, strict=True))
    now, then = prices.of_parts(have[0] or 0.0, have[1] or 0.0), prices.of_parts(cores, memory)
    if now is None or then is None or now <= then:
        return None
    return max(0.0, bill.per_hour - (now - then) * bill.machines)
