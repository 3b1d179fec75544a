"""The growing line of a container, found in source."""

from __future__ import annotations

import ast

import pytest
from bottleneck_profiler.enrich.source.growth_lines import enrich, find_growth
from bottleneck_profiler.recording.facts import GrowthLine
from bottleneck_profiler.recording.model import Site
from training import programs
from typed import add

SOURCE = """
kept = []
class Meter:
    def __init__(self):
        self.values = []
        self.values.append(0)
    def update(self, value):
        self.values += [value]
def record(log, value):
    log.append(value)
def other():
    losses = []
    losses.append(1)
def train(loader):
    losses, table, seen, logs = [], {}, set(), []
    losses.append("before the loop")
    best = {}
    for batch in loader:
        losses.append(batch)
        table[len(table)] = batch
        record(logs, batch)
        kept.append(batch)
        best["x"].append(batch)
        seen = seen | {1}
        print(losses)
"""


@pytest.mark.parametrize(
    ("name", "function", "line"),
    [
        ("losses", "train", 19),
        ("table", "train", 20),
        ("logs", "train", 10),
        ("kept", "", 22),
        ("best", "train", 23),
        ("meter.values", "", 8),
        ("seen", "train", None),
        ("unknown", "train", None),
    ],
)
def test_the_line_in_the_loop_is_found(name, function, line):
    found = find_growth(ast.parse(SOURCE), name, function)
    assert (found[0] if found else None) == line


def test_notes_get_their_line_once_and_a_missing_file_gives_none(tmp_path):
    file = tmp_path / "train.py"
    file.write_text(SOURCE)
    program = programs.Program()
    program.epoch(1)
    recording = program.recording()
    facts = recording.facts
    facts.sites[0, 1] = Site(str(file), 14, "train")
    for source in (str(file), str(file), "/gone.py"):
        fields = {"name": "losses", "file": source, "site": 1 if source != "/gone.py" else 9, "scope": "local"}
        add(facts, "container", **fields)
    enrich(tmp_path, recording)
    enrich(tmp_path, recording)
    lines = facts.of(GrowthLine)
    assert [(line.line, line.function) for _, line in lines] == [(19, "train")]
