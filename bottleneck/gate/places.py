"""Where a line is in the repository: the way that SARIF, annotations and links name it."""

from __future__ import annotations

from pathlib import Path

from ..diagnosis.findings import Location
from .model import Report


def place_of(report: Report, location: Location | None) -> tuple[str, int] | None:
    """(path relative to the repository, line); the script where a line is unknown or outside; None without either."""
    if location is not None and location.line > 0:
        try:
            path = (report.root / location.file).resolve().relative_to(report.root.resolve())
            return path.as_posix(), location.line
        except (ValueError, OSError):
            pass
    return (report.script, 1) if report.script else None


def is_new(report: Report, detector: str, location: Location | None) -> bool:
    """Whether the old version does not have this finding."""
    if report.known is None:
        return False
    key = (detector, *(("", "") if location is None else (Path(location.file).name, location.function)))
    return key not in report.known
