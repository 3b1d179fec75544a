"""What is looked up after a run: found by listing, kept at once, and a failing enrichment costs only its own facts."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from bottleneck_profiler import enrich, session
from bottleneck_profiler.files import write_json
from bottleneck_profiler.listing import modules
from bottleneck_profiler.recording.facts import OutputLines
from bottleneck_profiler.recording.model import Recording
from bottleneck_profiler.recording.read import load


def enrichment(name: str, fails: bool = False) -> ModuleType:
    def look(run_dir: Path, recording: Recording) -> None:
        recording.facts.add(0, OutputLines(name, [1], []))
        if fails:
            raise ValueError("planted")

    module = ModuleType(f"made.{name}")
    vars(module)["enrich"] = look
    return module


def test_a_failing_enrichment_costs_only_its_own_facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made = [enrichment("first"), enrichment("broken", fails=True), enrichment("last")]
    monkeypatch.setattr(enrich, "modules", lambda package, nested: made)
    (tmp_path / "tables").mkdir()
    write_json(tmp_path / "run.json", {"format": "bottleneck.run", "version": 1, "started_ns": 0, "notes": ["old"]})
    session.complete(tmp_path)
    recording = load(tmp_path)
    assert [fact.file for _, fact in recording.facts.of(OutputLines)] == ["first", "last"]
    assert recording.run["notes"] == ["old", "The broken enrichment failed (ValueError: planted)."]


def test_every_module_is_an_enrichment_and_the_trace_is_read_before_its_lines_are_looked_up():
    found = modules(enrich.__name__, nested=True)
    assert all(callable(module.enrich) for module in found)
    names = [module.__name__.rpartition(".")[2] for module in found]
    assert {"probe", "growth_lines"} < set(names) and names.index("device_trace") < names.index("device_lines")
