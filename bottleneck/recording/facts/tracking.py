"""Facts about the experiment tracker that the program logs to."""

from __future__ import annotations

from typing import ClassVar

from .base import Fact


class TrackedRun(Fact, frozen=True):
    """A run of W&B or MLflow that the program began or went on with; noted if ``bottleneck run`` is to log there.

    ``tool``: wandb or mlflow. ``where``: MLflow's tracking address without user and password, or the folder that holds
    W&B's own. ``mode``: W&B's, such as offline.
    """

    kind: ClassVar[str] = "tracked_run"
    tool: str
    id: str
    where: str = ""
    project: str = ""
    entity: str = ""
    mode: str = ""
