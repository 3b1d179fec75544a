"""``read`` gives the tables that users of trace analysers know, of traces and of the runs made of them."""

from __future__ import annotations

import bottleneck_profiler as bp
import pytest
from bottleneck_profiler.recording.folder import RunError

from .test_import import imported
from .test_kineto import KERNEL, STEP, STEPS, WAIT, saved, trace


def test_tables_of_a_trace(tmp_path):
    path = saved(tmp_path, trace())
    result = bp.read(path)
    assert result.findings[0].finding.detector == "starved-gpu"
    assert "The accelerator waits for data" in result.report()
    kernels = result.tables["kernels"].to_pylist()
    assert [row["kind"] for row in kernels] == ["kernel", "collective", "memcpy_h2d"]
    first = kernels[0]
    assert (first["name"], first["rank"], first["device"], first["count"]) == ("sgemm_32x32", 3, 0, STEPS)
    assert (first["mean_seconds"], first["max_seconds"]) == (pytest.approx(KERNEL / 1e6),) * 2
    assert sum(row["share"] for row in kernels) == pytest.approx(1)
    (idle,) = result.tables["idle"].to_pylist()
    assert idle["window_seconds"] == pytest.approx(STEPS * STEP / 1e6)
    assert idle["busy_seconds"] + idle["idle_seconds"] == pytest.approx(idle["window_seconds"])
    causes = {name: value for name, value in idle.items() if name.startswith("idle_") and name != "idle_seconds"}
    assert sum(causes.values()) == pytest.approx(idle["idle_seconds"])
    assert causes["idle_input_seconds"] == pytest.approx(STEPS * WAIT / 1e6, rel=0.05)
    (communication,) = result.tables["communication"].to_pylist()
    assert communication["hidden_share"] == pytest.approx(2 / 3, rel=0.01)
    assert imported(path, run_dir=tmp_path / "run").exit_code == 0
    assert bp.read(str(tmp_path / "run")).tables == result.tables


def test_tables_of_ranks_are_in_their_order(tmp_path):
    for rank in (1, 0):
        content = trace()
        content["distributedInfo"]["rank"] = rank
        saved(tmp_path, content, f"{rank}.json")
    assert [row["rank"] for row in bp.read(tmp_path).tables["idle"].to_pylist()] == [0, 1]


def test_a_trace_without_a_device_has_empty_tables(tmp_path):
    tables = bp.read(saved(tmp_path, trace(device=False))).tables
    assert [table.num_rows for table in tables.values()] == [0, 0, 0]
    assert all("rank" in table.column_names for table in tables.values())


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(RunError, match=r"missing\.json"):
        bp.read(tmp_path / "missing.json")
