"""A dataset of Python objects behind forked workers, from the child's look to the line in the report."""

from __future__ import annotations

import os

import pytest
from helpers import PIPELINES, bottleneck


@pytest.mark.skipif(not os.path.exists("/proc/self/smaps_rollup"), reason="reads smaps_rollup")
def test_what_the_workers_copy_is_noticed_at_the_line_that_fills_it(tmp_path):
    script = PIPELINES / "cow-growth" / "slow.py"
    ran = bottleneck(tmp_path, script)
    assert ran.code == 0 and ran.found == [], ran.err
    noticed = {finding["detector"]: finding for finding in ran.diagnosis["also_noticed"]}
    found = noticed["cow-growth"]
    assert found["location"]["function"] == "Viewings.__init__"
    assert "self.rows = [" in script.read_text().splitlines()[found["location"]["line"] - 1]
    assert found["gain"] is None and found["severity"] == "info"
