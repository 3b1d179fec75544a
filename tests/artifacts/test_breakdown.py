"""How much of the wall time carries a name: nearly all where stacks were sampled, and never what nobody looked at."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.run.breakdown import Breakdown
from bottleneck_profiler.recording.facts.servers import LoadLevel
from bottleneck_profiler.recording.model import BY_OPTIMIZER, STEP_PHASES, Frame, Recording, Table

from . import made_up
from .made_up import MS
from .recorded import GOLDENS, golden

USER, LIBRARY, IMPORTED, ATEXIT, WAITING, SELECTING = range(10_000, 10_006)
MODULE_LOSS, FUNCTIONAL_LOSS, OWN_LOSS, STANDARD = range(10_006, 10_010)
MODULE = Frame("<module>", "/home/ada/train.py", 40, True)
SELECT = Frame("EpollSelector.select", "/usr/lib/python3.12/selectors.py", 468, False)
CROSS_ENTROPY = Frame("cross_entropy", "/site-packages/torch/nn/functional.py", 3000, False)
STACKS = {
    USER: (Frame("work", "/home/ada/train.py", 3, True), MODULE),
    LIBRARY: (Frame("main", "/site-packages/tool/cli.py", 1, False),),
    STANDARD: (Frame("wait", "/usr/lib/python3.12/threading.py", 1, False),),
    IMPORTED: (Frame("exec_module", "<frozen importlib._bootstrap_external>", 9, False), MODULE),
    ATEXIT: (Frame("finalize._exitfunc", "/usr/lib/python3.12/weakref.py", 666, False),),
    WAITING: (SELECT, Frame("BaseEventLoop._run_once", "/usr/lib/python3.12/asyncio/base_events.py", 1, False), MODULE),
    SELECTING: (SELECT, Frame("wait", "/usr/lib/python3.12/multiprocessing/connection.py", 947, False), MODULE),
    MODULE_LOSS: (CROSS_ENTROPY, Frame("forward", "/site-packages/torch/nn/modules/loss.py", 1300, False), MODULE),
    FUNCTIONAL_LOSS: (CROSS_ENTROPY, MODULE),
    OWN_LOSS: (
        Frame("softmax", "/site-packages/torch/nn/functional.py", 2000, False),
        Frame("focal_loss", "/home/ada/losses.py", 7, True),
        MODULE,
    ),
}


recording = partial(made_up.recording, STACKS)


def seconds(of: Recording) -> dict[str, float]:
    return {name: round(value, 2) for name, value in Artifacts(of).get(Breakdown).seconds.items()}


def named(of: Recording) -> float:
    return Artifacts(of).get(Breakdown).named_share


@pytest.mark.parametrize("name", GOLDENS)
def test_nearly_all_of_a_real_run_has_a_name_because_it_was_sampled(name: str) -> None:
    sampled = golden(name)
    if sampled.servers or sampled.facts.of(LoadLevel):
        pytest.skip("a server that was watched from outside: no process was recorded")
    breakdown = Artifacts(sampled).get(Breakdown)
    assert breakdown.named_share >= 0.98
    assert sum(breakdown.seconds.values()) == pytest.approx(sampled.wall_seconds, abs=0.02)
    # The same run with --stacks off: at least its imports have no name any more.
    assert named(replace(sampled, stacks=sampled.stacks[:0])) < breakdown.named_share - 0.1


def test_time_that_no_sample_speaks_for_has_no_name() -> None:
    assert seconds(recording()) == {"other": 10.0}
    assert named(recording()) == pytest.approx(0.0, abs=1e-6)
    # The sampler gave up after a second: of the nine that follow it speaks for the next moment only.
    quiet = recording(*((at, 10, USER) for at in range(10, 1001, 10)))
    assert seconds(quiet) == {"other": 8.75, "python:work": 1.25}
    assert named(quiet) == pytest.approx(0.125)


def test_a_short_pause_belongs_to_its_neighbour_and_a_long_one_to_nobody() -> None:
    pauses = recording((4_000, 4_000, USER), (4_400, 10, IMPORTED), (10_000, 4_000, USER))
    assert seconds(pauses) == {"python:work": 8.39, "import": 0.51, "other": 1.1}


def test_between_two_samples_of_one_function_the_thread_waited_for_a_core_in_it() -> None:
    crowded = recording((1_000, 1_000, USER), (6_000, 100, USER), (7_000, 1_000, IMPORTED), (10_000, 100, USER))
    assert seconds(crowded) == {"python:work": 6.35, "import": 1.25, "other": 2.4}


def test_a_sample_without_a_line_of_the_users_is_named_by_the_librarys_call_or_by_the_interpreters_end() -> None:
    assert seconds(recording((10_000, 10_000, LIBRARY))) == {"python:tool.main": 10.0}
    assert seconds(recording((10_000, 10_000, STANDARD))) == {"other": 10.0}
    assert seconds(recording((9_000, 9_000, USER), (10_000, 1_000, ATEXIT))) == {"python:work": 9.0, "shutdown": 1.0}


def test_an_event_loop_that_waits_is_idle_in_a_server_only() -> None:
    waits = (4_000, 4_000, SELECTING), (8_000, 4_000, WAITING), (10_000, 1_800, WAITING)
    served = recording(*waits, requests=(8_000,))
    assert seconds(served) == {"python:<module>": 4.0, "serve.idle": 5.9, "serve.handler": 0.1}
    assert seconds(recording(*waits)) == {"python:<module>": 10.0}


def steps_of(count: int, length: int) -> Table:
    """Steps of so many milliseconds, a quarter of each a forward pass, the rest between the phases."""
    table: Table = {
        "process": np.zeros(count, "i2"),
        "loader": np.full(count, BY_OPTIMIZER, "i4"),
        "loop": np.ones(count, "i4"),
        "t0": np.arange(count) * length * MS,
        "t1": np.arange(1, count + 1) * length * MS,
        "trained": np.ones(count, "?"),
        "optimized": np.ones(count, "?"),
        **{name: np.zeros(count, "i4") for name in STEP_PHASES},
    }
    table["forward"][:], table["other"][:] = length * 250, length * 750
    return table


def test_time_in_a_loss_of_torchs_is_called_so() -> None:
    table = steps_of(25, 400)
    each = [tuple(((i + 1) * 400, 300, stack) for i in range(25)) for stack in (MODULE_LOSS, FUNCTIONAL_LOSS, OWN_LOSS)]
    assert seconds(recording(*each[0], steps=table))["loss"] == pytest.approx(6.6)
    assert seconds(recording(*each[1], steps=table))["loss"] == pytest.approx(6.6)
    assert seconds(recording(*each[2], steps=table))["python:focal_loss"] == pytest.approx(6.6)


def test_a_long_pause_inside_of_a_step_has_no_name_either() -> None:
    length = 400
    table = steps_of(25, length)
    each = tuple(((i + 1) * length, 50, USER) for i in range(25))
    assert seconds(recording(steps=table))["other"] == pytest.approx(6.6)  # 22 steps after warm-up, 300 ms each
    assert "other" not in seconds(recording(*each, steps=table))  # 50 ms sampled, and 250 ms beside them
    half = seconds(recording(*each[:12], steps=table))  # the sampler ended half way
    assert half["python:work"] == pytest.approx(9 * 0.3 + 0.25)
    assert half["other"] == pytest.approx(6.6 - half["python:work"])
