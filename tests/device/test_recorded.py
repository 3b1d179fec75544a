"""Default runs on the simulated device, recorded by record.py: a fault is named first, with its line; else nothing."""

from __future__ import annotations

from io import StringIO

import pytest
from bottleneck_profiler import session
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.exporters import html, terminal
from bottleneck_profiler.exporters.support import device_words
from bottleneck_profiler.recording.facts import Carried, DeviceLines
from bottleneck_profiler.recording.read import load
from goldens import regenerate
from msgspec.structs import replace
from rich.console import Console

from .default_programs import PROGRAMS
from .record import HERE


@pytest.mark.parametrize("name", PROGRAMS)
def test_recorded(name, tmp_path):
    program = PROGRAMS[name]
    _, diagnosis = session.analyse(regenerate.unpack(HERE / "recorded" / f"{name}.tar.gz", tmp_path))
    found = [(ranked.finding.detector, ranked.finding.location) for ranked in diagnosis.findings]
    (use,) = diagnosis.devices
    assert use.basis == "events" and use.steps > 20 and 0 <= use.idle_share <= 1
    assert use.idle_share + use.busy_share == pytest.approx(1)
    (bar,) = device_words.devices(diagnosis)
    assert sum(part.share for part in bar.parts) == pytest.approx(1)
    said = Console(width=100, record=True, file=StringIO())
    terminal.render(diagnosis, said)
    for text in (said.export_text(), html.render(diagnosis)):
        assert all(part.label in text for part in bar.parts) and "busy at most" in text
    if not program.finds:
        assert found == []
        return
    detector, location = found[0]
    assert detector in program.finds, found
    assert location is not None and location.line == program.line
    if diagnosis.findings[0].finding.stage == "training":
        assert "simulated" in [evidence.value for evidence in diagnosis.findings[0].finding.evidence]


def test_what_the_loader_delivers_decides_about_pinned_memory(tmp_path):
    recording = load(regenerate.unpack(HERE / "recorded" / "pageable-copies.tar.gz", tmp_path))
    lines = next(fact for _, fact in recording.facts.of(DeviceLines))
    for pinned in (False, True, None):
        recording.facts.notes = [each for each in recording.facts.notes if not isinstance(each[1], Carried)]
        recording.facts.notes += [(0, Carried(1, 5, 393_216, pinned)), (0, replace(lines, queued=(lines.copies[-1],)))]
        diagnosis = diagnose(recording)
        found = {each.finding.detector: each.finding for each in diagnosis.findings}
        assert ("pageable-copy" in found) == (pinned is not True)  # without a word of the driver, the loader's counts
        use = diagnosis.devices[0]
        assert (use.batch_bytes, use.batch_pinned) == (393_216, pinned)
        if pinned is False:
            said = {evidence.label: evidence.value for evidence in found["pageable-copy"].evidence}
            assert said["batches are pinned"] == "no" and said["tensors of a batch"] == 393_216
            assert said["non_blocking at that line"] in ("yes", "no") and 1e6 < said["rate"] < 1e9
