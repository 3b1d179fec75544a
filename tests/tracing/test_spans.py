"""The tree of spans: what hangs under what, that nothing sticks out, and how many there are at most."""

import numpy as np
from bottleneck_profiler import signals
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.diagnosis.findings import Finding, Fix, Gain, Location
from bottleneck_profiler.diagnosis.model import Ranked
from bottleneck_profiler.exporters import write_all
from bottleneck_profiler.exporters.tracing import names
from bottleneck_profiler.exporters.tracing.spans import MAX_SPANS, build
from bottleneck_profiler.recording.model import Frame
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def spans_of(recording, diagnosis=None):
    return build(recording, diagnosis or diagnose(recording), "the-run").spans


def named(spans, name):
    return [span for span in spans if span.name == name]


def check_tree(spans):
    """One root a trace, no orphans, unique ids, children inside their parents, at most MAX_SPANS a trace."""
    by_id = {span.span_id: span for span in spans}
    assert len(by_id) == len(spans)
    roots, sizes = {}, {}
    for span in spans:
        sizes[span.trace_id] = sizes.get(span.trace_id, 0) + 1
        assert len(span.trace_id) == 32 and len(span.span_id) == 16 and int(span.span_id, 16)
        assert span.start_ns <= span.end_ns
        if span.parent is None:
            assert span.trace_id not in roots
            roots[span.trace_id] = span
            continue
        parent = by_id[span.parent]
        assert parent.trace_id == span.trace_id
        assert parent.start_ns <= span.start_ns and span.end_ns <= parent.end_ns
        for event in span.events:
            assert span.start_ns <= event.time_ns <= span.end_ns
    assert set(sizes) == set(roots)
    assert max(sizes.values()) <= MAX_SPANS
    for span in spans:  # links lead to spans that exist, in another trace
        for link in span.links:
            assert by_id[link.span_id].trace_id == link.trace_id != span.trace_id


def test_run_epoch_step_phase(make, usual):
    recording = make(usual(30), epoch_size=15)
    spans = spans_of(recording)
    check_tree(spans)
    root = spans[0]
    assert root.name == "run" and root.parent is None
    epochs = named(spans, "train.epoch")
    assert [e.parent for e in epochs] == [root.span_id] * 2
    assert [e.attributes[names.EPOCH_NUMBER] for e in epochs] == [0, 1]
    steps = named(spans, "train.step")
    assert len(steps) == 30 and {s.parent for s in steps} == {e.span_id for e in epochs}
    forward = named(spans, "forward")
    assert len(forward) == 30 and {f.end_ns - f.start_ns for f in forward} == {2_000_000}
    assert not named(spans, "train.steps"), "everything is shown, so there is nothing to sum up"


def test_phases_follow_one_another_and_the_wait_is_last(make, usual):
    spans = spans_of(make(usual(25)))
    step = named(spans, "train.step")[4]
    phases = [s for s in spans if s.parent == step.span_id]
    assert [p.name for p in phases] == ["forward", "backward", "data_wait"]
    assert phases[0].end_ns == phases[1].start_ns and phases[1].end_ns == phases[2].start_ns


def test_wall_clock(make, usual):
    recording = make(usual(25))
    root = spans_of(recording)[0]
    assert root.start_ns == recording.run["started_wall_ns"]
    assert root.end_ns - root.start_ns == recording.ended_ns - recording.started_ns


def test_many_steps_become_a_summary(make, usual):
    steps = usual(20_000)
    steps[12_345]["data_wait"] = 900_000
    recording = make(steps, epoch_size=10_000)
    spans = spans_of(recording)
    check_tree(spans)
    shown = named(spans, "train.step")
    hidden = named(spans, "train.steps")
    assert len(hidden) == 2
    assert len(shown) + sum(s.attributes[names.STEP_COUNT] for s in hidden) == 20_000
    worst = [s for s in shown if s.attributes[names.STEP_NUMBER] == 12_345]
    assert worst, "the worst step is always shown"
    summary = hidden[0].attributes
    assert np.isclose(summary["bottleneck.summary.forward.p50_seconds"], 0.002)
    count = summary[names.STEP_COUNT]
    assert np.isclose(summary["bottleneck.summary.forward.sum_seconds"], 0.002 * count)
    assert {s.attributes[names.STEP_REASON] for s in shown} >= {"first", "worst", "window"}


