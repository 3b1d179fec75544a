"""A check as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict

from ..comparison.document import finite, to_json
from .model import SCHEMA, Report
from .places import is_new, place_of


def dumps(report: Report) -> str:
    """The document in schema ``bottleneck.check/1``, as text."""
    document = {
        "schema": SCHEMA,
        "program": report.program,
        "outcome": report.outcome,
        "exit_code": report.exit_code,
        "versions": report.versions,
        "conditions": [asdict(condition) for condition in report.conditions],
        "notes": report.notes,
        "findings": [
            {
                "detector": row.finding.detector,
                "severity": row.severity,
                "title": row.finding.title,
                "place": place_of(report, row.finding.location),
                "new": None if report.known is None else is_new(report, row.finding.detector, row.finding.location),
            }
            for row in report.findings
        ],
        "comparison": None if report.comparison is None else to_json(report.comparison),
    }
    return json.dumps(finite(document), indent=1, allow_nan=False)
