"""Logs the figures of a run, and its reports, into the run of W&B that the program itself began (``--wandb``).

That run has ended, so W&B resumes it; offline, W&B writes a second folder with the same id, and `wandb sync` puts the
two together.
"""

from __future__ import annotations

from pathlib import Path

from ..artifacts import Artifacts
from ..diagnosis.model import Diagnosis
from ..recording.model import Recording
from .support.trackers import figures, reports, tracked_run

name, after = "wandb", ("html", "json")


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
        return ["--wandb: the program began no run of W&B, so nothing was logged there"]
    if run.mode == "disabled":
        return ["--wandb: W&B is switched off in the program (mode disabled), so nothing was logged there"]
    try:
        import wandb
    except ImportError:
        return ["--wandb: W&B is not installed beside bottleneck, so nothing was logged there"]
    try:
        resumed = wandb.init(
            id=run.id,
            project=run.project or None,
            entity=run.entity or None,
            dir=run.where or None,
            mode="offline" if run.mode == "offline" else None,
            resume=None if run.mode == "offline" else "allow",
            settings=wandb.Settings(silent=True, console="off", x_disable_stats=True, disable_git=True),
        )
        resumed.summary.update(figures(recording, diagnosis, folder.name, artifacts))
        resumed.summary["bottleneck/verdict"] = diagnosis.verdict
        resumed.summary["bottleneck/headline"] = diagnosis.headline
        for path in reports(folder):
            resumed.save(str(path), base_path=str(folder), policy="now")
        resumed.finish()
    except Exception as error:  # only the type: the text can hold an address with a key
        return [f"--wandb: nothing could be logged into the run {run.id}: {type(error).__name__}"]
    return []
