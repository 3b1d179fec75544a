"""The artifact made of sampled stacks, and pyinstrument's view of it."""

from __future__ import annotations

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts, Missing
from bottleneck_profiler.artifacts.run.stacks import Stacks
from bottleneck_profiler.recording.model import RECORD_DTYPE, Facts, Frame, Process, Recording, empty_steps

MS = 1_000_000
MAIN = Frame("<module>", "/w/train.py", 40, True)
LIBRARY = Frame("read", "/lib/python3/io.py", 9, False)
STACKS = {
    (0, 1): (LIBRARY, Frame("load", "/w/train.py", 12, True), MAIN),
    (0, 2): (Frame("load", "/w/train.py", 13, True), MAIN),
    (0, 3): (Frame("score", "/w/train.py", 30, True), MAIN),
    (0, 4): (Frame("_find_and_load", "<frozen importlib._bootstrap>", 1, False), MAIN),
    (1, 1): (Frame("worker", "/w/other.py", 1, True),),
}
#        process, kind, phase, t1 (ms), weight (ms), stack
ROWS = [
    (0, signals.STACK_CPU, 0, 10, 10, 4),
    (0, signals.STACK_CPU, 0, 20, 10, 1),
    (0, signals.STACK_BLOCKED, 0, 60, 40, 1),
    (0, signals.STACK_CPU, 0, 65, 5, 2),
    (0, signals.STACK_CPU, signals.FORWARD, 165, 100, 3),
    (0, signals.STACK_CPU, 0, 170, 5, 0),
    (1, signals.STACK_CPU, 0, 170, 1000, 1),
]


def recording(rows=ROWS) -> Recording:
    table = np.zeros(len(rows), RECORD_DTYPE)
    for at, (process, kind, phase, t1, weight, stack) in enumerate(rows):
        table[at] = (process, 1, kind, phase, (t1 - weight) * MS, t1 * MS, stack)
    facts = Facts(processes=[Process(0, 100), Process(1, 101)], stacks=dict(STACKS), attached={"stacks"})
    empty = np.zeros(0, RECORD_DTYPE)
    return Recording({"name": "train"}, facts, empty_steps(), empty, empty, table, empty, {}, {}, 0, 170 * MS)


@pytest.fixture
def stacks() -> Stacks:
    return Stacks.of(recording(), 0)


def test_hot_names_the_innermost_user_function_and_its_hottest_line(stacks):
    first, second, third = stacks.hot()
    assert (first.function, first.line, first.cpu_seconds, first.blocked_seconds) == ("score", 30, 0.1, 0)
    assert (second.function, second.line) == ("load", 12)
    assert second.cpu_seconds == pytest.approx(0.015) and second.blocked_seconds == pytest.approx(0.04)
    assert (third.function, third.seconds) == ("<module>", pytest.approx(0.01))


def test_hot_keeps_to_a_phase_and_to_intervals(stacks):
    assert [h.function for h in stacks.hot("forward")] == ["score"]
    assert [h.function for h in stacks.hot("other")] == ["load", "<module>"]
    assert [h.seconds for h in stacks.hot(within=[(60 * MS, 65 * MS)])] == [pytest.approx(0.005)]
    assert stacks.hot(within=[]) == []
    assert stacks.hot("no such phase") == []
    assert stacks.lines("forward") == {("/w/train.py", 30): pytest.approx(0.1)}


def test_import_share_unknown_and_total(stacks):
    assert stacks.import_share(0, 20 * MS) == pytest.approx(0.5)
    assert stacks.import_share(200 * MS, 300 * MS) == 0
    assert stacks.unknown_seconds() == pytest.approx(0.005)
    assert stacks.seconds() == pytest.approx(0.17)


def test_the_tree_adds_up_and_is_bounded(stacks):
    (root,) = stacks.tree()
    assert root.function == "<module>" and root.seconds == pytest.approx(0.165)
    assert [child.function for child in root.children] == ["score", "load"]
    assert [child.function for child in root.children[1].children] == ["read"]
    (root,) = stacks.tree(limit=2)
    assert len(root.children) == 1 and not root.children[0].children


def test_without_samples_the_artifact_is_missing_and_says_why():
    bare = recording(rows=[])
    bare.facts.failed["stacks"] = "attach: no timer"
    with pytest.raises(Missing, match="no timer"):
        Stacks.of(bare, 0)


def test_the_runner_finds_the_process_with_the_steps_or_samples():
    assert Artifacts(recording()).get(Stacks).process == 0


def test_pyinstrument_renders_the_session(stacks):
    pytest.importorskip("pyinstrument")
    from bottleneck_profiler.exporters.support.stack_session import stack_session
    from pyinstrument.renderers import ConsoleRenderer, HTMLRenderer

    session = stack_session(recording(), stacks)
    assert session.cpu_time == pytest.approx(0.13)
    text = ConsoleRenderer(show_all=True).render(session)
    assert "0.1 score  /w/train.py:30" in text
    assert text.count("load  /w/train.py") == 1, "one function, two of its lines"
    assert "score" in HTMLRenderer().render(session)
