"""Short pipelines end to end: the planted cause first, on the right line; healthy runs silent."""

from __future__ import annotations

from pathlib import Path

import pytest
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.loading.loading import Loading
from bottleneck_profiler.detectors.loading.cpu_bound_decode import CpuBoundDecode
from bottleneck_profiler.recording.read import load
from helpers import PIPELINES, Ran, bottleneck

SLOW = {
    "workers-zero": "DataLoader(",
    "serial-collate": "def pad",
    "eval-heavy": "validate(",
    "hot-logging": "log.debug(",
    "anomaly-detection-on": "set_detect_anomaly",
    "residual-python": "value",  # in the loop of histogram()
    "worker-respawn": "DataLoader(",
}
#: What the same fault is where other programs leave no core that workers could have.
WITHOUT_IDLE_CORES = {"workers-zero": ("cpu-bound-decode", 'file["image"]')}


def expected(name: str, ran: Ran) -> tuple[str, str]:
    """(the detector that comes first, a word of its line)."""
    if name in WITHOUT_IDLE_CORES:
        idle_cores = Artifacts(load(ran.folder)).get(Loading).idle_cores
        # With some part of a core idle a worker may still be worth it: then both are true, and either comes first.
        if idle_cores <= CpuBoundDecode.max_idle_cores and ran.found[:1] != [name]:
            return WITHOUT_IDLE_CORES[name]
    return name, SLOW[name]


@pytest.mark.parametrize("name", SLOW)
def test_the_planted_cause_comes_first_on_its_line(tmp_path: Path, name: str):
    script = PIPELINES / name / "slow.py"
    ran = bottleneck(tmp_path, script)
    assert ran.code == 0, ran.err
    detector, word = expected(name, ran)
    assert ran.found[:1] == [detector], ran.err
    finding = ran.diagnosis["findings"][0]
    assert finding["location"]["file"] == str(script)
    line = script.read_text().splitlines()[finding["location"]["line"] - 1]
    assert word in line
    assert 0 < finding["gain"]["low"] <= finding["gain"]["share"] <= finding["gain"]["high"] < 1
    assert ran.diagnosis["run"]["named_share"] >= 0.98


@pytest.mark.parametrize("name", ["tensors_in_memory", "rare_checkpoints", "inference_loop", "logs_now_and_then"])
def test_a_healthy_run_is_quiet(tmp_path: Path, name: str):
    ran = bottleneck(tmp_path, PIPELINES / "controls" / f"{name}.py")
    assert ran.code == 0 and ran.found == [], ran.err
    assert ran.diagnosis["verdict"] == "fine"
    fine = [row for row in ran.diagnosis["checked"] if row["outcome"] == "fine"]
    assert len(fine) >= 8 and all(row["reason"] for row in fine)
    waiting = next(row for row in fine if row["detector"] == "workers-zero")
    assert 0 <= waiting["value"] < waiting["threshold"]
    assert "GPU" not in ran.err


@pytest.mark.parametrize("name", ["simulation_in_python", "pool_that_computes"])
def test_work_that_has_to_be_done_is_named_and_no_finding(tmp_path: Path, name: str):
    ran = bottleneck(tmp_path, PIPELINES / "controls" / f"{name}.py")
    assert ran.code == 0 and ran.found == [], ran.err
    assert ran.diagnosis["verdict"] in ("nothing to judge", "unexplained")
    assert "nothing worth fixing" not in ran.diagnosis["headline"].lower()


def test_too_short_to_judge_is_said_and_not_called_fine(tmp_path: Path):
    ran = bottleneck(tmp_path, PIPELINES / "controls" / "too_short.py")
    assert ran.found == []
    assert ran.diagnosis["verdict"] == "too short to judge"
    # What ETL there was needs no steps to be judged, and neither do lines and threads.
    etl = {"csv-instead-of-parquet", "unused-columns", "row-wise-python", "repeated-read"}
    assert {row["detector"] for row in ran.diagnosis["checked"] if row["outcome"] == "fine"} <= etl | {
        "hot-python",
        "gil-bound-threads",
        "loop-waits-for-input",
    }


#: Work that only looks as if it could be done in another way.
@pytest.mark.parametrize("name", ["sql_in_one_transaction", "small_files_all_needed", "iterrows_of_settings"])
def test_healthy_etl_is_quiet(tmp_path: Path, name: str):
    ran = bottleneck(tmp_path, PIPELINES / "controls" / f"{name}.py")
    assert ran.code == 0 and ran.found == [], ran.err
    assert ran.diagnosis["run"]["named_share"] >= 0.98
