"""quantisable-model on made-up measurements: what fires, what looks alike, and what is not known."""

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.serving.what_ifs import WhatIfs
from bottleneck_profiler.detectors import run_all
from bottleneck_profiler.detectors.serving.quantisable_model import QuantisableModel
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotApplicable, NotMeasured
from bottleneck_profiler.diagnosis.served import what_if_use
from bottleneck_profiler.exporters.support.server_words import _what_ifs
from bottleneck_profiler.recording.facts import ModelCopy, ModelProbe, ModelVariant
from bottleneck_profiler.recording.model import RECORD_DTYPE, Facts, Process, Recording, Site

MS = 1_000_000
PROBE = {"seconds": 0.008, "inputs": 4, "rows": 1, "threads": 1, "size": 64 << 20, "dtype": "float32"}
CLOSE = {"max_drift": 0.01, "relative_drift": 0.01, "agreement": 1.0, "size": 32 << 20}


def variant(name, ratio, **more):
    how = "model.to(torch.bfloat16)" if name.startswith("bf16") else "quantize_(...)"
    fields = {"threads": 1, "rows": 1, "how": how, "ratio_low": ratio - 0.05, "ratio_high": ratio + 0.05, **CLOSE}
    return ModelVariant(name, seconds=0.008 * ratio, ratio=ratio, **{**fields, **more})


def recording(*variants, count=100, model=8, handler=10, probe=None, notes=None):
    """``count`` requests of ``handler`` ms, of which the model takes ``model``."""
    rows = np.zeros(2 * count, RECORD_DTYPE)
    for i in range(count):
        begin = (1000 + 20 * i) * MS
        for row, kind, end in ((2 * i, signals.REQUEST, handler), (2 * i + 1, signals.MODEL_CALL, model)):
            for name, value in {"t0": begin, "t1": begin + end * MS, "kind": kind, "flags": 1, "arg": 1}.items():
                rows[name][row] = value
    facts = Facts(
        processes=[Process(0, 100)],
        strings={(0, 1): "GET /rank/{user} 200"},
        sites={(0, 7): Site("app.py", 20, "rank")},
        notes=[
            (0, ModelCopy(7, "Ranker", 64 << 20)),
            (0, ModelProbe(**{**PROBE, "linear_share": 0.95, **(probe or {})})),
            *((0, each) for each in variants),
        ]
        if notes is None
        else notes,
    )
    nothing = np.zeros(0, RECORD_DTYPE)
    end = int(rows["t1"].max()) if count else 1
    return Artifacts(Recording({"machine": {"cores": 2}}, facts, {}, nothing, nothing, nothing, rows, {}, {}, 0, end))


def judge(*variants, **how):
    return run_all([QuantisableModel()], recording(*variants, **how))["quantisable-model"]


def test_faster_and_close_is_found_at_the_line_of_the_call():
    found = judge(variant("bf16", 0.5))
    assert isinstance(found, Finding)
    assert str(found.location) == "app.py:20" and found.gain.basis == "capacity"
    assert found.gain.share == pytest.approx(0.8 * 0.5)  # Amdahl: 80 % of the handler is the model
    assert found.gain.low < found.gain.share < found.gain.high == pytest.approx(0.8 * 0.55)
    assert "torch.bfloat16" in found.fix.snippet and "compile" not in found.fix.snippet


@pytest.mark.parametrize(
    ("variants", "word", "compiled"),
    [
        ([variant("bf16", 0.6), variant("int8", 0.3)], "int8", False),
        ([variant("bf16", 0.6), variant("int8", 0.3, relative_drift=0.2)], "bf16", False),
        ([variant("bf16", 0.6), variant("bf16, compiled", 0.57)], "bf16", False),  # hardly faster
        ([variant("bf16", 0.9), variant("bf16, compiled", 0.4), variant("compiled", 0.8)], "bf16", True),
    ],
)
def test_the_fastest_close_variant_is_advised_without_a_compiler_where_that_adds_little(variants, word, compiled):
    found = judge(*variants)
    assert isinstance(found, Finding) and word in found.fix.summary
    assert ("torch.compile" in found.fix.snippet) == compiled


@pytest.mark.parametrize(
    ("variants", "how", "reason"),
    [
        ([variant("bf16", 0.9)], {}, "saves"),
        ([variant("int8", 1.7)], {}, "saves"),
        ([variant("bf16", 0.5, relative_drift=0.06)], {}, "drift"),
        ([variant("bf16", 0.5, agreement=0.9)], {}, "drift"),
        ([variant("bf16", 0.5, relative_drift=None, agreement=None)], {}, "drift"),
        ([variant("bf16", 0.5)], {"model": 4}, "linear"),  # the handler does other things
        ([variant("bf16", 0.5)], {"probe": {"linear_share": 0.5}}, "linear"),  # attention, convolutions
        ([variant("bf16", 0.5)], {"probe": {"dtype": "bfloat16"}}, "bfloat16"),
        (
            [variant("bf16, compiled", 0.5), variant("compiled", 0.52)],
            {},
            "saves",
        ),  # the compiler does it, not the type
    ],
)
def test_look_alikes_are_fine(variants, how, reason):
    outcome = judge(*variants, **how)
    assert isinstance(outcome, Fine) and reason in outcome.reason


def test_a_line_at_the_drift_that_is_allowed_is_found():
    assert isinstance(judge(variant("bf16", 0.5, relative_drift=0.05, agreement=0.99)), Finding)


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"notes": []}, "--probe-model"),
        ({"notes": [(0, ModelCopy(7, "Ranker", problem="it cannot be pickled: x"))]}, "cannot be pickled"),
        ({"notes": [(0, ModelCopy(7, "Ranker"))]}, "not complete"),
        ({"notes": [(0, ModelCopy(7, "Ranker")), (0, ModelProbe(problem="no class Ranker"))]}, "no class Ranker"),
        ({"probe": {"repeatable": False}}, "random"),
        ({"probe": {"linear_share": None}}, "linear"),
        ({"count": 40}, "40 requests"),
    ],
)
def test_what_was_not_measured_is_said_and_never_fine(how, reason):
    outcome = judge(variant("bf16", 0.5), **how)
    assert isinstance(outcome, NotMeasured) and reason in outcome.reason


def test_without_the_library_and_the_instructions_there_is_no_verdict():
    left_out = (
        ModelVariant("bf16", "this CPU has no bf16 instructions"),
        ModelVariant("int8", "torchao is not installed"),
    )
    outcome = judge(*left_out, variant("2 threads", 0.5))
    assert isinstance(outcome, NotMeasured) and "torchao is not installed" in outcome.reason


def test_a_program_that_serves_nothing_is_not_judged():
    assert isinstance(judge(count=0), NotApplicable)


def test_table_has_a_row_for_each_variant_and_a_sentence_for_what_is_left_out():
    artifacts = recording(
        variant("bf16", 0.5), variant("2 threads", 0.7), ModelVariant("int8", "torchao is not installed")
    )
    assert artifacts.get(WhatIfs).named("bf16")
    sheet = _what_ifs(what_if_use(artifacts))
    assert [row[0] for row in sheet.rows] == ["as it is (float32)", "bf16", "2 threads"]
    assert "app.py:20" in sheet.title and sheet.note == "Without int8: torchao is not installed."
    assert sheet.rows[1][sheet.heads.index("of now")] == "50 %"
