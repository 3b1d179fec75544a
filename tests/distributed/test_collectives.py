"""Collectives that a program calls itself: many small ones are priced by their latency, waiting is not counted."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.distributed.collectives import Collectives, Place
from bottleneck_profiler.detectors.distributed.exposed_comm import ExposedComm
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotMeasured
from bottleneck_profiler.recording.facts import Collective
from bottleneck_profiler.recording.model import Site
from hypothesis import given
from hypothesis import strategies as st
from typed import add

from .made_up import MS, judge, ranks

LATENCY, RATE = 0.4, 1e-6  # ms of a call, ms of a byte


def exchanging(calls, sizes, name="all_reduce", wait=0.0, device="cpu", late=0.0):
    """So many calls a step of these sizes in turn; rank 1 comes ``wait`` ms late to each, and computes ``late`` ms."""
    each = [LATENCY + RATE * sizes[call % len(sizes)] for call in range(calls)]
    made = ranks((1, 5, 8), (1, 5, 8 + late), meet="sync", exchange=sum(each) + wait * calls)
    if wait:
        made.steps["sync"][made.steps["process"] == 1] -= int(wait * calls * 1000)
    number = 0
    for t0, process in zip(made.steps["t0"].tolist(), made.steps["process"].tolist(), strict=True):
        number = 0 if process == 1 and number >= 100 * calls else number
        for call in range(calls):
            number += 1
            start = t0 + 15 * MS + call
            taken = each[call] + (wait if process == 0 else 0.0)
            fields = {"name": name, "call": number, "stands_for": 1, "site": 5, "device": device}
            fields |= {"bytes": sizes[call % len(sizes)], "t0": start, "t1": start + int(taken * MS)}
            add(made.facts, "collective", process=process, **fields)
    made.facts.sites.update({(process, 5): Site("/user/train.py", 41, "average") for process in (0, 1)})
    return made


def test_many_calls_are_priced_by_their_latency_at_their_line():
    made = exchanging(20, (256, 400_000))
    found = judge(made, ExposedComm())
    assert isinstance(found, Finding) and found.location.line == 41 and not found.hint
    moving = RATE * 10 * 400_256
    step = 14 + 20 * LATENCY + moving
    assert found.gain.step_share == pytest.approx((20 * LATENCY + moving - (LATENCY + moving) / 2) / step, abs=0.02)
    assert found.gain.low < found.gain.share < found.gain.high < 1
    compile(found.fix.snippet, "snippet", "exec")
    assert [ranked.finding.detector for ranked in diagnose(made).findings] == ["exposed-comm"]


def test_a_barrier_in_each_step_can_go_altogether():
    found = judge(exchanging(8, (0,), "barrier"), ExposedComm())
    assert found.gain.step_share == pytest.approx(8 * LATENCY / (14 + 8 * LATENCY), abs=0.02)
    assert "barrier" in found.fix.summary


@pytest.mark.parametrize(
    "made",
    [exchanging(1, (4_000_000,)), exchanging(20, (400_000,))],
    ids=["one call", "one size tells nothing of the latency"],
)
def test_what_has_no_price_is_noticed_and_leaves_the_run_healthy(made):
    found = judge(made, ExposedComm())
    assert isinstance(found, Finding) and found.hint and found.gain is None
    assert diagnose(made).verdict == "fine"


@pytest.mark.parametrize(
    "made",
    [exchanging(2, (256,)), exchanging(2, (256,), wait=10.0), exchanging(2, (256,), late=30.0)],
    ids=["little", "waiting for a rank in the calls", "waiting for a rank that computes longer"],
)
def test_waiting_for_a_rank_is_no_communication(made):
    assert isinstance(judge(made, ExposedComm()), Fine)


def test_calls_that_only_start_an_exchange_and_single_ranks_are_not_judged():
    assert not isinstance(judge(exchanging(20, (256, 400_000), device="cuda"), ExposedComm()), Finding)
    assert isinstance(judge(ranks((1, 5, 8)), ExposedComm()), NotMeasured)


def test_calls_that_the_ranks_do_not_make_alike_are_left_out():
    made = exchanging(4, (256,))
    seen = len(Artifacts(made).get(Collectives).places[0].net_seconds)
    other = [(1, call) for process, call in made.facts.of(Collective) if process == 1 and call.call > 200]
    for noted in other:
        made.facts.notes[made.facts.notes.index(noted)] = 1, msgspec.structs.replace(noted[1], name="broadcast")
    assert len(Artifacts(made).get(Collectives).places[0].net_seconds) == seen - len(other)


@given(st.floats(0, 1e-2), st.floats(0, 1e-8), st.lists(st.integers(1, 10**7), min_size=2, max_size=30, unique=True))
def test_latency_and_rate_are_found_again(latency, rate, sizes):
    sizes = np.array(sizes, float)
    place = Place(None, "all_reduce", (latency + rate * sizes)[None, :], sizes, np.ones(len(sizes)), 10.0)
    found = place.latency_and_rate()
    assert found == pytest.approx((latency, rate), rel=1e-3, abs=1e-5)
    assert found[0] >= 0 and found[1] >= 0
