"""The demo, made short: its first finding on its line, the fix applied to a copy, and one line that compares."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

from helpers import PIPELINES, finished

DEMO = PIPELINES / "demo"


def test_the_demo_finds_applies_and_compares(tmp_path: Path):
    original = (DEMO / "train.py").read_text()
    short = ("--epochs", "2", "--stride", "32")
    ran = finished([sys.executable, DEMO / "show.py", *short], text=True, env={**os.environ, "TMPDIR": str(tmp_path)})
    assert ran.returncode == 0, ran.stderr
    (folder,) = tmp_path.glob("bottleneck-demo-*")
    finding = json.loads((folder / "before" / "diagnosis.json").read_text())["findings"][0]
    assert finding["detector"] == "anomaly-detection-on"
    line = original.splitlines()[finding["location"]["line"] - 1]
    assert "set_detect_anomaly(True)" in line
    fixed = (folder / "train.py").read_text()
    assert fixed == original.replace("set_detect_anomaly(True)", "set_detect_anomaly(False)")
    assert (DEMO / "train.py").read_text() == original
    again = json.loads((folder / "after" / "diagnosis.json").read_text())["findings"]
    assert "anomaly-detection-on" not in [other["detector"] for other in again]
    assert re.search(r"^before .* s, after .* s: saved -?\d+ % \(predicted \d+-\d+ %\)$", ran.stdout, re.MULTILINE)
