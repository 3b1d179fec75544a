"""Each signature on a simulated device: named, priced as the simulation says, and silent on what looks alike."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from bottleneck_profiler.artifacts import Missing
from bottleneck_profiler.artifacts.device.kernels import DeviceKernels, kind_of
from bottleneck_profiler.artifacts.device.window import Device
from bottleneck_profiler.detectors import all_detectors
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotApplicable, NotMeasured
from bottleneck_profiler.recording.facts import DeviceTrace, DeviceWindow
from bottleneck_profiler.recording.intervals import overlap, spans_of, union
from hypothesis import given, settings
from hypothesis import strategies as st

from . import programs
from .recordings import artifact, judge, recording
from .simulator import SGEMM, Simulator, step_time

DETECTORS = {detector.id: detector for detector in all_detectors() if detector.id in programs.PAIRS}
BATCH = [{"bytes": programs.IMAGES, "item_bytes": 4, "levels": 240}, {"bytes": 512, "item_bytes": 8, "levels": 0}]


def batch_of(name: str):
    return BATCH if name == "wide-dtype-transfer" else None


@pytest.mark.parametrize("name", programs.PAIRS)
def test_the_planted_cause_comes_first_and_is_priced_as_simulated(name):
    slow, mended = programs.PAIRS[name]
    made = recording(slow, batch=batch_of(name))
    found = judge(DETECTORS[name], made)
    assert isinstance(found, Finding)
    gain = found.gain
    before = step_time(slow)
    steps = 1 - step_time(mended) / before
    obtained = steps * gain.share / gain.step_share  # of the run
    assert gain.low <= obtained <= gain.high, (gain, obtained)
    assert 0 < gain.low < gain.share <= gain.high < 1 and gain.share <= gain.step_share
    assert gain.seconds == pytest.approx(sum(found.removes.values()))
    assert any(item.value == "simulated" for item in found.evidence)
    assert diagnose(made).findings[0].finding.detector == name
    no_floats = [{**part, "levels": 0} for part in BATCH]
    assert isinstance(judge(DETECTORS[name], recording(mended, batch=no_floats)), Fine)


@pytest.mark.parametrize("name", programs.PAIRS)
def test_nothing_is_left_to_say_of_the_mended_program(name):
    diagnosis = diagnose(recording(programs.GOLDENS[name][1]))
    assert diagnosis.findings == () and diagnosis.also_noticed == ()


@pytest.mark.parametrize(
    "program",
    [programs.fetches_where_the_device_is_full, programs.one_activation_a_layer, programs.long_pause_of_python],
)
def test_what_only_looks_alike_is_left_alone(program):
    assert diagnose(recording(program)).findings == ()


def test_idle_time_in_the_wait_for_data_is_the_loaders():
    made = recording(programs.waits_for_data, waits=9000)
    device = artifact(Device, made)
    assert device.idle_seconds_by_cause["input"] == pytest.approx(9e-3, rel=0.01)
    assert device.idle_share > 0.7
    for detector in DETECTORS.values():
        assert not isinstance(judge(detector, made), Finding)
    # Without the wait the same pause is one that follows the host's own wait for the device.
    assert isinstance(judge(DETECTORS["sync-point"], recording(programs.waits_for_data)), Finding)


def test_two_findings_never_claim_the_same_seconds():
    diagnosis = diagnose(recording(programs.floats_of_bytes, batch=BATCH))
    assert [ranked.finding.detector for ranked in diagnosis.findings] == ["wide-dtype-transfer"]
    assert diagnosis.findings[0].explains == ("no-copy-overlap",)

    def two(sim: Simulator) -> None:
        sim.copy(16 * programs.MB, 3_000)
        sim.item()
        programs.layers(sim, 30, 100)
        sim.item()
        sim.python(3000)

    made = recording(two)
    diagnosis = diagnose(made)
    assert {ranked.finding.detector for ranked in diagnosis.findings} == {"no-copy-overlap", "sync-point"}
    claimed = sum(ranked.finding.gain.seconds for ranked in diagnosis.findings)
    assert diagnosis.plan[-1].wall_seconds_after >= made.wall_seconds - claimed - 1e-6


def test_tracing_slows_the_host_and_the_price_is_that_of_a_step_outside():
    """What the trace makes longer is no time that anybody can save."""
    honest = judge(DETECTORS["launch-bound"], recording(programs.tiny_kernels))
    slowed = judge(DETECTORS["launch-bound"], recording(programs.tiny_kernels, typical=6000.0))
    assert honest.gain.step_share == pytest.approx(0.8, abs=0.01)
    assert slowed.gain.step_share == pytest.approx(1 - 2400 / 6000, abs=0.02)
    # A host that is quick enough outside the window has nothing to gain at all.
    assert isinstance(judge(DETECTORS["launch-bound"], recording(programs.tiny_kernels, typical=2500.0)), Fine)


def test_pageable_memory_without_a_pinned_copy_is_shown_aside():
    made = recording(lambda sim: programs.copies_in_between(sim, pageable=True, rate=6_000))
    diagnosis = diagnose(made)
    aside = {ranked.finding.detector: ranked.finding for ranked in diagnosis.also_noticed}
    assert aside["pageable-copy"].gain is None
    assert [ranked.finding.detector for ranked in diagnosis.findings] == ["no-copy-overlap"]


def test_where_the_memory_is_not_known_nothing_is_said_of_it():
    def renamed(events):
        return [{**event, "name": event["name"].replace("Pageable -> ", "")} for event in events]

    made = recording(programs.from_pageable_memory, events=renamed)
    assert isinstance(judge(DETECTORS["pageable-copy"], made), NotMeasured)


@pytest.mark.parametrize(("major", "outcome"), [(6, NotApplicable), (7, Finding), (8, Finding), (0, NotMeasured)])
def test_tensor_cores_are_advised_where_there_are_any(major, outcome):
    made = recording(programs.single_precision, properties=[{"name": "x", "computeMajor": major, "computeMinor": 0}])
    found = judge(DETECTORS["fp32-matmul"], made)
    assert isinstance(found, outcome)
    if major == 7:
        assert "float16" in found.fix.snippet and "bfloat16" not in found.fix.snippet
    if major >= 7:
        compile(found.fix.snippet.replace("criterion", "f"), "snippet", "exec")


def test_a_batch_that_is_changed_before_the_copy_is_not_judged():
    small = [{**BATCH[0], "bytes": programs.IMAGES * 2}]
    assert isinstance(
        judge(DETECTORS["wide-dtype-transfer"], recording(programs.floats_of_bytes, batch=small)), NotMeasured
    )
    many = [{**BATCH[0], "levels": 3000}]
    assert isinstance(judge(DETECTORS["wide-dtype-transfer"], recording(programs.floats_of_bytes, batch=many)), Fine)


def test_short_chains_and_short_kernels_are_not_fused():
    def tiny(sim: Simulator) -> None:
        for _ in range(40):
            programs.layers(sim, 6, 6, programs.RELU, dispatch=5)
        sim.item()

    assert isinstance(judge(DETECTORS["unfused-pointwise"], recording(tiny)), Fine)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (SGEMM, "fp32"),
        ("volta_scudnn_128x64_relu_interior_nn_v1", "fp32"),
        ("void cutlass::Kernel2<cutlass_80_simt_sgemm_256x128_8x4_nn_align1>(Params)", "fp32"),
        ("void cutlass::Kernel2<cutlass_80_tensorop_s1688gemm_128x128_16x5_nn_align4>(Params)", "tensor"),
        ("ampere_fp16_s16816gemm_fp16_128x64_ldg8_f2f_stages_64x3_nn", "tensor"),
        ("sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n_tilesize64x64x64_warpgroupsize1x1x1", "tensor"),
        ("sm80_xmma_gemm_f32f32_f32f32_f32_tn_n_tilesize32x32x8_stage3_warpsize1x2x1_ffma_aligna4_alignc4", "fp32"),
        ("nvjet_hsh_128x256_64x4_1x2_h_bz_coopA_NNT", "tensor"),
        ("void pytorch_flash::flash_fwd_kernel<Flash_fwd_kernel_traits<64, 128>>(Flash_fwd_params)", "tensor"),
        ("void cudnn::bn_fw_tr_1C11_kernel_NCHW<float, float, int, 512, true, 1, true>(...)", "pointwise"),
        ("void at::native::(anonymous namespace)::cunn_SoftMaxForward<4, float, float, float>(...)", "pointwise"),
        (programs.ADAM, "other"),
        ("triton_poi_fused_add_relu_0", "other"),
        ("void at::native::reduce_kernel<512, 1, at::native::ReduceOp<float>>(...)", "other"),
        ("void gemv2T_kernel_val<int, int, float, float, float, 128, 16, 4>(...)", "matrix"),
    ],
)
def test_what_the_name_of_a_kernel_says(name, kind):
    assert kind_of(name) == kind


def test_kernels_add_up():
    kernels = artifact(DeviceKernels, recording(programs.element_by_element))
    assert kernels.tensor_matrix_seconds + kernels.pointwise_seconds == pytest.approx(kernels.total_seconds)
    assert kernels.count == pytest.approx(140, rel=0.02)
    assert kernels.kernels_per_chain == pytest.approx(6, rel=0.02)  # one may be cut at the window's end
    assert kernels.chained_seconds == pytest.approx(kernels.chains_seconds / 6, rel=0.02)


@pytest.mark.parametrize("program", [slow for slow, _ in programs.PAIRS.values()])
def test_busy_and_idle_are_the_whole_step(program):
    device = artifact(Device, recording(program))
    assert device.busy_seconds + sum(device.idle_seconds_by_cause.values()) == pytest.approx(
        device.step_seconds, rel=1e-4
    )
    assert device.step_seconds == pytest.approx(step_time(program) / 1e6, rel=0.02)
    assert 0 <= device.blocked_seconds <= device.step_seconds


@pytest.mark.parametrize("case", ["none asked for", "no device", "stopped", "damaged", "too short"])
def test_without_a_window_or_a_device_there_is_no_answer_and_no_sentence_about_a_gpu(case):
    host_only = case == "no device"
    made = recording(
        programs.single_precision,
        events=lambda events: [e for e in events if e["cat"] == "cpu_op"] if host_only else events,
        properties=() if host_only else ({"name": "x", "computeMajor": 8},),
        batch=BATCH,
        run_facts={"gpus": []},
    )
    notes = made.facts.notes
    (window,) = made.facts.of_process(DeviceWindow, 0)
    short = window.t0 + 3 * int(step_time(programs.single_precision) * 1000)
    if case == "none asked for":
        notes[:] = [note for note in notes if not note[1].kind.startswith("device")]
    elif case == "stopped":
        notes[0] = 0, msgspec.structs.replace(window, problem="The program profiles itself.")
    elif case == "damaged":
        notes[-1] = 0, DeviceTrace([], problem="It is damaged.")
    elif case == "too short":
        notes[0] = 0, msgspec.structs.replace(window, t1=short)
    rows = {row.detector: row for row in diagnose(made).checked}
    for name in DETECTORS:
        assert rows[name].needs_accelerator and rows[name].outcome == "not-measured"
        reason = rows[name].reason
        assert reason.endswith(".") and "gpu" not in reason.lower() and "failed" not in reason


def test_each_process_has_rows_of_its_own():
    """As read from the parts of several ranks, one after the other."""
    made, other = recording(programs.fetches_each_step), recording(programs.element_by_element)
    alone = artifact(Device, made)
    before = {name: column + 1 if name == "process" else column for name, column in other.device.items()}
    made.device = {name: np.concatenate([before[name], column]) for name, column in made.device.items()}
    both = artifact(Device, made)
    assert (both.waits_per_step, both.busy_seconds) == (alone.waits_per_step, alone.busy_seconds)
    assert both.fetching_seconds == alone.fetching_seconds


def test_the_window_of_another_process_is_not_this_ones():
    made = recording(programs.fetches_each_step)
    made.facts.notes[:] = [(process + 1, fact) for process, fact in made.facts.notes]
    with pytest.raises(Missing):
        artifact(Device, made)


def test_traced_steps_stand_for_no_others():
    from bottleneck_profiler.artifacts.training.steps import Steps

    made = recording(programs.tiny_kernels, typical=6000.0)
    steps = artifact(Steps, made)
    assert steps.typical_seconds == pytest.approx(6e-3, rel=0.01)
    assert steps.wall_seconds.max() < 6.1e-3
    made.facts.notes.clear()
    assert artifact(Steps, made).wall_seconds.max() > 11e-3


INTERVALS = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 40)), max_size=12)


@settings(max_examples=60, deadline=None)
@given(INTERVALS, INTERVALS)
def test_overlap_is_what_counting_says(left, right):
    spans, others = (union([spans_of([a for a, _ in pairs], [a + n for a, n in pairs])]) for pairs in (left, right))
    covered = {t for start, end in others.tolist() for t in range(start, end)}
    counted = [len(covered & set(range(start, end))) for start, end in spans.tolist()]
    assert np.allclose(overlap(spans, others), counted)


def test_findings_of_the_window_are_frozen_values():
    found = judge(DETECTORS["sync-point"], recording(programs.fetches_each_step))
    assert replace(found) == found and found.fix.edit is None  # no loader, no line
