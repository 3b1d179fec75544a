"""The arrays in one sampled batch of the loader, and how small they could be. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ...recording import facts
from ...recording.model import Recording
from .. import Missing
from ..training.steps import Steps

_LEVELS = 256  # distinct values that one byte can hold


@dataclass(frozen=True)
class BatchParts:
    """``size_bytes`` of one batch. ``byte_valued`` of these bytes are floats with few enough distinct values for one
    byte each; stored that way they would take ``as_bytes``. ``item_bytes``: size of one such float."""

    size_bytes: int
    byte_valued: int
    as_bytes: int
    item_bytes: int

    @classmethod
    def compute(cls, recording: Recording, steps: Steps) -> BatchParts:
        mine = {steps.process, *(worker.index for worker in recording.facts.workers(steps.process, steps.loader))}
        parts = next((fact.parts for process, fact in recording.facts.of(facts.BatchParts) if process in mine), None)
        if not parts:
            raise Missing("No batch was inspected; that needs --device-window.")
        small = [part for part in parts if 0 < part.levels <= _LEVELS]
        return cls(
            size_bytes=sum(part.bytes for part in parts),
            byte_valued=sum(part.bytes for part in small),
            as_bytes=sum(part.bytes // part.item_bytes for part in small),
            item_bytes=max((part.item_bytes for part in small), default=1),
        )
