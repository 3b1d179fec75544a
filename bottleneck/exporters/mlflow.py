"""Logs the figures of a run, and its reports, into the run of MLflow that the program itself began (``--mlflow``)."""

from __future__ import annotations

import os
from pathlib import Path

from ..addresses import without_credentials
from ..artifacts import Artifacts
from ..diagnosis.model import Diagnosis
from ..recording.facts.tracking import TrackedRun
from ..recording.model import Recording
from .support.trackers import figures, reports, tracked_run

name, after = "mlflow", ("html", "json")
_ADDRESS = "MLFLOW_TRACKING_URI"


def write(
    recording: Recording,
    diagnosis: Diagnosis,
    folder: Path,
    asked: bool = False,
    artifacts: Artifacts | None = None,
) -> list[str]:
    """Log, if ``asked``; returns at most one warning."""
    if not asked:
        return []
    run = tracked_run(recording, name)
    if run is None:
        return ["--mlflow: the program began no run of MLflow, so nothing was logged there"]
    try:
        import mlflow
    except ImportError:
        return ["--mlflow: MLflow is not installed beside bottleneck, so nothing was logged there"]
    try:
        client = mlflow.MlflowClient(tracking_uri=_address(run))
        now = int(recording.run.get("started_wall_ns", 0) / 1e6 + diagnosis.run.wall_seconds * 1e3)
        values = figures(recording, diagnosis, folder.name, artifacts)
        client.log_batch(run.id, metrics=[mlflow.entities.Metric(key, value, now, 0) for key, value in values.items()])
        client.set_tag(run.id, "bottleneck.verdict", diagnosis.verdict)
        client.set_tag(run.id, "bottleneck.headline", diagnosis.headline)
        for path in reports(folder):
            client.log_artifact(run.id, str(path), "bottleneck")
    except Exception as error:  # only the type: the text can hold an address with a password
        return [f"--mlflow: nothing could be logged into the run {run.id}: {type(error).__name__}"]
    return []


def _address(run: TrackedRun) -> str | None:
    """Where the run is. The environment's address can have a password, which the recording leaves out."""
    given = os.environ.get(_ADDRESS, "")
    return (given if not run.where or run.where == without_credentials(given) else run.where) or None
