"""What a check says; the only input of its reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..comparison.figures import FindingKey
from ..comparison.model import Comparison
from ..diagnosis.findings import Location
from ..diagnosis.model import Ranked

SCHEMA = "bottleneck.check/1"
Outcome = Literal["pass", "fail", "cannot tell", "not comparable"]
#: The worst first: what decides, if several conditions have different outcomes.
EXIT_CODES: dict[Outcome, int] = {"fail": 1, "not comparable": 4, "cannot tell": 3, "pass": 0}


@dataclass(frozen=True)
class Condition:
    """One thing that must hold. ``sentence``: what was found. ``location``: the line to look at, if one is known."""

    name: str
    outcome: Outcome
    sentence: str
    location: Location | None = None


@dataclass(frozen=True)
class Report:
    """``versions``: what is compared with what. ``findings``: of the new version.

    ``known``: those of them that the old version has, too; None if there is no old version. ``root``: paths are shown
    relative to it. ``script``: the file that stands for what has no line, or "" if the command names none.
    """

    program: str
    versions: str
    conditions: tuple[Condition, ...]
    comparison: Comparison | None
    findings: tuple[Ranked, ...]
    known: frozenset[FindingKey] | None
    root: Path
    script: str
    notes: tuple[str, ...] = field(default=())

    @property
    def outcome(self) -> Outcome:
        found = {condition.outcome for condition in self.conditions}
        return next((outcome for outcome in EXIT_CODES if outcome in found), "pass")

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.outcome]

    @property
    def worst_first(self) -> list[Condition]:
        order = list(EXIT_CODES)
        return sorted(self.conditions, key=lambda condition: order.index(condition.outcome))
