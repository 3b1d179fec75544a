"""What `bottleneck try` measured of a run's fixes, kept in the run folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..files import write_json

FILE = "trials.json"
_MOST = 20


def read(run_dir: Path) -> list[dict[str, Any]]:
    """The trials, oldest first; none where the file is damaged, which costs a remark in a report. Never raises."""
    try:
        found = json.loads((run_dir / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def add(run_dir: Path, trial: dict[str, Any]) -> None:
    """Keep one more. Raises OSError."""
    write_json(run_dir / FILE, [*read(run_dir), trial][-_MOST:])
