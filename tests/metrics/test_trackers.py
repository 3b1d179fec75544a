"""Figures and reports in the user's own run of MLflow (a real file store) and of W&B (really, offline)."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from bottleneck_profiler.artifacts.run.machine import Settings
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.exporters import mlflow as to_mlflow
from bottleneck_profiler.exporters import wandb as to_wandb
from bottleneck_profiler.exporters.support.trackers import figures, tracked_run
from bottleneck_profiler.recording.facts.tracking import TrackedRun
from helpers import bottleneck

from .replay import PRICES, TRAINING, recorded

STEPS = """
import time
import bottleneck_profiler as bp
for step in bp.steps(range(30)):
    time.sleep(0.002)
"""


def without(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the library were not installed."""
    monkeypatch.setitem(sys.modules, name, None)


def test_figures_are_the_metrics_by_plain_names() -> None:
    recording = recorded(TRAINING)
    found = figures(recording, diagnose(recording, Settings(PRICES)), "x")
    assert found["bottleneck/step_duration_seconds/count"] == diagnose(recording).run.steps
    assert found["bottleneck/price_per_hour/_"] == 2.5
    assert found["bottleneck/phase_seconds/data_wait"] > 0
    assert not [name for name in found if "_info" in name or "verdict" in name]
    assert all(re.fullmatch(r"[\w\-./ ]+", name) for name in found)


@pytest.mark.parametrize("exporter", [to_mlflow, to_wandb])
def test_without_a_run_of_the_users_there_is_one_line(exporter, tmp_path: Path) -> None:
    recording = recorded(TRAINING)
    assert exporter.write(recording, diagnose(recording), tmp_path) == []
    (line,) = exporter.write(recording, diagnose(recording), tmp_path, asked=True)
    assert line.startswith(f"--{exporter.name}: the program began no run")


@pytest.mark.parametrize("exporter", [to_mlflow, to_wandb])
def test_without_the_library_there_is_one_line(exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{exporter.name.upper()}_RUN_ID", "abc")
    without(exporter.name, monkeypatch)
    recording = recorded(TRAINING)
    assert tracked_run(recording, exporter.name).id == "abc"
    (line,) = exporter.write(recording, diagnose(recording), tmp_path, asked=True)
    assert "is not installed beside bottleneck" in line


@pytest.fixture(autouse=True)
def allow_a_store_in_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # a database would need more than the small MLflow has


def test_the_address_with_the_password_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    address = to_mlflow._address
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:secret@host:1/path")
    assert address(TrackedRun("mlflow", "1", "https://host:1/path")) == "https://me:secret@host:1/path"
    assert address(TrackedRun("mlflow", "1", "https://other:1")) == "https://other:1"
    assert address(TrackedRun("mlflow", "1")) == "https://me:secret@host:1/path"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert address(TrackedRun("mlflow", "1", "file:./x")) == "file:./x" and address(TrackedRun("mlflow", "1")) is None


MLFLOW = """
import mlflow
mlflow.set_tracking_uri("file:./tracking")
mlflow.set_experiment("mine")
with mlflow.start_run() as run:
    mlflow.log_metric("loss", 0.5)
"""


def test_mlflow(tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    (tmp_path / "train.py").write_text(STEPS + MLFLOW)
    ran = bottleneck(tmp_path, tmp_path / "train.py", options=("--mlflow", "--quiet"))
    assert ran.code == 0 and "--mlflow" not in ran.err, ran.err
    client = mlflow.MlflowClient(tracking_uri=f"file:{tmp_path / 'tracking'}")
    experiment = client.get_experiment_by_name("mine")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.metrics["loss"] == 0.5
    assert run.data.metrics["bottleneck/step_duration_seconds/count"] == 30
    assert run.data.metrics["bottleneck/run_exit_code"] == 0
    assert run.data.tags["bottleneck.verdict"] == ran.diagnosis["verdict"]
    assert run.info.status == "FINISHED"
    names = {Path(each.path).name for each in client.list_artifacts(run.info.run_id, "bottleneck")}
    assert names == {"report.html", "diagnosis.json"}


def test_mlflow_is_left_alone_unless_asked(tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    (tmp_path / "train.py").write_text(STEPS + MLFLOW)
    ran = bottleneck(tmp_path, tmp_path / "train.py", options=("--quiet",))
    assert ran.code == 0
    client = mlflow.MlflowClient(tracking_uri=f"file:{tmp_path / 'tracking'}")
    (run,) = client.search_runs([client.get_experiment_by_name("mine").experiment_id])
    assert set(run.data.metrics) == {"loss"}
    assert "tracked_run" not in (ran.folder / "tables" / "facts.jsonl").read_text()


WANDB = """
import wandb
run = wandb.init(project="mine", mode="offline", settings=wandb.Settings(silent=True, console="off"))
run.log({"loss": 0.5})
run.finish()
"""


def test_wandb_offline(tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    (tmp_path / "train.py").write_text(STEPS + WANDB)
    ran = bottleneck(tmp_path, tmp_path / "train.py", options=("--wandb", "--quiet"))
    assert ran.code == 0 and "--wandb" not in ran.err, ran.err
    folders = sorted((tmp_path / "wandb").glob("offline-run-*"))
    ids = {folder.name.rpartition("-")[2] for folder in folders}
    assert len(folders) == 2 and len(ids) == 1, "ours has the id of the user's, so that `wandb sync` joins them"
    logged = b"".join(path.read_bytes() for path in (tmp_path / "wandb").glob("offline-run-*/*.wandb"))
    assert b"bottleneck/step_duration_seconds/count" in logged and b"loss" in logged
    assert [path for folder in folders for path in folder.glob("files/**/report.html")]


def test_a_tracking_address_is_recorded_without_its_password() -> None:
    from bottleneck_profiler.collectors.support.trackers import public

    assert public("https://me:secret@host:1/path@x") == "https://host:1/path@x"
    assert public("file:///a@b") == "file:///a@b" and public("sqlite:///x.db") == "sqlite:///x.db"
    assert public("databricks") == "databricks"
