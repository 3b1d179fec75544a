"""A recording that was made elsewhere goes the way of ours: no run folder, no hello, no facts."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from bottleneck_profiler import importers, session
from bottleneck_profiler.importers import importer_of, run_folder
from bottleneck_profiler.listing import modules
from bottleneck_profiler.recording.folder import RunError
from bottleneck_profiler.recording.model import RECORD_DTYPE, Facts, Recording, empty_steps

MS = 1_000_000


def steps_alone(path: Path) -> Recording:
    """Sixty steps of 100 ms as a tool that knows nothing else has them, half of each a wait for data."""
    count = len(json.loads(path.read_text()))
    table = {name: np.zeros(count, column.dtype) for name, column in empty_steps().items()}
    table["t0"] = np.arange(count) * 100 * MS
    table["t1"] = table["t0"] + 100 * MS
    table["loader"][:], table["trained"][:], table["optimized"][:] = 1, True, True
    table["data_wait"][:], table["forward"][:], table["backward"][:] = 50_000, 20_000, 30_000
    none = np.zeros(0, RECORD_DTYPE)
    return Recording({}, Facts(), table, none, none, none, none, {}, {}, 0, count * 100 * MS)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    made = ModuleType("made")
    vars(made).update(name="made up", recognises=lambda path: path.suffix == ".steps")
    vars(made).update(read=steps_alone, read_many=lambda paths, how: steps_alone(paths[0]))
    monkeypatch.setattr(importers, "modules", lambda package: [made, *modules(package)])
    path = tmp_path / "job.steps"
    path.write_text(json.dumps([0] * 60))
    return path


def test_a_recording_without_a_run_folder_is_judged_and_reported(elsewhere: Path):
    recording, diagnosis = session.analyse(elsewhere)
    assert diagnosis.run.steps == 60 and diagnosis.verdict not in ("nothing recorded", "too short to judge")
    assert {row.phase for row in diagnosis.breakdown} >= {"data_wait", "forward", "backward"}
    folder = session.report_folder(elsewhere)
    assert session.write(folder, recording, diagnosis) == []
    assert {path.name for path in folder.iterdir()} == {"diagnosis.json", "report.html", "trace.jaeger.json"}
    assert session.report_folder(elsewhere) == folder != elsewhere


def test_the_run_folder_is_an_importer_and_its_own_report_folder(tmp_path: Path):
    (tmp_path / "run.json").write_text("{}")
    assert importer_of(tmp_path) is run_folder and session.report_folder(tmp_path) == tmp_path
    assert run_folder in modules(importers.__name__)


def test_what_nobody_recognises_is_named(tmp_path: Path):
    path = tmp_path / "some.file"
    path.write_text("text")
    with pytest.raises(RunError, match=r"some\.file is not a recording"):
        session.analyse(path)
    with pytest.raises(RunError, match=r"is not a bottleneck run: it has no run\.json"):
        session.analyse(tmp_path)