def test_many_epochs_are_joined(make, usual):
    spans = spans_of(make(usual(5_000), epoch_size=2))
    check_tree(spans)
    joined = named(spans, "train.epochs")
    assert joined and sum(e.attributes[names.EPOCH_COUNT] for e in joined) == 2_500


def test_ranks_have_their_own_process(make, usual):
    built = build(make(usual(40), ranks=4), diagnose(make(usual(40), ranks=4)), "the-run")
    check_tree(built.spans)
    ranks = named(built.spans, "train.rank")
    assert [r.attributes[names.RANK] for r in ranks] == [1, 2, 3]
    assert {built.processes[r.process][names.PROCESS_PID] for r in ranks} == {1001, 1002, 1003}


def test_very_many_ranks_with_very_many_epochs(make, usual):
    spans = spans_of(make(usual(120), epoch_size=1, ranks=70))
    check_tree(spans)
    assert len(named(spans, "train.rank")) == 64 and "5 ranks" in spans[0].attributes[names.LEFT_OUT]


def test_a_finding_is_an_event_and_shows_its_steps(make, usual):
    steps = usual(3_000)
    steps[1_777]["checkpoint"] = 3_000  # shorter than any other slow step, but the one the finding is about
    for index in range(40):
        steps[500 + index * 10]["gap"] = 9_000
    recording = make(steps, epoch_size=3_000)
    finding = Finding(
        "sync-checkpoint", "Checkpoints block", "training", (), Fix("Save in a thread", "...", 2),
        Location("train.py", 12, "save"), Gain(0.2, 0.1, 0.3, 1.5, "m"), removes={"checkpoint": 1.0},
    )  # fmt: skip
    diagnosis = diagnose(recording)
    object.__setattr__(diagnosis, "findings", (Ranked(finding, "warning", 0.8, 0.4),))
    spans = spans_of(recording, diagnosis)
    (event,) = spans[0].events
    assert event.name == "bottleneck.finding"
    assert event.attributes[names.DETECTOR] == "sync-checkpoint"
    assert event.attributes[names.CODE_FILE] == "train.py" and event.attributes[names.CODE_LINE] == 12
    assert event.attributes[names.GAIN_SHARE] == 0.2
    (step,) = [s for s in named(spans, "train.step") if s.attributes[names.STEP_NUMBER] == 1_777]
    assert step.attributes[names.STEP_REASON] == "sync-checkpoint"


def test_requests_are_traces_that_link_to_the_run(make):
    recording = make(
        requests=[(100 + 10 * i, 105 + 10 * i, "GET /predict 200") for i in range(30)] + [(500, 600, "POST /x 503")],
        calls=[(101, 104, 8)],
    )
    spans = spans_of(recording)
    check_tree(spans)
    roots = [s for s in spans if s.server]
    assert len(roots) == 31 and all(r.parent is None and r.links[0].span_id == spans[0].span_id for r in roots)
    assert roots[0].name == "GET /predict"
    assert roots[0].attributes[names.HTTP_STATUS] == 200 and roots[0].attributes[names.HTTP_METHOD] == "GET"
    assert [r.failed for r in roots] == [False] * 30 + [True]
    (call,) = named(spans, "model.call")
    assert call.parent == roots[0].span_id and call.attributes[names.BATCH_SIZE] == 8
    assert spans[0].attributes[names.REQUEST_COUNT] == 31


def test_a_blocked_loop_is_a_span_with_its_line(make):
    recording = make(requests=[(100 + 10 * i, 105 + 10 * i, "GET /p 200") for i in range(30)])
    lag = recording.requests[:1].copy()
    lag["kind"], lag["t1"], lag["arg"], lag["flags"] = signals.LAG, lag["t0"] + 80_000_000, 9, 0
    recording.requests = np.concatenate([recording.requests, lag])
    recording.facts.stacks[0, 9] = (Frame("score", "app.py", 12, True),)
    spans = spans_of(recording)
    check_tree(spans)
    (blocked,) = named(spans, "serve.blocked")
    assert blocked.end_ns - blocked.start_ns == 80_000_000 and blocked.parent == spans[0].span_id
    assert blocked.attributes[names.CODE_LINE] == 12 and blocked.attributes[names.WAITING] > 1


