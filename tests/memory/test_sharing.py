"""cow-growth: what the child finds on a dataset, what the supervisor reads of a worker, and what both say together."""

from __future__ import annotations

import ast
import os
import signal
import sys

import numpy as np
import pytest
from bottleneck_profiler.collectors.host import shared_pages
from bottleneck_profiler.collectors.support.objects import largest
from bottleneck_profiler.detectors.memory.cow_growth import CowGrowth
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotApplicable, NotMeasured
from bottleneck_profiler.diagnosis.ranking import rank
from bottleneck_profiler.enrich.source.objects_lines import find_objects_line
from bottleneck_profiler.recording.model import Process
from typed import add

from memory import recordings

judge, recording, MiB = recordings.judge, recordings.recording, recordings.MiB


def workers(private, shared, held=300 * MiB, free=8192 * MiB, pids=lambda share: 78, count=2, name="rows"):
    """A loop whose loader has ``count`` workers; one of them is looked at in every sample."""
    made = recording(
        host={
            "worker_pid": pids,
            "worker_private_bytes": lambda share: private(share) * MiB,
            "worker_shared_bytes": lambda share: shared(share) * MiB,
            "memory_available_bytes": lambda share: free,
        }
    )
    made.facts.processes += [Process(1, 78, 77, "worker", loader=1, worker=0), Process(2, 79, 77, "worker", loader=1)]
    add(made.facts, "loader", id=1, num_workers=count, batch_size=8, length=400)
    fields = {"loader": 1, "name": name, "container": "list", "length": 10**6, "bytes": held, "owner": "D", "file": ""}
    add(made.facts, "objects", **fields)
    line = {"loader": 1, "file": "/user/train.py", "line": 12, "function": "D.__init__"}
    add(made.facts, "objects_line", **line)
    return made


def test_copies_of_shared_pages_are_named_at_the_line_that_fills_the_attribute():
    outcome = judge(CowGrowth(), workers(lambda s: 20 + 150 * s, lambda s: 400 - 150 * s))
    assert isinstance(outcome, Finding) and outcome.gain is None
    assert (outcome.location.file, outcome.location.line) == ("/user/train.py", 12)
    values = {e.label: e.value for e in outcome.evidence}
    # 300 MiB in each of two workers, as far as they are still shared.
    assert values["bytes copied by all workers by the end of the epoch"] == pytest.approx(600 * MiB, rel=0.01)
    assert "self.rows" in outcome.fix.snippet


def test_with_memory_to_spare_it_is_noticed_aside_and_a_warning_where_it_takes_the_rest():
    def ranked(free):
        outcome = judge(CowGrowth(), workers(lambda s: 20 + 150 * s, lambda s: 400 - 150 * s, free=free))
        return rank([outcome], {}, 10.0)

    worth, aside, _ = ranked(20 << 30)
    assert not worth and [r.severity for r in aside] == ["info"]
    worth, _, plan = ranked(2 << 30)  # of 32 GiB
    assert [r.severity for r in worth] == ["warning"] and not plan
    assert [r.severity for r in ranked(100 * MiB)[0]] == ["critical"]


@pytest.mark.parametrize(
    ("private", "shared", "more"),
    [
        pytest.param(lambda s: 20, lambda s: 400, {}, id="an index in arrays"),
        pytest.param(lambda s: 20 + 300 * s, lambda s: 400, {}, id="a cache of the worker's own"),
        pytest.param(lambda s: 20, lambda s: 400 - 300 * s, {}, id="the parent gives memory back"),
        pytest.param(lambda s: 20 + 150 * s, lambda s: 400 - 150 * s, {"held": 3 * MiB}, id="of a small index"),
        pytest.param(lambda s: 20 + 150 * s, lambda s: 400 - 150 * s, {"held": 0, "name": ""}, id="of no list at all"),
        pytest.param(lambda s: 20 + 10 * s, lambda s: 400 - 10 * s, {}, id="too little"),
        pytest.param(
            lambda s: 20 + 150 * s,
            lambda s: 400 - 150 * s,
            {"pids": lambda s: 78 + round(s * 10) % 2, "held": 0},
            id="two workers in turn",
        ),
    ],
)
def test_other_shapes_are_fine(private, shared, more):
    assert isinstance(judge(CowGrowth(), workers(private, shared, **more)), Fine)


