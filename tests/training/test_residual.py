"""Where Python between the phases is blamed, and what must never be: the loss, torch's own functions."""

from __future__ import annotations

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts, Missing
from bottleneck_profiler.artifacts.loading.loading import Loading
from bottleneck_profiler.artifacts.training.places import Place
from bottleneck_profiler.artifacts.training.residual import Residual
from bottleneck_profiler.artifacts.training.steps import Steps
from bottleneck_profiler.detectors.memory.allocator_churn import AllocatorChurn
from bottleneck_profiler.detectors.memory.memory_thrash import MemoryThrash
from bottleneck_profiler.detectors.training._shared import seconds_saved_by_rarer
from bottleneck_profiler.detectors.training.residual_python import ResidualPython
from bottleneck_profiler.diagnosis.findings import Finding, Fine
from bottleneck_profiler.recording.model import RECORD_DTYPE, Frame, Site
from memory import recordings
from typed import add

from training import programs

FILE = "/user/train.py"
CLIP = Frame("clip_grad_norm_", "/lib/torch/nn/utils/clip_grad.py", 200, False)


def at(line, function="train"):
    return Frame(function, FILE, line, True)


def loop_of(*parts, steps=200, seconds=0.02):
    """A loop whose steps spend ``(share, phase, kind, innermost frame, ..., outermost frame)`` in each part."""
    loop = steps * seconds * 1e9
    host = {
        "minor_faults_total": lambda done: 30_000.0 * steps * done,
        "system_ns_total": lambda done: 0.3 * loop * done,
        "cpu_ns_total": lambda done: loop * done,
    }
    made = recordings.recording(steps, seconds, host={**host, **{f"main_{name}": host[name] for name in host}})
    made.facts.attached.update({"stacks", "training"})
    made.steps["forward"] = np.zeros(steps, "i4")
    rows = []
    for number, (share, phase, kind, *frames) in enumerate(parts, 1):
        made.facts.stacks[0, number] = tuple(frames)
        name = "other" if phase == signals.NONE else signals.PHASES[phase]
        made.steps[name] = made.steps[name] + np.int32(share * seconds * 1e6)
        for start, end in zip(made.steps["t0"].tolist(), made.steps["t1"].tolist(), strict=True):
            rows.append((0, 1, kind, phase, end - int(share * (end - start)), end, number))
    made.stacks = np.array(sorted(rows, key=lambda row: row[5]), RECORD_DTYPE)
    add(made.facts, "forward", frames=[("train", FILE, 12)])
    add(made.facts, "loader", id=1, iter_site=1)
    made.facts.sites[0, 1] = Site(FILE, 10, "train")
    return made


FORWARD = (0.3, signals.FORWARD, signals.STACK_CPU, at(12))
BACKWARD = (0.3, signals.BACKWARD, signals.STACK_CPU, at(20))


def residual(*parts):
    return recordings.judge(ResidualPython(), loop_of(FORWARD, BACKWARD, *parts))


def test_helpers_count_for_the_function_that_calls_them():
    found = residual(
        *(
            (0.1, signals.NONE, signals.STACK_CPU, at(70 + i, f"helper{i}"), at(61 + i, "metrics"), at(25))
            for i in range(3)
        )
    )
    assert isinstance(found, Finding)
    assert found.location is not None and found.location.function == "metrics"
    assert found.fix.summary.startswith("metrics computes")
    assert found.gain.step_share == pytest.approx(0.3, abs=0.03)


def test_a_helper_that_takes_it_all_is_the_place():
    found = residual((0.3, signals.NONE, signals.STACK_CPU, at(70, "slow"), at(61, "metrics"), at(25)))
    assert (found.location.function, found.location.line) == ("slow", 70)


def test_a_line_of_the_loop_itself_that_waits():
    found = residual((0.3, signals.NONE, signals.STACK_BLOCKED, at(26)))
    assert found.location.line == 26
    assert found.fix.summary.startswith("line 26 waits") and "background thread" in found.fix.summary


def test_many_lines_of_the_loop_are_no_place():
    lines = [(0.06, signals.NONE, signals.STACK_CPU, at(21 + i)) for i in range(6)]
    assert isinstance(residual(*lines), Fine)


