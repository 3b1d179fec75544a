"""Recorded runs are judged as before: the slow one names its cause, its fixed twin nothing."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
spec = importlib.util.spec_from_file_location("regenerate", HERE / "regenerate.py")
assert spec is not None and spec.loader is not None
regenerate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(regenerate)

GOLDENS = sorted(HERE.glob("*/*.tar.gz"))
#: A parent's pair names the child that explains it.
CHILD = {"input-wait": "workers-zero"}


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda path: f"{path.parent.name}-{path.name.partition('.')[0]}")
def test_golden(golden: Path, tmp_path: Path):
    expected = json.loads(golden.with_name(golden.name.replace(".tar.gz", ".json")).read_text())
    judged = json.loads(json.dumps(regenerate.expectation(regenerate.unpack(golden, tmp_path))))
    assert judged == expected, "if this change is meant: python tests/goldens/regenerate.py --expect, and read the diff"
    found = [finding["detector"] for finding in judged["findings"]]
    if golden.name.startswith("fires"):
        assert found[0] == CHILD.get(golden.parent.name, golden.parent.name)
    else:
        assert found == []


def test_every_pipeline_has_its_goldens():
    names = {path.parent.name for path in regenerate.PIPELINES.glob("*/slow.py")}
    assert names == {path.parent.name for path in GOLDENS if path.name == "fires.tar.gz"} & names
