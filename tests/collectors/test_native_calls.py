"""Where a real program's operators are attributed: to their own lines, although their samples are handled later."""

from __future__ import annotations

import sys
from collections import Counter

import pytest
from bottleneck_profiler import signals

from collectors.children import Run

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="POSIX timers on a CPU clock")

OPERATORS = """
import numpy as np
def work():
    values = np.random.default_rng(0).random(4_000_000)
    order = np.random.default_rng(1).integers(0, len(values), len(values))
    end = __import__("time").thread_time() + 3
    while __import__("time").thread_time() < end:
        picked = values[order]  # the operator
        some = max(3, 4)  # the call at whose end its samples are handled
pace.LONGEST_LOOK_NS, pace.COST_SHARE = pace.LOOK_NS, 1  # a look every 25 ms, whatever one costs here
work()
"""


def by_line(recorded) -> Counter[str]:
    """Running seconds of ``work`` by the text of its line."""
    found: Counter[str] = Counter()
    for row in recorded.stacks[recorded.stacks["kind"] == signals.STACK_CPU]:
        for frame in recorded.facts.stacks.get((int(row["process"]), int(row["arg"])), ()):
            if frame.function == "work":
                found[str(frame.line)] += float(row["t1"] - row["t0"]) / 1e9
                break
    return found


def test_the_time_of_an_operator_goes_to_its_line(tmp_path):
    run = Run(tmp_path, OPERATORS)
    assert run.result.returncode == 0, run.result.stderr
    lines = (tmp_path / "script.py").read_text().splitlines()
    at = {word: next(str(n) for n, line in enumerate(lines, 1) if word in line) for word in ("operator", "the call")}
    found = by_line(run.recording())
    assert found[at["operator"]] > 2 * found[at["the call"]], found
