"""Facts about applications that serve requests."""

from __future__ import annotations

from typing import ClassVar

from .base import Fact, Int, Moment


class Serving(Fact, frozen=True):
    """An application starts or stops serving. ``event``: begin or end."""

    kind: ClassVar[str] = "serving"
    event: str
    time_ns: Moment


class ModelCall(Fact, frozen=True):
    """How often the model has been called from a line so far."""

    kind: ClassVar[str] = "model_call"
    site: Int
    count: Int