def test_a_trace_that_cannot_be_made_is_a_warning(make, tmp_path):
    recording = make()
    diagnosis = diagnose(recording)
    recording.run["started_wall_ns"] = "yesterday"
    (warning,) = write_all(recording, diagnosis, tmp_path, {})
    assert warning.startswith("the jaeger export failed: ValueError")
    assert {path.name for path in tmp_path.iterdir()} == {"diagnosis.json", "report.html"}


def test_many_requests_are_chosen_and_the_rest_is_said(make):
    recording = make(requests=[(100 + i, 101 + i, "GET / 200") for i in range(5_000)])
    spans = spans_of(recording)
    check_tree(spans)
    shown = len([s for s in spans if s.server])
    assert 100 < shown < 300
    assert f"{5_000 - shown} requests" in spans[0].attributes[names.LEFT_OUT]


def test_phases_outside_the_steps(make, usual):
    recording = make(usual(30), events=[(signals.CHECKPOINT, 1_000, 1_200, 7), (signals.STAGE, 10, 90, 3)])
    recording.facts.strings[0, 3] = "prepare"
    spans = spans_of(recording)
    check_tree(spans)
    (saved,) = named(spans, "checkpoint")
    assert saved.parent == spans[0].span_id and saved.attributes[names.CODE_LINE] == 12
    (stage,) = named(spans, "stage")
    assert stage.attributes[names.STAGE_NAME] == "prepare"


def test_a_failed_program_is_an_error_and_a_slow_one_is_not(make, usual):
    assert not spans_of(make(usual(25)))[0].failed
    assert spans_of(make(usual(25), exit_code=3))[0].failed


def test_inference_is_not_called_training(make, usual):
    spans = spans_of(make(usual(25), trained=False))
    assert named(spans, "inference.step") and not named(spans, "train.step")


def test_no_accelerator_no_word_of_it(make, usual):
    assert not [key for s in spans_of(make(usual(25))) for key in s.attributes if key.startswith("hw.")]


def test_ids_depend_on_the_run_alone(make, usual):
    first, again = spans_of(make(usual(60))), spans_of(make(usual(60)))
    assert first == again
    other = make(usual(60))
    other.run["started_wall_ns"] += 1
    assert not {s.span_id for s in first} & {s.span_id for s in spans_of(other)}


def test_nothing_recorded_still_gives_a_run(make):
    recording = make()
    recording.facts.processes.clear()
    spans = spans_of(recording)
    assert [s.name for s in spans] == ["run"]


phase = st.integers(0, 5_000)
step = st.fixed_dictionaries(
    {"data_wait": phase, "forward": phase, "backward": phase, "checkpoint": phase, "gap": st.integers(1, 5_000)}
)
span = st.tuples(st.integers(0, 3_000), st.integers(0, 3_000)).map(sorted)
event = st.tuples(
    st.sampled_from([signals.IMPORT, signals.CHECKPOINT, signals.EVAL, signals.TRANSFORM, signals.STAGE, signals.LOOP]),
    span,
    st.integers(0, 9),
).map(lambda e: (e[0], *e[1], e[2]))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(step, max_size=60),
    repeat=st.sampled_from([1, 1, 50]),
    epoch_size=st.integers(1, 40),
    ranks=st.integers(1, 3),
    events=st.lists(event, max_size=20),
    requests=st.lists(st.tuples(span, st.sampled_from(["GET / 200", "", "odd", "POST /a b 5"])), max_size=20),
    late=st.integers(0, 2_000),
)
def test_any_recording_gives_a_sound_tree(make, steps, repeat, epoch_size, ranks, events, requests, late):
    recording = make(
        steps * repeat, epoch_size, [(*times, text) for times, text in requests], events=events, ranks=ranks
    )
    recording.ended_ns -= late * 1_000_000  # a run cut short: records may lie after its end
    diagnosis = diagnose(make())  # the tree must not depend on what was diagnosed
    check_tree(spans_of(recording, diagnosis))