@pytest.mark.parametrize(
    "part",
    [
        (0.3, signals.NONE, signals.STACK_CPU, CLIP, at(22)),
        (0.3, signals.NONE, signals.STACK_CPU, at(50, "criterion"), at(14)),
    ],
    ids=["torch's own function", "what the loss is made of"],
)
def test_the_training_itself_is_not_blamed(part):
    made = loop_of(FORWARD, BACKWARD, part)
    add(made.facts, "flow_lines", file=FILE, lines=[11, 12, 14, 20])
    assert isinstance(recordings.judge(ResidualPython(), made), Fine)


def test_what_is_done_to_the_input_before_the_forward_is():
    made = loop_of(FORWARD, BACKWARD, (0.3, signals.NONE, signals.STACK_CPU, at(80, "augment"), at(11)))
    add(made.facts, "flow_lines", file=FILE, lines=[11, 12, 14, 20])
    assert recordings.judge(ResidualPython(), made).location.function == "augment"


def test_where_gradients_are_zeroed_is_training_though_it_stands_first():
    made = loop_of((0.3, signals.NONE, signals.STACK_CPU, at(11)), FORWARD, BACKWARD)
    assert isinstance(recordings.judge(ResidualPython(), made), Finding)
    add(made.facts, "flow_lines", file=FILE, lines=[12, 20], zeroing=[11])
    assert isinstance(recordings.judge(ResidualPython(), made), Fine)


def test_memory_that_the_model_takes_is_a_hint_and_the_users_own_a_finding():
    own = (0.4, signals.FORWARD, signals.STACK_CPU, at(40, "Features.forward"), at(12))
    layer = Frame("Linear.forward", "/lib/torch/nn/modules/linear.py", 120, False)
    model = (0.4, signals.FORWARD, signals.STACK_CPU, layer, at(12))
    found = recordings.judge(MemoryThrash(), loop_of(own, BACKWARD))
    assert isinstance(found, Finding) and not found.hint and found.location.line == 40
    closer = recordings.judge(AllocatorChurn(), loop_of(own, BACKWARD))
    assert isinstance(closer, Finding) and closer.location == found.location
    assert closer.gain.share == pytest.approx(found.gain.share)
    assert isinstance(recordings.judge(AllocatorChurn(), loop_of(model, BACKWARD)), Fine)
    found = recordings.judge(MemoryThrash(), loop_of(model, BACKWARD))
    assert isinstance(found, Finding) and found.hint and found.location is None


@pytest.mark.parametrize("file", ["/lib/pandas/io/parsers/readers.py", "/lib/torch/utils/data/_utils/collate.py"])
def test_memory_that_a_reader_takes_is_not_the_line_that_calls_it(file):
    reads = (0.4, signals.DATA_WAIT, signals.STACK_CPU, Frame("read", file, 70, False), at(40, "Rows.__getitem__"))
    found = recordings.judge(MemoryThrash(), loop_of(reads, BACKWARD))
    assert isinstance(found, Finding) and found.hint and found.location is None
    array = Frame("where", "/lib/numpy/_core/multiarray.py", 70, False)
    found = recordings.judge(MemoryThrash(), loop_of((*reads[:3], array, reads[4]), BACKWARD))
    assert isinstance(found, Finding) and found.location.line == 40


def test_a_function_that_the_training_stands_in_is_not_blamed_as_a_whole():
    forward = (0.3, signals.FORWARD, signals.STACK_CPU, at(12, "learn"), at(30))
    lines = [(0.06, signals.NONE, signals.STACK_CPU, at(11 + i, "learn"), at(30)) for i in range(6)]
    assert isinstance(recordings.judge(ResidualPython(), loop_of(forward, *lines)), Fine)
    heavy = (0.3, signals.NONE, signals.STACK_CPU, at(18, "learn"), at(30))
    found = recordings.judge(ResidualPython(), loop_of(forward, heavy))
    assert (found.location.line, found.fix.summary.partition(" ")[0]) == (18, "line")


def test_a_line_that_trains_is_not_blamed_but_what_it_calls_besides_is():
    assert isinstance(residual((0.3, signals.NONE, signals.STACK_CPU, at(20))), Fine)
    found = residual((0.3, signals.NONE, signals.STACK_CPU, at(61, "metrics"), at(20)))
    assert found.location.function == "metrics"


