"""What DistributedDataParallel says of its exchange: how often it is needed, what of it shows, what it searches for."""

from __future__ import annotations

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts.distributed.ranks import evened_out_seconds
from bottleneck_profiler.detectors.distributed.exposed_comm import ExposedComm
from bottleneck_profiler.detectors.distributed.slow_multi_gpu import SlowMultiGpu
from bottleneck_profiler.detectors.distributed.sync_every_micro import SyncEveryMicro
from bottleneck_profiler.detectors.distributed.unused_param_scan import UnusedParamScan
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotApplicable, NotMeasured
from bottleneck_profiler.recording.model import Site
from hypothesis import given
from hypothesis import strategies as st
from typed import add

from .made_up import judge, ranks

SETTING = {"device": "cpu", "backend": "gloo", "world_size": 2, "find_unused": False, "static_graph": False}


def training(micro=4, synced=1.0, exposed=(8.0, 8.0), looks=30, unused=0, **setting):
    """Two ranks, a step of the optimizer in so many of 100 passes of 20 ms; ``exposed``: ms of each exchange by rank,
    numbers or one value for each look."""
    made = ranks((1, 5, 14), (1, 5, 14))
    last = np.arange(200) % micro == micro - 1
    made.steps["optimized"] = last
    for process in (0, 1):
        made.totals[process, signals.OPTIMIZER, 0] = (100 // micro, 0)
        made.facts.sites[process, 2] = Site("/user/train.py", 12, "main")
        made.facts.sites[process, 3] = Site("/user/train.py", 41, "main")
        add(made.facts, "ddp", process=process, **{"id": 1, "site": 2, "rank": process, **SETTING, **setting})
        shown = np.broadcast_to(np.asarray(exposed[process], float), looks)
        for look in range(looks):
            times = [9_000_000, int(4e6 + shown[look] * 1e6), 4_000_000]  # 4 ms are hidden
            fields = {"iteration": 12 + 4 * look, "times_ns": times, "buckets": [4 << 20, 1 << 20], "site": 3, "id": 1}
            exchanges = look < round(synced * looks)
            add(made.facts, "exchange", process=process, **fields, synced=exchanges, unused_bytes=unused)
    return made


def test_exchanges_that_the_optimizer_does_not_need_are_priced_at_the_backward_call():
    found = judge(training(), SyncEveryMicro())
    assert isinstance(found, Finding) and (found.location.line, found.location.function) == (41, "main")
    assert found.gain.step_share == pytest.approx(3 / 4 * 8 / 20, abs=0.02)
    assert found.gain.low < found.gain.share < found.gain.high < 1
    assert "once every 4" in found.fix.summary
    compile(found.fix.snippet, "snippet", "exec")
    assert diagnose(training()).findings[0].finding.detector == "sync-every-micro"


@pytest.mark.parametrize(
    "made",
    [
        training(micro=1),
        training(synced=0.25),
        training(exposed=(0.1, 0.1)),
        training(exposed=(0.2, 12.0)),  # rank 0 is late each time: rank 1 waits for it, and would wait as long
    ],
    ids=["no accumulation", "no_sync", "hidden", "waiting for a late rank"],
)
def test_exchanges_that_are_needed_or_cost_nothing_are_fine(made):
    assert isinstance(judge(made, SyncEveryMicro()), Fine)
    assert "sync-every-micro" not in [ranked.finding.detector for ranked in diagnose(made).findings]


def test_what_computing_hides_is_saved_where_no_core_is_idle_for_it():
    def saved(idle):
        made = training()
        made.host = ranks(
            (1, 5, 14), host={"busy_cores": np.full(200, 2.0 - idle), "idle_cores": np.full(200, idle)}
        ).host
        return judge(made, SyncEveryMicro()).gain

    full, idle = saved(0.0), saved(2.0)
    assert idle.step_share == pytest.approx(3 / 4 * 8 / 20, abs=0.02)
    assert full.seconds == pytest.approx(idle.seconds * (8 + 0.25 * 4) / 8, rel=0.02)


def test_waiting_that_evens_out_is_saved_too():
    turns = np.arange(32) % 2 == 0
    steady = judge(training(looks=32), SyncEveryMicro()).gain.seconds
    swaying = judge(training(looks=32, exposed=(np.where(turns, 8, 12), np.where(turns, 12, 8))), SyncEveryMicro())
    # On average both wait 2 ms of 4 passes; met once in 4 they would not wait at all.
    assert swaying.gain.seconds == pytest.approx(steady * (3 * 8 + 4 * 2) / (3 * 8), rel=0.02)


def test_without_all_ranks_or_with_few_passes_it_is_not_measured():
    assert isinstance(judge(training(world_size=4), SyncEveryMicro()), NotMeasured)
    assert isinstance(judge(training(looks=5), SyncEveryMicro()), NotMeasured)
    assert isinstance(judge(ranks((1, 5, 14), (1, 5, 14)), SyncEveryMicro()), NotMeasured)


def test_what_is_exchanged_once_and_shows_is_noticed_and_no_fault():
    made = training(micro=1, exposed=(8.0, 9.0))
    found = judge(made, ExposedComm())
    assert isinstance(found, Finding) and found.hint and found.gain is None
    assert found.evidence[0].value == pytest.approx(8 / 20, abs=0.01)
    assert diagnose(made).findings == () and diagnose(made).verdict == "fine"
    assert isinstance(judge(training(micro=1, exposed=(0.5, 12.0)), ExposedComm()), Fine)  # a straggler's, not it


@pytest.mark.parametrize(
    ("made", "outcome"),
    [
        (training(find_unused=True), Finding),
        (training(find_unused=True, unused=64), Fine),
        (training(find_unused=True, static_graph=True), Fine),
        (training(), Fine),
        (training(find_unused=True, looks=5), NotMeasured),
        (ranks((1, 5, 14), (1, 5, 14)), NotMeasured),
    ],
    ids=["none is unused", "some are", "searched once", "off", "few looks", "no model"],
)
def test_a_search_for_unused_parameters_is_noticed_where_it_finds_none(made, outcome):
    found = judge(made, UnusedParamScan())
    assert isinstance(found, outcome)
    if outcome is Finding:
        assert found.hint and found.gain is None and found.location.line == 12


GPU = {"time_ns": np.arange(50) * 100_000_000, "index": np.zeros(50), "utilization": np.full(50, 0.5)}


@pytest.mark.parametrize(
    ("devices", "ddp", "gpu", "outcome"),
    [
        (2, None, GPU, Finding),
        (1, None, GPU, Fine),
        (0, {"device": "cuda", "backend": "gloo"}, GPU, Finding),
        (0, {"device": "cuda", "backend": "nccl"}, GPU, Fine),
        (0, {}, GPU, NotApplicable),
        (2, None, {}, NotMeasured),
    ],
    ids=["two copies", "one device", "gloo", "nccl", "ranks on the CPU", "no device measured"],
)
def test_slow_ways_for_several_accelerators_are_noticed(devices, ddp, gpu, outcome):
    made = ranks((1, 5, 14), (1, 5, 14)) if ddp is None else training(micro=1, **ddp)
    if devices:
        add(made.facts, "data_parallel", site=1, devices=devices)
    made.gpu = gpu
    found = judge(made, SlowMultiGpu())
    assert isinstance(found, outcome)
    if outcome is Finding:
        assert found.hint and found.gain is None


WAITS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=40)


@given(WAITS, st.integers(1, 10))
def test_rarer_meetings_save_no_more_than_is_waited_and_one_that_comes_last_saves_nothing(pairs, size):
    waits = np.array(pairs).T
    waits -= waits.min(axis=0)
    saved = evened_out_seconds(waits, size)
    group = min(size, waits.shape[1])
    assert -1e-9 <= saved <= waits[:, : waits.shape[1] // group * group].mean() + 1e-9
    assert evened_out_seconds(waits, 1) == pytest.approx(0)
    assert evened_out_seconds(np.array([np.zeros(waits.shape[1]), waits[1]]), size) == 0
