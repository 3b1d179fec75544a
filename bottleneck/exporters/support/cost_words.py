"""Money and the size of the machine, in rows for the terminal and HTML reports."""

from __future__ import annotations

from ...diagnosis.cost.model import Cost, FindingCost, RequestCost, Size, SpotCost, StorageCost
from ...diagnosis.findings import Finding
from ...diagnosis.model import Diagnosis
from . import units, words

_SMALL = 0.05  # of the run's cost: less is not worth a word
_TYPICAL_HOURS = 4.0  # between two interruptions: the one of several assumed that the report shows


def rows(diagnosis: Diagnosis) -> list[tuple[str, list[str]]]:
    """(label, what there is to say) about the run's cost; none without a price."""
    cost = diagnosis.cost
    if cost is None:
        return []
    found = [
        ("run", _run(cost, diagnosis)),
        ("idle", _idle(cost)),
        ("requests", [_request(each, cost) for each in cost.requests]),
        ("size", size(diagnosis)),
        ("spot", [_spot(each, cost) for each in _typical(cost)]),
        ("storage", [_storage(each, cost) for each in cost.storage if each.per_month]),
    ]
    return [(label, texts) for label, texts in found if texts]


def size(diagnosis: Diagnosis) -> list[str]:
    """Which smaller machine would do, and with a price, why that is not known. Empty if none would."""
    needed, cost = diagnosis.size, diagnosis.cost
    found = [*_cores(needed), *_memory(needed), *_accelerators(needed)]
    if found and cost is not None and cost.smaller_per_hour is not None:
        price = units.money(cost.smaller_per_hour, cost.currency)
        found.append(f"a machine with that many cores and that much memory costs about {price} per hour")
    return [*found, *(words.visible(text).rstrip(".") for text in needed.missing if cost is not None)]


def of_finding(diagnosis: Diagnosis, finding: Finding) -> str:
    """What a finding costs; "" without a price, or if it takes no time."""
    cost = diagnosis.cost
    if cost is None:
        return ""
    key = finding.detector, str(finding.location or "")
    found = next((each for each in cost.findings if (each.detector, each.location) == key), None)
    return "" if found is None else _finding(found, cost)


def _finding(found: FindingCost, cost: Cost) -> str:
    amount, low, high, per_hour = (
        units.money(each, cost.currency) for each in (found.amount, found.low, found.high, found.per_hour)
    )
    text = f"{amount} of this run ({low}–{high}), {per_hour} of each hour"
    return f"{text}, for capacity that the fix would free" if found.capacity else text


def _run(cost: Cost, diagnosis: Diagnosis) -> list[str]:
    price = f"{units.money(cost.per_hour, cost.currency)} per hour"
    if cost.machines > 1:
        price += f" for {cost.machines} machines"
    texts = [f"{units.money(cost.run, cost.currency)} for {units.seconds(diagnosis.run.wall_seconds)}, at {price}"]
    if cost.assumption:
        texts.append(cost.assumption)
    if cost.saved > 0:
        share = cost.saved / max(cost.run, 1e-12)
        saved, each = units.money(cost.saved, cost.currency), units.money(share * cost.per_hour, cost.currency)
        texts.append(f"the fixes above save {saved} of it, {each} of each hour")
    return texts


def _idle(cost: Cost) -> list[str]:
    shown = [each for each in cost.idle if each.amount >= _SMALL * cost.run]
    if not shown:
        return []
    what = "idle accelerators" if shown[0].what == "accelerators" else "idle cores"
    parts = ", ".join(f"{units.money(each.amount, cost.currency)} {each.cause}" for each in shown)
    return [f"{what}: {parts}"]


def _request(found: RequestCost, cost: Cost) -> str:
    parts = []
    if found.per_1000_requests is not None:
        parts.append(f"{units.money(found.per_1000_requests, cost.currency)} per 1,000 requests")
    if found.per_million_tokens is not None:
        parts.append(f"{units.money(found.per_million_tokens, cost.currency)} per million tokens")
    rate = "" if found.requests_per_second is None else f", {units.number(found.requests_per_second)} per second"
    where = {"knee": "at the knee of the load test", "highest throughput": "at the load test's highest throughput"}
    return f"{' and '.join(parts)} {where.get(found.at, f'in {found.at}')}{rate}"


def _cores(needed: Size) -> list[str]:
    have, peak, enough = needed.cores_have, needed.cores_peak, needed.cores_enough
    if have is None or peak is None or enough is None or enough >= have:
        return []
    most = f"at most {units.number(round(peak, 1))}" if peak >= 0.05 else "less than 0.1"
    text = (
        f"{most} of {have:g} cores are busy: {enough} {'is' if enough == 1 else 'are'} enough, with 20 % of head-room"
    )
    fewer = next((each for each in needed.fewer_cores if each.cores == enough), None)
    if fewer is None:
        return [text]
    if fewer.step_seconds is None:
        return [f"{text}; the run then takes {_times(fewer.low)} to {_times(fewer.high)} times as long"]
    low, high = (units.seconds(fewer.step_seconds * each / fewer.factor) for each in (fewer.low, fewer.high))
    return [f"{text}; a step then takes {units.seconds(fewer.step_seconds)} ({low} to {high})"]


def _times(factor: float) -> str:
    return f"{factor:.2f}"


def _memory(needed: Size) -> list[str]:
    pairs = (
        ("memory", needed.memory_have, needed.memory_peak, needed.memory_enough),
        ("device memory", needed.device_memory_have, needed.device_memory_peak, needed.device_memory_enough),
    )
    return [
        f"at most {units.size(peak)} of {units.size(have)} of {what} are in use: {units.size(enough)} are enough"
        for what, have, peak, enough in pairs
        if have is not None and peak is not None and enough is not None and enough < have
    ]


def _accelerators(needed: Size) -> list[str]:
    asked, have = needed.cores_per_accelerator, needed.cores_per_accelerator_have
    if asked is None or have is None:
        return []
    return [f"loading keeps up with an accelerator from {units.number(round(asked, 1))} cores on; it has {have:g}"]


def _typical(cost: Cost) -> list[SpotCost]:
    """How often a machine is taken away, as the user says, or as is assumed."""
    return [each for each in cost.spot if len(cost.spot) == 1 or each.hours_between == _TYPICAL_HOURS]


def _spot(found: SpotCost, cost: Cost) -> str:
    longer = units.share(max(0.0, found.factor - 1.0))
    text = (
        f"on a machine that is taken away every {found.hours_between:g} h, the run takes {longer} longer with a "
        f"checkpoint every {units.seconds(found.interval_seconds)}"
    )
    if found.factor_now is not None:
        text += f" ({units.share(max(0.0, found.factor_now - 1.0))} with today's interval)"
    text += f"; it pays below {units.money(found.pays_below_per_hour, cost.currency)} per hour"
    if found.saves_per_hour is not None:
        does = "saves" if found.saves_per_hour >= 0 else "costs another"
        text += f", and at the price given {does} {units.money(abs(found.saves_per_hour), cost.currency)} of each hour"
    return text


def _storage(found: StorageCost, cost: Cost) -> str:
    tiers = ", ".join(
        f"{units.money(each, cost.currency)} ({words.visible(tier)})" for tier, each in found.per_month.items()
    )
    what = {
        "checkpoints": "written as checkpoints",
        "other files": "written to other files",
        "data set": "read as data set",
    }.get(found.what, found.what)
    return f"{units.size(found.bytes)} {what}: keeping all of it costs {tiers} per month"
