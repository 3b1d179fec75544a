"""Writes the Diagnosis to diagnosis.json and reads it back."""

from __future__ import annotations

import json as _json
import math
from dataclasses import asdict, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from ..diagnosis.model import READABLE, SCHEMA, Diagnosis, Ranked
from ..files import write_text

name, after = "json", ()


def to_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """The document in schema ``bottleneck.diagnosis/2``; non-finite numbers become null."""
    document = {
        "schema": SCHEMA,
        "run": asdict(diagnosis.run),
        "breakdown": [asdict(row) for row in diagnosis.breakdown],
        "headline": diagnosis.headline,
        "verdict": diagnosis.verdict,
        "findings": [_ranked(row) for row in diagnosis.findings],
        "also_noticed": [_ranked(row) for row in diagnosis.also_noticed],
        "checked": [asdict(row) for row in diagnosis.checked],
        "plan": [asdict(row) for row in diagnosis.plan],
        "overhead": asdict(diagnosis.overhead),
        "devices": [asdict(row) for row in diagnosis.devices],
        "servers": [asdict(row) for row in diagnosis.servers],
        "load": [asdict(row) for row in diagnosis.load],
        "load_tests": [asdict(row) for row in diagnosis.load_tests],
        "served": None if diagnosis.served is None else asdict(diagnosis.served),
        "what_ifs": None if diagnosis.what_ifs is None else asdict(diagnosis.what_ifs),
        "energy": asdict(diagnosis.energy),
        "size": asdict(diagnosis.size),
        "cost": None if diagnosis.cost is None else asdict(diagnosis.cost),
        "view": asdict(diagnosis.view),
    }
    cleaned: dict[str, Any] = _finite(document)
    return cleaned


def dumps(diagnosis: Diagnosis) -> str:
    """The document as text."""
    return _json.dumps(to_json(diagnosis), indent=1, allow_nan=False)


def write(recording: object, diagnosis: Diagnosis, folder: Path) -> list[str]:
    """Write diagnosis.json."""
    write_text(folder / "diagnosis.json", dumps(diagnosis))
    return []


def from_json(document: dict[str, Any]) -> Diagnosis:
    """Read a document back. Raises ValueError if the schema is different, or a part is missing or malformed."""
    if not isinstance(document, dict) or document.get("schema") not in READABLE:
        raise ValueError(f"not a {SCHEMA} document")
    try:
        data = dict(document)
        for name in ("findings", "also_noticed"):
            data[name] = [_unranked(row) for row in data[name]]
        built: Diagnosis = _build(Diagnosis, data)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"a damaged {SCHEMA} document: {type(error).__name__}: {error}") from error
    return built


def _ranked(row: Ranked) -> dict[str, Any]:
    finding = asdict(replace(row.finding, replay=None))  # else its arrays are copied
    detected_by = finding.pop("detected_by")
    del finding["changes"], finding["replay"], finding["queue"], finding["general"], finding["fix"]["edit"]
    return {
        **finding,
        "detected_by": detected_by,
        "severity": row.severity,
        "confidence": row.confidence,
        "score": row.score,
        "explains": list(row.explains),
    }


def _unranked(row: dict[str, Any]) -> dict[str, Any]:
    row = dict(row)
    outer = {name: row.pop(name) for name in ("severity", "confidence", "score", "explains")}
    return {"finding": row, **outer}


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if hasattr(value, "item"):  # a numpy scalar that is not a Python number
        return _finite(value.item())
    return value


def _build(kind: Any, value: Any) -> Any:
    """Build dataclasses from plain data, following their annotations."""
    if value is None:
        return math.nan if kind is float else None  # null means a non-finite number
    origin, arguments = get_origin(kind), get_args(kind)
    if is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, dict):
            raise TypeError(f"{kind.__name__} is no object")
        hints = get_type_hints(kind)
        known = {item.name for item in fields(kind)}
        return kind(**{name: _build(hints[name], item) for name, item in value.items() if name in known})
    if origin is tuple:
        return tuple(_build(arguments[0], item) for item in value)
    if origin is dict or kind is dict:
        return dict(value)
    for argument in arguments:
        if is_dataclass(argument):
            return _build(argument, value)
    return value
