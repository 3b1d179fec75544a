"""What other commands found of a run, kept in its folder: the trials of its fixes, and load tests of its server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..files import write_json

TRIALS, LOAD_TESTS = "trials.json", "load_tests.json"
_MOST = 20


def read(run_dir: Path, file: str) -> list[dict[str, Any]]:
    """The results, oldest first; none where the file is damaged, which costs a remark in a report. Never raises."""
    try:
        found = json.loads((run_dir / file).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def add(run_dir: Path, file: str, result: dict[str, Any]) -> None:
    """Keep one more. Raises OSError."""
    write_json(run_dir / file, [*read(run_dir, file), result][-_MOST:])
