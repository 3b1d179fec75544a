"""A file for the textfile collector of node-exporter: the metrics of a run that has ended, if ``--textfile`` asks.

The file of the next run with the same name takes its place, so that the folder does not grow. It is renamed into place
and has no timestamps, as node-exporter wants it.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from ..artifacts import Artifacts
from ..diagnosis.model import Diagnosis
from ..files import write_text
from ..recording.model import Recording

name, after = "textfile", ("otlp",)


def write(
    recording: Recording,
    diagnosis: Diagnosis,
    folder: Path,
    directory: Path | None = None,
    artifacts: Artifacts | None = None,
) -> list[str]:
    """Write ``bottleneck_<name of the run>.prom`` to ``directory``."""
    if directory is None:
        return []
    from .metrics.page import page
    from .metrics.samples import of_run, tally_of

    run = str(recording.run.get("name", "")) or folder.name
    samples = of_run(recording, diagnosis, tally_of(recording, artifacts or Artifacts(recording)), folder.name)
    text = page(run, [sample for sample in samples if not sample.family.now])
    write_text(directory / file_name(run), text)
    return []


def file_name(run: str) -> str:
    """A name of its own for every run's name, so that two files never hold the same series."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", run)[:80]
    told = "" if plain == run else "-" + hashlib.sha256(run.encode("utf-8", "replace")).hexdigest()[:8]
    return f"bottleneck_{plain}{told}.prom"
