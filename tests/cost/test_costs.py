"""Each figure of money, worked out by hand: 3.60 per hour are a tenth of a cent per second."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.run.machine import Settings
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.diagnosis.cost.costs import cost_of
from bottleneck_profiler.diagnosis.cost.model import Cost, Size
from bottleneck_profiler.diagnosis.findings import Gain, Location
from bottleneck_profiler.diagnosis.model import DeviceUse, PlanStep, Ranked
from bottleneck_profiler.exporters.support import cost_words
from bottleneck_profiler.prices import Prices
from bottleneck_profiler.recording.model import Process, Recording
from exporters import samples
from memory.recordings import recording
from typed import add

PRICE = Prices(machine=3.60, currency="$")
GIB = 1 << 30


def ranked(gain: Gain | None, name: str = "workers-zero") -> Ranked:
    return Ranked(samples.workers_zero(detector=name, gain=gain), "critical", 0.8, 30.0)


def costs(
    made: Recording, *findings: Ranked, prices: Prices = PRICE, plan: tuple[PlanStep, ...] = (),
    devices: tuple[DeviceUse, ...] = (), size: Size | None = None,
) -> Cost:  # fmt: skip
    artifacts = Artifacts(made)
    artifacts.put(Settings(prices))
    found, why = cost_of(made, artifacts, findings, plan, devices, size or Size())
    assert found is not None and not why
    return found


def test_a_run_and_its_findings() -> None:
    made = recording(1000, 0.02)  # 1 s, 20 s of steps, 1 s
    cost = costs(made, ranked(Gain(0.5, 0.25, 0.6, 11.0, "law")), plan=(PlanStep("workers-zero", 11.0),))
    assert cost.run == pytest.approx(0.022) and cost.per_hour == 3.60 and cost.currency == "$"
    assert cost.saved == pytest.approx(0.011)
    (finding,) = cost.findings
    assert finding.amount == pytest.approx(0.011)
    assert (finding.low, finding.high) == (pytest.approx(0.0055), pytest.approx(0.0132))
    assert finding.per_hour == pytest.approx(1.80)


def test_savings_are_simulated_again_and_not_added() -> None:
    both = (ranked(Gain(0.5, 0.4, 0.6, 11.0, "law")), ranked(Gain(0.5, 0.4, 0.6, 11.0, "law"), "small-batch"))
    cost = costs(recording(1000, 0.02), *both, plan=(PlanStep("workers-zero", 11.0), PlanStep("small-batch", 5.5)))
    assert cost.saved == pytest.approx(0.0165)
    assert sum(each.amount or 0.0 for each in cost.findings) == pytest.approx(0.022)


def test_capacity_is_a_share_of_the_run_and_a_latency_costs_nothing() -> None:
    cost = costs(
        recording(1000, 0.02),
        ranked(Gain(0.25, 0.2, 0.3, 0.0, "law", basis="capacity"), "no-batching"),
        ranked(Gain(0.8, 0.7, 0.9, 0.0, "law", basis="p99"), "synchronous-serving"),
        ranked(None, "memory-creep"),
    )
    (finding,) = cost.findings
    assert finding.detector == "no-batching" and finding.capacity and finding.per_hour == pytest.approx(0.90)
    assert finding.amount == pytest.approx(0.0055)  # a quarter of 0.022
    assert (finding.low, finding.high) == (pytest.approx(0.0044), pytest.approx(0.0066))
    assert cost.saved == 0.0  # the run itself becomes no shorter


def test_each_finding_of_a_detector_has_a_cost_of_its_own() -> None:
    one, other = ranked(Gain(0.5, 0.4, 0.6, 11.0, "law")), ranked(Gain(0.1, 0.1, 0.1, 2.2, "law"))
    other = replace(other, finding=replace(other.finding, location=Location("train.py", 7, "main")))
    made = recording(1000, 0.02)
    cost = costs(made, one, other)
    assert [each.location for each in cost.findings] == [str(one.finding.location), "train.py:7"]
    diagnosis = replace(diagnose(made), cost=cost)
    said = [cost_words.of_finding(diagnosis, each.finding) for each in (one, other)]
    assert said[0].startswith("$0.011 of this run") and said[1].startswith("$0.0022 of this run")


def test_every_machine_of_the_run_is_paid() -> None:
    made = recording(1000, 0.02)
    made.facts.processes = [Process(0, 77, host="a"), Process(1, 78, host="a"), Process(2, 77, host="b")]
    cost = costs(made)
    assert (cost.machines, cost.per_hour, cost.run) == (2, 7.20, pytest.approx(0.044))


def test_idle_cores_by_cause() -> None:
    # Half of the cores are idle for 19.9 s, and the steps wait for data in half of that.
    idle = costs(recording(1000, 0.02, wait_share=0.5, host={"idle_cores": lambda done: 1.0})).idle
    amounts = {each.cause: each.amount for each in idle}
    assert {each.what for each in idle} == {"cores"}
    assert amounts["while the steps wait for data"] == pytest.approx(0.0049750)
    assert sum(amounts.values()) == pytest.approx(0.0099500)


def device(index: int, **causes: float) -> DeviceUse:
    idle = sum(causes.values())
    return DeviceUse(
        "h", index, index, "cuda", 20.0, 1 - idle / 20, idle / 20, None, None, None, None, None, None, 1000, 0.02,
        "events", causes,
    )  # fmt: skip


def test_idle_accelerators_by_cause_go_before_idle_cores() -> None:
    made = recording(1000, 0.02, host={"idle_cores": lambda done: 1.0})
    idle = costs(made, devices=(device(0, input=8.0, sync=1.0), device(1, input=4.0, sync=1.0))).idle
    # The price is that of the machine with both: 6 s of it, and 1 s.
    assert [(each.what, each.seconds, each.amount) for each in idle] == [
        ("accelerators", 6.0, pytest.approx(0.006)), ("accelerators", 1.0, pytest.approx(0.001)),
    ]  # fmt: skip
    assert idle[0].cause == "waiting for data"
    untimed = replace(device(0), idle_seconds_by_cause=None)
    assert costs(made, devices=(untimed,)).idle == ()  # absent is not zero, and cores are not what is paid for


def test_a_thousand_requests_at_the_knee() -> None:
    made = recording(0, 0.02)
    for clients, rate in ((1, 40.0), (2, 50.0), (4, 51.0), (8, 51.0)):
        add(made.facts, "load_level", tool="k6", clients=clients, requests=100, per_second=rate)
    (cost,) = costs(made).requests
    assert (cost.at, cost.requests_per_second) == ("knee", 50.0)
    assert cost.per_1000_requests == pytest.approx(0.02)  # 20 s
    made = recording(0, 0.02)
    add(made.facts, "load_level", tool="aiperf", clients=1, requests=9, per_second=2.0, tokens_per_second=400.0)
    (cost,) = costs(made).requests
    assert cost.at == "highest throughput" and cost.per_million_tokens == pytest.approx(2.50)


def test_storage_by_tier() -> None:
    made = recording(1000, 0.02, host={"write_bytes_total": lambda done: done * 10e9})
    tiers = Prices(machine=3.60, storage={"standard": 0.02, "archive": 0.004})
    (written,) = costs(made, prices=tiers).storage
    assert written.what == "other files" and written.bytes == pytest.approx(10e9, rel=0.01)
    assert written.per_month == {"standard": pytest.approx(0.20, rel=0.01), "archive": pytest.approx(0.04, rel=0.01)}
    assert written.bytes_per_month == pytest.approx(10e9 * 730 * 3600 / 22, rel=0.01)
    assert costs(made).storage[0].per_month == {}  # no price of storage, no amount


def test_a_smaller_machine() -> None:
    size = Size(cores_have=2.0, cores_enough=1, memory_have=32.0 * GIB, memory_enough=4.0 * GIB)
    parts = Prices(machine=4.0, core=0.5, gib=0.1)
    assert costs(recording(), prices=parts, size=size).smaller_per_hour == pytest.approx(4.0 - 0.5 - 2.8)
    assert costs(recording(), size=size).smaller_per_hour is None  # of one core nothing is known
    full = replace(size, cores_enough=4, memory_enough=64.0 * GIB)
    assert costs(recording(), prices=parts, size=full).smaller_per_hour is None


def test_without_a_price_there_is_no_cost_and_no_word_about_it() -> None:
    diagnosis = diagnose(recording())
    assert diagnosis.cost is None and not [note for note in diagnosis.run.notes if "price" in note]


def test_a_machine_without_a_known_price_is_said_in_one_line() -> None:
    made = recording(run={"gpus": [{"index": 0, "name": "Somebody's GPU", "uuid": "u"}]})
    diagnosis = diagnose(made, Settings(Prices(core=1.0, gib=1.0)))
    assert diagnosis.cost is None
    notes = [note for note in diagnosis.run.notes if "price" in note]
    assert notes == ["No price is known of a machine with Somebody's GPU (--price-per-hour 2.50 gives one)."]


def test_a_diagnosis_with_a_price() -> None:
    made = recording(1000, 0.02, wait_share=0.6, host={"idle_cores": lambda done: 1.0, "rss_bytes": lambda done: 1e9})
    cost = diagnose(made, Settings(PRICE)).cost
    assert cost is not None and cost.run == pytest.approx(0.022)
    assert np.isfinite([each.amount for each in cost.idle]).all()
