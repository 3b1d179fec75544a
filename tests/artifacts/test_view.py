"""What the reports draw of a run: bars of everything that has a time, and a call tree that reaches the user's line."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.run.stacks import Node, Stacks
from bottleneck_profiler.artifacts.serving.requests import Requests
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.diagnosis.model import StackNode
from bottleneck_profiler.recording.model import Frame

from . import made_up
from .recorded import golden


def drawn(name: str) -> dict[str, dict[str, float]]:
    """Seconds by track and phase."""
    found: dict[str, dict[str, float]] = {}
    view = diagnose(golden(name)).view
    assert len(view.bars) <= 2000
    for bar in view.bars:
        phases = found.setdefault(bar.track, {})
        phases[bar.phase] = phases.get(bar.phase, 0.0) + bar.seconds
    return found


def test_a_serving_run_shows_its_requests_and_what_held_up_the_loop() -> None:
    tracks = drawn("synchronous-serving/fires")
    requests = Artifacts(golden("synchronous-serving/fires")).get(Requests)
    assert tracks["requests"] == {"serve.handler": pytest.approx(float(requests.seconds.sum()))}
    assert tracks["event loop"]["serve.blocked"] > 5.0
    assert 0.0 < tracks["event loop"]["serve.idle"] < 2.0
    assert {"startup", "import", "serve.idle", "shutdown"} <= set(tracks["main"])


@pytest.mark.parametrize("name", ["sync-checkpoint/fires", "workers-zero/silent"])
def test_a_training_run_shows_what_lies_around_its_steps(name: str) -> None:
    diagnosis, tracks = diagnose(golden(name)), drawn(name)
    seconds = {row.phase: row.seconds for row in diagnosis.breakdown}
    assert seconds["import"] > 1.0
    for phase in ("startup", "import", "shutdown"):
        assert tracks["main"][phase] == pytest.approx(seconds[phase], abs=0.01)
    assert "other" not in tracks["steps"]  # as in the breakdown: the loop's own Python


def test_no_curve_shows_more_cores_than_there_are() -> None:
    for name in ("synchronous-serving/fires", "input-wait/silent"):
        recording = golden(name)
        cores = recording.run["machine"]["cores"]
        curves = [series for series in diagnose(recording).view.series if series.unit == "cores"]
        assert 0 < max(np.nanmax(series.y) for series in curves) <= cores


def test_a_loop_that_is_held_up_before_a_request_enters_does_not_idle() -> None:
    requests = Artifacts(golden("synchronous-serving/fires")).get(Requests)
    phases = {name: (value, spans) for name, value, spans in requests.occupancy(requests.process)}
    assert set(phases) == {"serve.handler", "serve.blocked", "serve.idle"}
    assert sum(value for value, _ in phases.values()) == pytest.approx((requests.ended_ns - requests.began_ns) / 1e9)
    spans = sorted(span for _, found in phases.values() for span in found)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


def deepest(node: Node | StackNode) -> list[Node | StackNode]:
    return [node, *deepest(node.children[0])] if node.children else [node]


def test_a_line_below_sixty_library_calls_is_kept_before_the_many_that_are_as_light() -> None:
    module = Frame("<module>", "/home/ada/app.py", 1, True)
    library = [Frame(f"call_{i}", f"/site-packages/framework/{i}.py", i, False) for i in range(60)]
    own = Frame("handler", "/home/ada/app.py", 40, True)
    below = [Frame("query", "/site-packages/db.py", 7, False)]
    stacks = {10_000: (*below, own, *reversed(library), module)}
    for i in range(600):  # as many imports, each seen once
        stacks[10_001 + i] = (Frame("<module>", f"/site-packages/other/{i}.py", 1, False), module)
    samples = [(5_000, 5_000, 10_000), *((5_000 + i, 20, 10_001 + i) for i in range(600))]
    recording = made_up.recording(stacks, *samples)
    (root,) = Artifacts(recording).get(Stacks).tree(limit=100)
    path = deepest(root)
    assert [node.function for node in path] == ["<module>", "call_0", "call_59", "handler", "query"]
    assert [node.skipped for node in path] == [0, 0, 58, 0, 0]
    assert path[3].seconds == pytest.approx(5.0)

    def count(node: Node) -> int:
        return 1 + sum(map(count, node.children))

    assert count(root) <= 100
    assert np.isclose(root.seconds, 5.0 + 600 * 0.02)