@pytest.mark.parametrize("kind", [signals.STACK_CPU, signals.STACK_BLOCKED])
def test_the_fix_is_python_and_names_nothing_that_the_program_does_not_have(kind):
    training = [(0.05, *part[1:]) for part in (FORWARD, BACKWARD)]
    made = loop_of(*training, (0.9, signals.NONE, kind, at(70, "slow"), at(25)))
    fix = recordings.judge(ResidualPython(), made).fix
    compile(fix.snippet, "snippet", "exec")
    assert "every 50 steps" in fix.summary and "50th" not in fix.summary + fix.snippet
    assert "if step" not in fix.snippet


def test_done_more_rarely_all_that_the_loop_calls_for_it_is_left_out():
    inner = (0.42, signals.NONE, signals.STACK_CPU, at(72, "histogram"), at(62, "metrics"), at(25))
    own = (0.08, signals.NONE, signals.STACK_CPU, at(64, "metrics"), at(25))
    both = recordings.judge(ResidualPython(), loop_of(FORWARD, inner, own))
    alone = recordings.judge(ResidualPython(), loop_of(FORWARD, inner, (0.08, *FORWARD[1:])))
    assert (both.location.function, both.location.line) == ("histogram", 72)
    assert both.fix.snippet.startswith("# line 25:")
    assert both.gain.seconds == pytest.approx(alone.gain.seconds * 50 / 42, rel=0.02)
    assert both.gain.low == pytest.approx(alone.gain.low, rel=0.05)


def with_workers(workers, load=0.120):
    """Loading of 120 ms a batch beside 10 ms of training and 80 ms of logging."""
    work = np.full(197, 0.090)
    return Loading(
        wait_seconds=np.zeros(197), work_seconds=work, load_seconds=load, load_cpu_seconds=0.0, work_cpu_seconds=0.01,
        cores=8.0, all_cores=8.0, idle_cores=6.0, obtainable_cores=6.0, workers=workers, epochs=1, start_seconds=0.0,
        collate_share=0.0, reading_share=0.0, blocked_share=1.0, hot=(),
    )  # fmt: skip


def test_less_work_saves_only_what_loading_does_not_take():
    steps = Steps.compute(loop_of((1.0, signals.FORWARD, signals.STACK_CPU, at(12)), seconds=0.090))
    place = Place(at(25), None, 1.0, 0.0, at(25), 1.0)
    logging = Residual(0.9, 0.080 * steps.count, place, 5.0)
    found = ResidualPython().detect(steps, logging, with_workers(2), None)
    # Without logging a step takes max(10, 120/2) of 90 ms: a third is saved, not nine tenths.
    assert found.gain.step_share == pytest.approx(0.33, abs=0.02)
    assert found.gain.high < 0.5
    assert found.after == "data loading becomes the bottleneck (60.0 ms per step)"
    found = ResidualPython().detect(steps, logging, with_workers(8, load=0.012), None)
    assert found.gain.step_share == pytest.approx(0.87, abs=0.02)
    assert found.after == "the remaining work of the step becomes the bottleneck"


def test_a_rare_interruption_hides_no_more_loading_than_the_queue_holds():
    steps = Steps.compute(loop_of((1.0, signals.FORWARD, signals.STACK_CPU, at(12)), seconds=0.090))
    often = seconds_saved_by_rarer(steps, with_workers(2), 0.080 * steps.count, steps.count, 0.0)
    rarely = seconds_saved_by_rarer(steps, with_workers(2), 0.080 * steps.count, 4, 0.0)
    assert often == pytest.approx(0.030 * steps.count, rel=0.05)
    assert rarely == pytest.approx(0.080 * steps.count - 4 * 4 * 0.050, rel=0.05)


@pytest.mark.parametrize("beside", [True, False], ids=["on another thread", "on the main thread"])
def test_the_main_thread_tells_nothing_about_steps_that_run_elsewhere(beside):
    """A server's model runs on a thread of a pool, and the main thread waits in the event loop."""
    program = programs.Program()
    for _ in range(60):
        program.phase(signals.EVAL, 40, *([] if beside else [programs.at(50, "Net.forward"), programs.at(12)]))
        program.phase(signals.NONE, 10, programs.at(72, "serve"), programs.at(12))
    if beside:
        program.samples = [
            (process, thread, kind, signals.NONE, t0 - 40 * programs.MS, t1, stack)
            for process, thread, kind, _, t0, t1, stack in program.samples
        ]
    artifacts = Artifacts(program.recording())
    if beside:
        with pytest.raises(Missing, match="another thread"):
            artifacts.get(Residual)
    else:
        assert artifacts.get(Residual).seconds > 0
