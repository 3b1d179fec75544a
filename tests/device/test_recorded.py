"""Default runs on the simulated device, recorded by record.py: a fault is named first, with its line; else nothing."""

from __future__ import annotations

import pytest
from bottleneck_profiler import session
from goldens import regenerate

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
    if not program.finds:
        assert found == []
        return
    detector, location = found[0]
    assert detector in program.finds, found
    assert location is not None and location.line == program.line
    if diagnosis.findings[0].finding.stage == "training":
        assert "simulated" in [evidence.value for evidence in diagnosis.findings[0].finding.evidence]
