"""What is logged into the user's own run of an experiment tracker, and which run that is."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from ...artifacts import Artifacts
from ...diagnosis.model import Diagnosis
from ...recording.facts.tracking import TrackedRun
from ...recording.model import Recording
from ...recording.tally import Durations
from ..html import REPORT_FILE
from ..metrics.families import RUN_INFO, VERDICT
from ..metrics.samples import of_run, tally_of

_INFO = (RUN_INFO, VERDICT)
_DIAGNOSIS_FILE = "diagnosis.json"


def tracked_run(recording: Recording, tool: str, environment: Mapping[str, str] = os.environ) -> TrackedRun | None:
    """The last one that the program began; else the one that the tool's own variable names; else None."""
    found = [fact for _, fact in recording.facts.of(TrackedRun) if fact.tool == tool]
    if found:
        return found[-1]
    given = environment.get(f"{tool.upper()}_RUN_ID", "")
    return TrackedRun(tool, given) if given else None


def figures(
    recording: Recording,
    diagnosis: Diagnosis,
    run_id: str,
    artifacts: Artifacts | None = None,
) -> dict[str, float]:
    """The run's metrics by names such as ``bottleneck/phase_seconds/data_wait``; of a histogram, count and mean."""
    found: dict[str, float] = {}
    tally = tally_of(recording, artifacts or Artifacts(recording))
    for sample in of_run(recording, diagnosis, tally, run_id):
        if sample.family in _INFO or sample.family.name.endswith("_info"):
            continue
        name = sample.family.name.removeprefix("bottleneck_").removesuffix("_total")
        labels = [label for label in sample.labels if label]
        key = re.sub(r"[^\w\-./ ]", "_", "/".join(["bottleneck", name, *labels]))
        if not isinstance(sample.value, Durations):
            found[key] = float(sample.value)
        elif sample.value.count:
            found[f"{key}/count"] = float(sample.value.count)
            found[f"{key}/mean"] = sample.value.seconds / sample.value.count
    return found


def reports(folder: Path) -> list[Path]:
    """The reports of a run that are there."""
    return [path for path in (folder / REPORT_FILE, folder / _DIAGNOSIS_FILE) if path.is_file()]
