"""Checkpoints: what counts as one, what rarer ones save, and what the fix says of the price."""

from __future__ import annotations

import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.run.machine import Settings
from bottleneck_profiler.artifacts.training.checkpoints import Checkpoints
from bottleneck_profiler.detectors import run_all
from bottleneck_profiler.detectors.training.sync_checkpoint import SyncCheckpoint
from bottleneck_profiler.diagnosis import ranking
from bottleneck_profiler.diagnosis.findings import Fine, NotApplicable
from bottleneck_profiler.recording.model import Frame

from training import programs


def training(every, files=1, ms=20.0, start_up=0):
    """Saves of so many files after every so many of 100 steps."""
    program = programs.Program()
    program.now += start_up * programs.MS
    program.loader(1)

    def save(step):
        for _ in range(files if step % every == 0 else 0):
            program.phase(signals.CHECKPOINT, ms, arg=1)

    program.epoch(100, after=save)
    return program.recording()


def judge(made):
    artifacts = Artifacts(made)
    artifacts.put(Settings())
    return run_all([SyncCheckpoint()], artifacts)["sync-checkpoint"]


def test_a_call_that_writes_several_files_is_one_save():
    checkpoints = Artifacts(training(10, files=3)).get(Checkpoints)
    assert checkpoints.seconds == pytest.approx((0.06,) * 10)


def test_two_calls_in_one_step_are_two():
    program = programs.Program()
    program.loader(1)
    program.epoch(30, after=lambda step: [program.phase(signals.CHECKPOINT, 5, arg=site) for site in (1, 2)])
    assert len(Artifacts(program.recording()).get(Checkpoints).seconds) == 60


@pytest.mark.parametrize(("every", "more"), [(4, 6.0), (4, 0.0), (20, 6.0)])
def test_steps_that_run_with_cold_caches_after_a_save_are_part_of_its_price(every, more):
    program = programs.Program()
    program.loader(1)
    saved = []

    def save(step):
        if step % every == 0:
            program.phase(signals.CHECKPOINT, 20, arg=1)
            saved.append(step + 1)

    quick = program.train_step
    program.train_step = lambda: (quick(), program.phase(signals.FORWARD, more if turn() in saved else 0))
    turn = iter(range(1, 101)).__next__
    program.epoch(100, after=save)
    made = program.recording()
    # Five saves are too few to compare medians.
    expected = more / 1e3 if every == 4 else 0.0
    assert Artifacts(made).get(Checkpoints).after_seconds == pytest.approx(expected, abs=1e-6)
    assert judge(made).gain.seconds > 0


def test_a_long_start_does_not_hide_what_checkpoints_cost_the_steps():
    found = judge(training(10, ms=30, start_up=4_000))
    assert found.gain.share < 0.05 < found.gain.step_share
    assert [item.finding.detector for item in ranking.rank([found], {}, 6.0)[0]] == ["sync-checkpoint"]


def test_the_factor_is_bounded_and_the_price_is_named():
    quick, slow = (judge(training(1, ms=ms)).fix for ms in (200, 40_000))
    # Rare enough to cost a percent, unless a crash would lose more than some minutes of work.
    assert quick.summary.startswith("Save 100 times less often (a crash then loses up to 100 steps, not 1)")
    assert slow.summary.startswith("Save 20 times less often (a crash then loses up to 20 steps, not 1)")
    fix = quick
    assert "background thread" in fix.summary and fix.risk > 0
    assert "save_every" not in fix.snippet
    compile(fix.snippet, "snippet", "exec")


def test_one_save_of_each_epoch_is_left():
    program = programs.Program()
    program.loader(1)
    for _ in range(2):
        program.epoch(50, after=lambda step: program.phase(signals.CHECKPOINT, 200, arg=1))
    fix = judge(program.recording()).fix
    assert fix.summary.startswith("Save 50 times less often (a crash then loses up to 50 steps, not 1)")


def test_saves_do_not_silence_python_that_lies_elsewhere():
    assert "residual-python" not in SyncCheckpoint.explains


def saving(*sites, ms=200.0, frames=()):
    """A program of which each of 30 steps may be followed by saves, and saves after the loop: one a site."""
    program = programs.Program()
    program.loader(1)
    program.phase(signals.CHECKPOINT, ms, arg=9)  # before the first step
    program.epoch(30)
    for site in sites:
        program.phase(signals.CHECKPOINT, ms, *frames, arg=site)
    return program


def test_saves_before_and_after_the_loop_are_no_cadence():
    assert Artifacts(saving(1, 2, 3).recording()).get(Checkpoints).seconds == ()
    assert isinstance(judge(saving(1, 2, 3).recording()), NotApplicable)
    assert isinstance(judge(saving(1, 1, 1, 1).recording()), NotApplicable)


def test_the_save_that_ends_a_cadence_is_part_of_it_and_others_after_the_loop_are_not():
    program = programs.Program()
    program.loader(1)
    for _ in range(3):
        program.epoch(20)
        program.phase(signals.CHECKPOINT, 100, arg=1)
    kept = program.now
    program.phase(signals.CHECKPOINT, 500, arg=2)
    checkpoints = Artifacts(program.recording()).get(Checkpoints)
    assert checkpoints.seconds == pytest.approx((0.1,) * 3) and checkpoints.site.line == 10
    program.rows = [row for row in program.rows if row[5] <= kept]
    for _ in range(3):  # the same line, but nothing like what the loop saves
        program.phase(signals.CHECKPOINT, 100, arg=1)
    assert Artifacts(program.recording()).get(Checkpoints).seconds == pytest.approx((0.1,) * 2)


def test_saves_between_the_epochs_are_priced_on_the_run_alone():
    program = programs.Program()
    program.loader(1)
    for _ in range(8):
        program.epoch(5)
        program.phase(signals.CHECKPOINT, 400, arg=1)
    found = judge(program.recording())
    assert found.gain.step_share is None and 0.3 < found.gain.share < 0.99
    assert judge(training(10, ms=30)).gain.step_share > 0


def test_modules_that_the_first_save_imports_are_no_part_of_it():
    program = programs.Program()
    program.loader(1)
    imports = (Frame("_find_and_load", "<frozen importlib._bootstrap>", 1, False), programs.at(10))
    for epoch in range(4):
        program.epoch(20)
        program.phase(signals.CHECKPOINT, *((900, *imports) if epoch == 0 else (20,)), arg=1)
    seconds = Artifacts(program.recording()).get(Checkpoints).seconds
    assert seconds == pytest.approx((0.0, 0.02, 0.02, 0.02))
    assert isinstance(judge(program.recording()), Fine) or judge(program.recording()).gain.seconds < 0.1
