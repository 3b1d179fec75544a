"""Samples made again in every pass: what is recorded of them, what counts as the same, and when a cache is advised."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.loading.sample_reuse import SampleReuse
from bottleneck_profiler.collectors.support import outputs
from bottleneck_profiler.detectors.loading.cpu_bound_decode import CpuBoundDecode
from bottleneck_profiler.detectors.loading.repeat_transform import RepeatTransform
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotMeasured
from bottleneck_profiler.recording.model import RECORD_DTYPE, Frame
from hypothesis import given, settings
from hypothesis import strategies as st

from loading import loops

SECOND = loops.SECOND
CPU = signals.STACK_CPU
LIBRARY = Frame("inflate", "/lib/zip.py", 7, False)
WORK, LOAD, ITEMS = 0.004, 0.040, 8


def epochs(
    count=4,
    item=0.0045,
    item_cpu=None,
    workers=2,
    idle=0.0,
    same=lambda key, number: key,
    share=0.2,
    facts=None,
    work=WORK,
    **more,
):
    """A loop of 400 steps in ``count`` passes. ``same(key, pass)``: checksums; ``share``: of the time in one line."""
    wait = LOAD / max(workers, 1) - work if workers else LOAD
    made = loops.loop(
        work,
        wait,
        workers=workers,
        load=LOAD,
        load_cpu=LOAD,
        busy=2.0 - idle if workers else 1.0,
        idle=idle,
        stacks=[(share, CPU, loops.user("decode"), loops.FETCH), (1 - share, CPU, LIBRARY, loops.FETCH)],
        facts={"length": 400 // count, "batch_size": ITEMS, **(facts or {})},
        **more,
    )
    starts = made.steps["t0"]
    first = starts[:: 400 // count][:count] - 1
    made.steps["loop"] = (np.arange(400) // (400 // count)).astype(made.steps["loop"].dtype)
    rows = [(0, 1, signals.LOADER_START, 0, t, t, 1) for t in first.tolist()]
    made.events = np.array(rows, RECORD_DTYPE)
    collates = made.samples.copy()
    collates["kind"] = signals.COLLATE
    collates["t1"] = collates["t0"] + int((LOAD - ITEMS * item) * SECOND)
    collates["arg"] = int((LOAD - ITEMS * (item if item_cpu is None else item_cpu)) * SECOND)
    rows = []
    for number, t0 in enumerate(starts.tolist()):
        key, turn = number % (400 // count), number // (400 // count)
        place, t1 = (1 + number % workers if workers else 0), t0 + int(item * SECOND)
        if same is not None:
            rows.append((place, 1, signals.SAMPLE_KEY, 8, t0, t1, key << 32 | same(key, turn)))
    made.samples = np.concatenate([made.samples, collates, np.array(rows, RECORD_DTYPE)])
    return made


def judge(made):
    return loops.judge(RepeatTransform(), made)


def test_the_same_samples_in_every_pass_want_to_be_kept():
    found = judge(epochs())
    assert isinstance(found, Finding), found
    # Three of four passes: 18 of 20 ms a step are making samples, of which a tenth stays for reading files.
    assert found.gain.seconds == pytest.approx(0.75 * 397 * (0.020 - 0.0036), rel=0.1)
    assert found.gain.low <= found.gain.share <= found.gain.high
    assert "torch.load" in found.fix.snippet
    compile(found.fix.snippet.replace("return ", ""), "snippet", "exec")
    alone = judge(epochs(workers=0))
    assert isinstance(alone, Finding) and "self.made" in alone.fix.snippet
    compile(alone.fix.snippet.replace("return ", ""), "snippet", "exec")


dice = random.Random(0)


@pytest.mark.parametrize(
    "made",
    [
        epochs(same=lambda key, turn: dice.getrandbits(32)),
        epochs(same=lambda key, turn: key if dice.random() < 0.9 else 1),
        epochs(count=1),
        epochs(item=0.0003),
        epochs(item=0.0004, same=None),
        epochs(item_cpu=0.0001),
        epochs(facts={"length": 10**9}),
        epochs(workers=0, idle=1.0, work=0.030),
        loops.loop(0.020, 0.0005, workers=2),
    ],
    ids=["random", "rarely random", "one pass", "quick", "kept already", "waits", "too large", "workers do", "no wait"],
)
def test_silent(made):
    assert isinstance(judge(made), Fine)


def test_too_few_seen_twice_are_not_measured():
    made = epochs()
    keys = made.samples["kind"] == signals.SAMPLE_KEY
    made.samples = made.samples[~keys | (np.cumsum(keys) < 110)]
    assert isinstance(judge(made), NotMeasured)
    assert isinstance(judge(epochs(facts={"length": None})), NotMeasured)


@pytest.mark.parametrize("share, first", [(0.95, CpuBoundDecode), (0.4, RepeatTransform)])
def test_of_a_cache_and_a_decode_ahead_of_the_run_the_one_that_saves_more_speaks(share, first):
    made = epochs(share=share)
    both = {kind: loops.judge(kind(), made) for kind in (CpuBoundDecode, RepeatTransform)}
    assert [kind for kind, found in both.items() if isinstance(found, Finding)] == [first]
    made = epochs(share=share, same=lambda key, turn: dice.getrandbits(32))
    assert isinstance(loops.judge(CpuBoundDecode(), made), Finding)


def test_samples_that_differ_in_each_pass_are_not_to_be_stored():
    random_ones = loops.judge(CpuBoundDecode(), epochs(share=0.8, same=lambda key, turn: dice.getrandbits(32)))
    unknown = loops.judge(CpuBoundDecode(), epochs(share=0.8, same=None))
    assert "np.save" in unknown.fix.snippet and "np.save" not in random_ones.fix.snippet
    assert "cannot be stored" in random_ones.fix.summary
    # Nobody knows how much cheaper the line becomes: half is a guess, and the range says so.
    assert random_ones.gain.confidence == 0.2 and 0.4 < random_ones.gain.share / unknown.gain.share < 0.7
    assert random_ones.gain.low < 0.5 * unknown.gain.share and random_ones.gain.high > 0.8 * unknown.gain.share


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 8), st.floats(0.0006, 0.005), st.integers(0, 3))
def test_no_more_is_promised_than_the_later_passes_wait(count, item, workers):
    made = epochs(count, item, workers=workers)
    found, reuse = judge(made), Artifacts(made).get(SampleReuse)
    assert reuse.epochs == count and reuse.same == reuse.compared > 0
    assert 0 <= reuse.kept_share <= reuse.item_share <= 1
    if isinstance(found, Finding):
        waited = (made.steps["data_wait"] / 1e6)[3:] * reuse.later
        assert found.gain.seconds <= waited.sum() * 1.02 * 1.2  # a fifth at most: the rest of the step is quicker


# -- in the program ---------------------------------------------------------------------------------------------------


def checksum(value):
    try:
        return outputs._add(value, 0, 0, 0, 0)[0]
    except outputs._Unknown:
        return None


LARGE = np.arange(300_000, dtype=np.float32)
TENSOR = torch.arange(60.0).reshape(3, 4, 5)
PLAIN = [
    3, -1.5, "text", "\ud800", b"bytes", None, True, (1, {"a": [2.0]}),
    np.arange(4), np.float32(2), np.zeros(0), np.array(1.5), np.arange(9).reshape(3, 3).T, np.arange(3, dtype=">i4"),
    np.zeros(3, complex), np.longdouble([1, 2]), np.array(["a"]), np.array(["2020"], "M8[D]"), LARGE,
    TENSOR, TENSOR.permute(1, 2, 0), TENSOR.bfloat16(), torch.tensor(1.5, requires_grad=True), torch.zeros(0),
]  # fmt: skip


@pytest.mark.parametrize("value", PLAIN, ids=lambda value: f"{type(value).__name__} {str(value)[:9]!r}")
def test_plain_data_has_a_checksum_that_tells_it_from_other_data(value):
    import copy

    assert checksum(value) is not None
    assert checksum(value) == checksum(copy.deepcopy(value))
    assert checksum([value]) != checksum([value, 1]) != checksum((value, 1))


class Strange:
    def __reduce__(self):
        raise AssertionError("looked into")

    __repr__ = __eq__ = __iter__ = __reduce__


@pytest.mark.parametrize(
    "value",
    [
        Strange(),
        [1, Strange()],
        np.array([Strange()]),
        torch.nn.Parameter(TENSOR),
        TENSOR[:, ::2],
        TENSOR.expand(2, 3, 4, 5),
        TENSOR.to_sparse(),
        torch.zeros(1, device="meta"),
        [[[[[[[1]]]]]]],
        list(range(100)),
    ],
)
def test_of_anything_else_nothing_is_said(value):
    assert checksum(value) is None


@pytest.mark.parametrize("at", [0, 12_345, 150_000, 280_000])
def test_a_changed_part_of_a_large_array_shows(at):
    other = LARGE.copy()
    other[at : at + 20_000] += 1
    assert checksum(other) != checksum(LARGE)


def test_what_is_looked_at_stays_as_it_was():
    tensor = torch.ones(4)
    before = torch.random.get_rng_state(), random.getstate()
    checksum((tensor, tensor.view(2, 2)))
    assert torch.equal(before[0], torch.random.get_rng_state()) and before[1] == random.getstate()
    tensor.resize_(16)  # not after tensor.numpy()


class Ring(list):
    failed = frozenset()

    def put(self, *record):
        self.append(record)


@pytest.mark.parametrize("index, known", [(7, True), (-1, True), ("name", True), ((1, 2), False), (np.int64(1), False)])
def test_a_record_holds_index_checksum_and_size(index, known):
    ring = Ring()
    outputs.note_output(ring, ring, index, LARGE, 0, 10**6)
    assert bool(ring) == known
    if index == 7:
        ((kind, size, _, _, both),) = ring
        assert (kind, size, both) == (signals.SAMPLE_KEY, 1172, 7 << 32 | checksum(LARGE))
    quick = Ring()
    outputs.note_output(quick, quick, index, LARGE, 0, 10**5)
    assert not quick


@pytest.mark.parametrize("error", [ZeroDivisionError, BaseException, KeyboardInterrupt])
def test_a_look_that_fails_is_reported_and_ctrl_c_goes_on(monkeypatch, error):
    def fails(*_):
        raise error

    monkeypatch.setattr(outputs, "_add", fails)
    ring = Ring()
    ring.failed, ring.fail = set(), lambda name, where, error: ring.failed.add(name)
    if error is KeyboardInterrupt:
        with pytest.raises(KeyboardInterrupt):
            outputs.note_output(ring, ring, 7, LARGE, 0, 10**6)
    else:
        outputs.note_output(ring, ring, 7, LARGE, 0, 10**6)
        outputs.note_output(ring, ring, 7, LARGE, 0, 10**6)
        assert ring.failed == {"outputs"} and not ring
