"""What remains of a run after fixes: the steps are simulated again, savings are never added. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from .findings import Changes, Finding, StepModel
from .laws import changed, seconds_saved_by
from .schedule import ScheduleChanges, saved_seconds

_WORK = frozenset({"other", "h2d", "forward", "backward", "optimizer", "sync"})  # phases of a step that loading feeds


@dataclass
class Remaining:
    """The rest of the run during planning: the step model, seconds, and what is removed: from phases, from stages."""

    seconds: float
    model: StepModel | None
    first: StepModel | None  # the model before any fix
    taken_seconds: dict[str, float] = field(default_factory=dict)
    replayed: list[ScheduleChanges] = field(default_factory=list)  # of the fixes so far

    def still_saved_seconds(self, finding: Finding) -> float:
        """Seconds that a fix can still save: its gain, scaled by what the model now predicts."""
        assert finding.gain is not None
        changes, alone = self.changes(finding), finding.gain.seconds
        if finding.replay is not None:
            together = saved_seconds([*self.replayed, finding.replay]) - saved_seconds(self.replayed)
            return alone * min(1.0, together / max(saved_seconds([finding.replay]), 1e-9))
        if changes is None or self.model is None or self.first is None:
            total = sum(finding.removes.values())
            free = sum(
                max(0.0, seconds - self.taken_seconds.get(phase, 0.0)) for phase, seconds in finding.removes.items()
            )
            return alone * min(1.0, free / total) if total > 0 else alone
        before, now = seconds_saved_by(self.first, changes), seconds_saved_by(self.model, changes)
        return alone * now / before if now < before else min(alone + now - before, max(alone, now))

    def apply(self, finding: Finding, seconds: float) -> None:
        changes = self.changes(finding)
        if changes is not None and self.model is not None:
            self.model = changed(self.model, changes)
        if finding.replay is not None:
            self.replayed.append(finding.replay)
        for phase, removed in finding.removes.items():
            self.taken_seconds[phase] = self.taken_seconds.get(phase, 0.0) + removed
        self.seconds = max(0.0, self.seconds - seconds)

    def changes(self, finding: Finding) -> Changes | None:
        """The effect of a fix on the steps. A fix that only names phases between batches reduces the work."""
        said = finding.changes
        if said is not None or self.first is None or not finding.removes:
            return said
        if not all(phase in _WORK or phase.startswith("python:") for phase in finding.removes):
            return None
        first = self.first
        less = min(sum(finding.removes.values()) / max(first.steps, 1), first.work_seconds)
        less_cpu = less * first.work_cpu_seconds / max(first.work_seconds, 1e-9)
        return Changes(first, work_seconds=-less, work_cpu_seconds=-less_cpu)
