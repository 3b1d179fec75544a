"""A check as SARIF 2.1.0: what failed, and the findings of the new version, each at its line.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .. import __version__
from ..diagnosis.findings import Location
from ..diagnosis.model import Ranked
from ..exporters.support.words import visible
from ..files import write_text
from .model import Condition, Report
from .places import is_new, place_of

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"critical": "error", "warning": "warning", "info": "note"}
_CONDITION = "performance-check"
_MOST = 5000  # results that GitHub shows


def write(file: Path, report: Report) -> None:
    """Write the file. Raises OSError."""
    write_text(file, json.dumps(document(report), indent=1, ensure_ascii=False))


def document(report: Report) -> dict[str, Any]:
    """The log, with one run."""
    results = [*_conditions(report), *_findings(report)][:_MOST]
    titles = {row.finding.detector: visible(row.finding.title) for row in report.findings}
    rules = [{"id": id_, "shortDescription": {"text": titles.get(id_) or "A performance check that did not pass"}}
             for id_ in sorted({result["ruleId"] for result in results})]  # fmt: skip
    driver = {"name": "bottleneck", "semanticVersion": __version__, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"bottleneck/{visible(report.program)}/"},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _conditions(report: Report) -> Iterator[dict[str, Any]]:
    for condition in report.worst_first:
        if condition.outcome != "pass":
            level = "error" if condition.outcome == "fail" else "warning"
            yield _result(report, _CONDITION, level, condition.sentence, condition.location, _named(condition))


def _named(condition: Condition) -> str:
    return f"{_CONDITION} {condition.name}"


def _findings(report: Report) -> Iterator[dict[str, Any]]:
    for row in report.findings:
        finding = row.finding
        text = f"{finding.title}. {finding.fix.summary}."
        place = finding.location
        identity = f"{finding.detector} {'' if place is None else f'{Path(place.file).name} {place.function}'}"
        result = _result(report, finding.detector, _LEVELS[row.severity], text, place, identity)
        if report.known is not None:
            result["baselineState"] = "new" if is_new(report, finding.detector, place) else "unchanged"
        result["properties"] = _properties(row)
        yield result


def _properties(row: Ranked) -> dict[str, Any]:
    gain = row.finding.gain
    if gain is None:
        return {"severity": row.severity}
    return {
        "severity": row.severity,
        "gainShare": gain.share,
        "gainLow": gain.low,
        "gainHigh": gain.high,
        "basis": gain.basis,
    }


def _result(
    report: Report, rule: str, level: str, text: str, location: Location | None, identity: str
) -> dict[str, Any]:
    """``identity``: the same for the same result after lines have moved."""
    result: dict[str, Any] = {
        "ruleId": rule,
        "level": level,
        "message": {"text": visible(text)},
        "partialFingerprints": {"bottleneck/v1": f"{zlib.crc32(identity.encode('utf-8', 'replace')):08x}"},
    }
    place = place_of(report, location)
    if place is not None:
        artifact = {"uri": quote(place[0], errors="surrogatepass"), "uriBaseId": "%SRCROOT%"}
        result["locations"] = [{"physicalLocation": {"artifactLocation": artifact, "region": {"startLine": place[1]}}}]
    return result
