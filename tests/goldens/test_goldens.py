"""Recorded runs are judged as before: the slow one names its cause, its fixed twin nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bottleneck_profiler import session
from bottleneck_profiler.prices import Prices

from goldens import regenerate

HERE = Path(__file__).resolve().parent
GOLDENS = sorted(HERE.glob("*/*.tar.gz"))
#: The price of idling is noticed beside the cause of it; a parent is silent where its child speaks.
FIRST = {"idle-accelerator": "starved-gpu", "memory-thrash": "allocator-churn"}

#: What costs no time, or is a choice of the training: only noticed beside the findings.
ASIDE = {"cow-growth", "small-batch"}


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda path: f"{path.parent.name}-{path.name.partition('.')[0]}")
def test_golden(golden: Path, tmp_path: Path):
    expected = json.loads(golden.with_name(golden.name.replace(".tar.gz", ".json")).read_text())
    judged = json.loads(json.dumps(regenerate.expectation(regenerate.unpack(golden, tmp_path), golden.parent.name)))
    assert judged == expected, "if this change is meant: python tests/goldens/regenerate.py --expect, and read the diff"
    name, found = golden.parent.name, [finding["detector"] for finding in judged["findings"]]
    if not golden.name.startswith("fires"):
        assert found == [] and judged["own"] in ("fine", "noticed")
    elif name in ASIDE:
        assert found == [] and judged["own"] == "noticed"
    else:
        assert found[0] == FIRST.get(name, name)
        assert judged["own"] == "finding" or name in FIRST


def test_every_pipeline_has_its_goldens():
    names = {path.parent.name for path in regenerate.PIPELINES.glob("*/slow.py")} | {
        *regenerate.SIMULATED,
        *regenerate.LIMITED,
        *regenerate.IMPORTED,
    }
    wanted = {f"{name}/{kind}.tar.gz" for name in names for kind in regenerate.programs(name)}
    assert wanted == {path.relative_to(HERE).as_posix() for path in GOLDENS}


@pytest.mark.parametrize("name", regenerate.SIMULATED)
def test_made_up_readings_say_so(name: str, tmp_path: Path):
    priced = session.Asked(Prices(machine=2.5))
    _, diagnosis = session.analyse(regenerate.unpack(HERE / name / "fires.tar.gz", tmp_path), priced)
    both = (*diagnosis.findings, *diagnosis.also_noticed)
    finding = next(ranked.finding for ranked in both if ranked.finding.detector == name)
    assert "simulated" in [evidence.value for evidence in finding.evidence]
