"""Detectors: one signature, one file. The base class, how they are found, and the runner.

A detector's parameters declare the artifacts it needs; the runner answers NotMeasured when one is
missing, and NotApplicable when the program has none of what it describes.
"""

from __future__ import annotations

import types
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from ..artifacts import Absent, Artifacts, Missing
from ..diagnosis.findings import (
    Changes,
    Evidence,
    Finding,
    Fix,
    Gain,
    Location,
    NotApplicable,
    NotMeasured,
    Outcome,
    QueueChange,
    Stage,
)
from ..diagnosis.schedule import ScheduleChanges
from ..listing import modules

HEADINGS = ("Why it matters", "How it is measured", "How to fix it", "When to ignore it")
#: Old ids that scripts and notes may still name -> what they are called now.
RENAMED = {
    "fat-transfer": "wide-dtype-transfer",
    "left-on-switches": "anomaly-detection-on",
    "no-projection": "unused-columns",
    "wrong-engine": "slow-multi-gpu",
}


class Detector(ABC):
    """One signature. The subclass's docstring is its documentation page: a first line, then the four HEADINGS.

    A subclass may have a method ``otherwise``: like ``detect``, for when an artifact that ``detect`` needs is missing.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    stage: ClassVar[Stage]
    #: Whether its "fine" is an answer about the work that the program does, and not only about what is around it.
    judges_work: ClassVar[bool] = True
    #: ids of the parents that this finding, where it explains most of them, silences
    explains: ClassVar[tuple[str, ...]] = ()
    #: knows the line, not the library: a detector that knows that has precedence at the same line
    general: ClassVar[bool] = False

    @abstractmethod
    def detect(self, *artifacts: Any, **named: Any) -> Outcome:
        """Judge one run; the subclass names and annotates the artifacts it needs."""

    def finding(
        self,
        *,
        evidence: tuple[Evidence, ...],
        fix: Fix,
        title: str = "",
        location: Location | None = None,
        gain: Gain | None = None,
        detected_by: float = 1.0,
        after: str = "",
        removes: dict[str, float] | None = None,
        exhaustion_seconds: float | None = None,
        headroom_share: float | None = None,
        hint: bool = False,
        changes: Changes | None = None,
        replay: ScheduleChanges | None = None,
        queue: QueueChange | None = None,
        explains: tuple[str, ...] = (),
        as_id: str = "",
        stage: Stage | None = None,
    ) -> Finding:
        """A finding of this detector; ``title``, ``as_id``, ``stage``: where they differ from the usual ones."""
        return Finding(
            as_id or self.id,
            title or self.title,
            stage or self.stage,
            evidence,
            fix,
            location,
            gain,
            detected_by,
            after,
            removes or {},
            exhaustion_seconds,
            headroom_share,
            hint,
            changes,
            replay,
            queue,
            explains,
            self.general,
        )


def all_detectors() -> list[Detector]:
    """Every built-in detector, sorted by id; a file that fails to import is an error naming it."""
    found: list[Detector] = []
    for module in modules(__name__, nested=True):
        found += [
            item()
            for item in vars(module).values()
            if _is_class(item) and item.__module__ == module.__name__ and issubclass(item, Detector)
        ]
    return sorted(found, key=lambda detector: detector.id)


def _is_class(item: object) -> bool:
    """Whether ``item`` is a class; Python 3.10 says so of ``list[int]`` too, which issubclass() then refuses."""
    return isinstance(item, type) and not isinstance(item, types.GenericAlias)


def current_id(detector_id: str) -> str:
    """The id under which a detector is known today."""
    return RENAMED.get(detector_id, detector_id)


def run_all(detectors: list[Detector], artifacts: Artifacts) -> dict[str, Outcome]:
    """id -> outcome. One detector's error never stops the rest: it becomes NotMeasured with the reason."""
    outcomes: dict[str, Outcome] = {}
    for detector in detectors:
        try:
            outcomes[detector.id] = artifacts.call(detector.detect)
        except Absent as absent:
            outcomes[detector.id] = _otherwise(detector, artifacts) or NotApplicable(str(absent))
        except Missing as missing:
            outcomes[detector.id] = _otherwise(detector, artifacts) or NotMeasured(str(missing))
        except Exception as error:
            outcomes[detector.id] = NotMeasured(f"the detector failed: {type(error).__name__}: {error}")
    return outcomes


def _otherwise(detector: Detector, artifacts: Artifacts) -> Outcome | None:
    """What the detector's second method says; None if it has none, or if that lacks an artifact, too."""
    otherwise: Callable[..., Outcome] | None = getattr(detector, "otherwise", None)
    try:
        return None if otherwise is None else artifacts.call(otherwise)
    except Missing:
        return None


def thresholds(detector: Detector) -> dict[str, float]:
    """The named numbers a detector judges by: its own numeric class attributes."""
    return {
        name: value
        for name, value in vars(type(detector)).items()
        if isinstance(value, (int, float)) and not isinstance(value, bool) and not name.startswith("_")
    }
