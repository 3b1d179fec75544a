"""A comparison as JSON."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from .model import SCHEMA, Comparison


def to_json(comparison: Comparison) -> dict[str, Any]:
    """The document in schema ``bottleneck.comparison/1``; numbers that are not finite become null."""
    document: dict[str, Any] = finite({"schema": SCHEMA, **asdict(comparison)})
    return document


def dumps(comparison: Comparison) -> str:
    """The document as text."""
    return json.dumps(to_json(comparison), indent=1, allow_nan=False)


def finite(value: Any) -> Any:
    """A copy of nested data in which each number that is not finite is None."""
    if isinstance(value, dict):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