def test_one_look_is_enough_where_the_worker_said_how_it_began():
    made = workers(lambda s: 170, lambda s: 250, pids=lambda s: 78 if s > 0.98 else np.nan)
    assert isinstance(judge(CowGrowth(), made), NotMeasured)
    add(made.facts, "pages", process=1, private_bytes=20 * MiB, shared_bytes=400 * MiB)
    values = {e.label: e.value for e in judge(CowGrowth(), made).evidence}
    assert values["bytes copied per worker so far"] == 150 * MiB


def test_without_looks_or_workers_nothing_is_said():
    assert isinstance(judge(CowGrowth(), workers(lambda s: 20, lambda s: 400, count=0)), NotApplicable)
    assert isinstance(judge(CowGrowth(), workers(lambda s: 20, lambda s: 400, pids=lambda s: np.nan)), NotMeasured)
    # Looks at the workers of another loader are none.
    assert isinstance(judge(CowGrowth(), workers(lambda s: 20, lambda s: 400, pids=lambda s: 5)), NotMeasured)


class Row:
    def __init__(self, number):
        self.name, self.number = f"row {number}", number


class Index:
    def __init__(self):
        self.by_id = {number: {"file": f"{number}.png", "boxes": [1.5, 2.5]} for number in range(30_000)}


class Hostile:
    """Answers every question with an error."""

    def __init__(self):
        self.few = [1, 2, 3]

    def __getattribute__(self, name):
        raise RuntimeError(name)

    __len__ = __iter__ = __getattribute__


def holder(**attributes):
    made = type("Held", (), {})()
    vars(made).update(attributes)
    return made


def test_the_largest_container_is_found_and_measured():
    rows = [Row(number) for number in range(20_000)]
    name, kind, length, size, owner = largest(holder(few=[0] * 100, rows=rows, array=np.zeros(10**6)))
    assert (name, kind, length, owner.__name__) == ("rows", "list", 20_000, "Held")
    real = sum(sys.getsizeof(r) + sys.getsizeof(vars(r)) + sys.getsizeof(r.name) for r in rows)
    assert 0.5 < size / real < 2
    assert largest(holder(index=Index()))[:3] == ("index.by_id", "dict", 30_000)
    assert largest(holder(array=np.zeros(10**6), few=[1] * 50)) is None
    assert largest(Hostile()) is None and largest(holder(one=Hostile(), same=Hostile)) is None


def test_only_so_many_attributes_are_looked_at():
    many = holder(**{f"a{number}": number for number in range(1000)}, rows=list(range(20_000)))
    assert largest(many) is None


CLASS = """
class Rows:
    def __init__(self, file):
        self.rows = []
        for line in open(file):
            self.rows.append(line.split())
        self.table = {}
        self.table = {row[0]: row for row in self.rows}

class Other:
    def __init__(self):
        self.rows = [1, 2]
"""


def test_the_line_is_where_the_class_fills_it():
    tree = ast.parse(CLASS)
    assert find_objects_line(tree, "Rows", "rows")[0] == 6
    assert find_objects_line(tree, "Rows", "table") == (8, "Rows.__init__")
    assert find_objects_line(tree, "Other", "rows")[0] == 12
    assert find_objects_line(tree, "Rows", "gone") is None


@pytest.mark.skipif(not os.path.exists("/proc/self/smaps_rollup"), reason="reads smaps_rollup")
def test_a_forked_childs_pages_become_its_own_when_it_writes(monkeypatch):
    monkeypatch.setattr(shared_pages, "_EVERY_SECONDS", 0.0)
    monkeypatch.setattr(shared_pages, "_COST_SHARE", 1e9)
    ballast = bytearray(32 * MiB)
    told, tell = os.pipe()
    said, say = os.pipe()
    child = os.fork()
    if not child:
        os.read(told, 1)
        for place in range(0, len(ballast), 4096):
            ballast[place] = 1
        os.write(say, b".")
        signal.pause()
    pages = shared_pages.SharedPages()
    notes = [(1, "hello", {"ppid": os.getpid()}), (1, "worker", {"loader": 1, "worker": 0})]
    try:
        assert np.isnan(pages.sample([], {})["worker_pid"])
        before = pages.sample(notes, {child: 1})
        os.write(tell, b".")
        os.read(said, 1)
        after = pages.sample(notes, {child: 1})
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert before["worker_pid"] == after["worker_pid"] == child
    assert after["worker_private_bytes"] - before["worker_private_bytes"] >= 30 * MiB
    assert before["worker_shared_bytes"] - after["worker_shared_bytes"] >= 30 * MiB
    assert np.isnan(pages.sample(notes, {child: 1})["worker_pid"])  # it is gone
