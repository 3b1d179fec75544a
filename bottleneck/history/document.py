"""A history as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from ..comparison.document import finite
from .model import SCHEMA, History


def to_json(history: History) -> dict[str, Any]:
    """The document in schema ``bottleneck.history/1``; numbers that are not finite become null."""
    document: dict[str, Any] = finite({"schema": SCHEMA, **asdict(history)})
    return document


def dumps(history: History) -> str:
    """The document as text."""
    return json.dumps(to_json(history), indent=1, allow_nan=False)
