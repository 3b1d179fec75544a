"""A line that holds much of the run is written in a way that is known to be slow."""

from __future__ import annotations

from dataclasses import replace

from ...artifacts.etl.dask import JUDGED, Dask
from ...artifacts.loading.loading import Loading
from ...artifacts.run.host import Host
from ...artifacts.run.machine import Machine
from ...artifacts.run.user_lines import MIN_SAMPLES, UserLine, UserLines
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import (
    Changes,
    Evidence,
    Finding,
    Findings,
    Fine,
    Fix,
    Gain,
    Location,
    NotMeasured,
    Outcome,
    QueueChange,
)
from ...diagnosis.laws import cores_needed_share, gain, seconds_saved_by, seconds_saved_by_less_work, step_model
from ...patterns.model import ENGINE
from ...recording.facts import KnownLine, Probe, Read
from ...recording.model import Recording
from .. import Detector
from .._common import cause_of_wait
from ._removed import GUESS, removed
from ._slow_lines import SlowLine, slow_lines

#: What a slow line shows as in the other detectors, by the stage that it belongs to.
_REMOVES = ("once", "amdahl")  # laws of replacements that take the work away
_SYMPTOMS: dict[str, tuple[str, ...]] = {
    "data loading": (
        "cpu-bound-decode", "gil-threads", "input-wait", "repeat-transform", "residual-python", "serial-collate",
        "shallow-prefetch", "slow-storage", "starved-gpu", "too-few-workers", "workers-zero", "memory-thrash",
        "allocator-churn", "loop-waits-for-input",
    ),
    "training": (
        "allocator-churn", "cpu-bound-decode", "eval-heavy", "input-wait", "loop-waits-for-input", "memory-thrash",
        "residual-python", "step-jitter",
    ),
    "etl": ("memory-thrash", "residual-python", "input-wait", "loop-waits-for-input", "slow-start"),
    "serving": ("input-wait", "no-batching", "pre-post-bound", "residual-python", "workers-zero"),
}  # fmt: skip


class HotPython(Detector):
    """A line that takes much of the run matches a known slow pattern, and there is a faster way to write it.

    Why it matters
        The same result takes a fraction of the time when computed on whole arrays, tables, batches or transactions.
    How it is measured
        Call stacks of all threads and processes give the time of each line of your code, including its calls. The
        source of the lines that take at least 3 % of the run is compared with about 200 known patterns, by syntax,
        imports and the library frames that were sampled below the line. The gain is the line's measured time less what
        remains of it by the pattern's published factors.
    How to fix it
        The finding names the replacement for the line.
    When to ignore it
        When the work cannot be done on many elements at once.
    """

    id = "hot-python"
    title = "A line is written in a way that is known to be slow"
    stage = "etl"
    general = True
    judges_work = False  # that no line is known to be slow is no all-clear
    share_threshold = 0.05  # of the run
    large_share, few_samples = 0.4, 15  # of the run; so many samples name a line that holds so much
    suspicion_threshold = 0.15  # of the run, on too few samples to name the line
    shared_core = 0.35  # of a step's work, that it takes longer beside workers on the same physical core (own)
    timing_error = 0.05  # relative; the range of the factors is beside it

    def detect(
        self,
        recording: Recording,
        lines: UserLines,
        steps: Steps | None,
        loading: Loading | None,
        machine: Machine | None,
        host: Host | None,
        dask: Dask | None = None,
    ) -> Outcome:
        if not lines.lines:
            return NotMeasured("Too few samples fell into any one line.")
        if not recording.facts.of(KnownLine):
            return NotMeasured("The source of the lines that hold the time was not read.")
        judged = JUDGED if dask is not None else frozenset()  # a detector of their own measures them
        found_lines = slow_lines(recording, lines, machine, host)
        pays = [each for each in found_lines if self._pays(each) and each.pattern.id not in judged]
        known = [each for each in pays if self._is_sure(each, lines)]
        least = self.share_threshold * lines.wall_seconds
        found: dict[str, SlowLine] = {}
        for each in known:
            if each.seconds >= least:
                found.setdefault(each.pattern.id, each)
        if not found:
            rare = max(pays, key=lambda each: each.seconds, default=None)
            if rare is not None and rare.seconds >= self.suspicion_threshold * lines.wall_seconds:
                return _too_few(rare, lines)
            most = max((each.seconds for each in known), default=0.0) / max(lines.wall_seconds, 1e-9)
            return Fine(most, self.share_threshold, "share", "run time in lines that match a known slow pattern")
        return Findings(
            tuple(
                self._of(
                    each,
                    [o for o in known if o.pattern is each.pattern and o is not each],
                    recording,
                    lines,
                    steps,
                    loading,
                )
                for each in found.values()
            )
        )

    def _of(
        self,
        known: SlowLine,
        also: list[SlowLine],
        recording: Recording,
        lines: UserLines,
        steps: Steps | None,
        loading: Loading | None,
    ) -> Finding:
        line, pattern = known.line, known.pattern
        priced, changes = self._priced(known, recording, lines, steps, loading)
        others = tuple(Evidence("another line of this kind", str(Location(o.line.file, o.line.line))) for o in also[:3])
        return self.finding(
            as_id=pattern.id,
            title=pattern.title,
            stage=known.stage,
            location=Location(known.cause_file, known.cause, line.function if known.same_function else ""),
            evidence=(
                Evidence("share of the run", known.seconds / max(lines.wall_seconds, 1e-9), "share"),
                Evidence("time in this pattern", known.seconds, "s"),
                Evidence("samples", known.samples, "count"),
                Evidence("waiting share at this line", line.blocked_share, "share"),
                *cause_of_wait(line),
                *others,
            ),
            gain=priced,
            fix=Fix(pattern.replacement, pattern.snippet, pattern.effort, pattern.risk),
            after="the rest of the program becomes the bottleneck",
            changes=changes,
            queue=QueueChange("shorter") if known.stage == "serving" else None,
            explains=_symptoms(known),
        )

    def _priced(
        self, known: SlowLine, recording: Recording, lines: UserLines, steps: Steps | None, loading: Loading | None
    ) -> tuple[Gain, Changes | None]:
        low, usual, high, confidence = removed(known.pattern, known.cores)
        tried = _tried(recording, known)
        if tried is not None:
            low, usual, high, confidence = 0.9 * tried, tried, min(1.0, 1.1 * tried), 0.8
        noise = 1.28 / max(known.samples, 1) ** 0.5  # of the samples
        sure = known.own_seconds / max(known.seconds, 1e-9)  # the backward pass may be about other operations
        seconds, changes, freed = known.seconds, None, 0.0
        if known.stage == "data loading" and loading is not None and steps is not None and steps.count:
            each = known.thread_seconds / max(steps.all_count, 1)
            cpu = 1.0 - known.line.blocked_share
            model = step_model(loading, steps)
            changes = Changes(model, load_seconds=-each * usual, load_cpu_seconds=-each * usual * cpu)
            whole = Changes(model, load_seconds=-each, load_cpu_seconds=-each * cpu)
            if model.workers:  # without them, the loop waits for each sample, those of the evaluation, too
                seconds = seconds_saved_by(model, whole)
                less = -model.work_seconds * cores_needed_share(model) * self.shared_core
                freed = max(0.0, seconds_saved_by(model, replace(whole, work_seconds=less)) - seconds)
        elif known.stage == "training" and steps is not None and steps.count:
            each = seconds / max(steps.all_count, 1)
            seconds = seconds_saved_by_less_work(steps, loading, each, 1.0 - known.line.blocked_share)
        method = (
            f"the fix removes {100 * low:.0f} to {100 * high:.0f} % of the {known.seconds:.1f} s at this line "
            f"(law: {known.pattern.price.law})"
        )
        if tried is not None:
            method += "; tried on the file after the run"
        if known.backward:
            method += "; they include its part of the backward pass, taken in proportion to the forward pass"
        start = known.pattern.price.start_seconds
        if start:
            method += f", less about {start:g} s to start workers"
        besides = known.pattern.price.besides * seconds
        if besides:
            method += f"; it may also save up to {besides:.1f} s of other work"
        priced = gain(
            max(0.0, seconds * usual - start),
            lines.wall_seconds,
            method,
            low_seconds=max(0.0, seconds * sure * low * max(0.0, 1 - noise) - 2 * start),
            high_seconds=(seconds + freed) * high * (1 + noise),
            besides=(besides / 2, besides),
            relative_error=self.timing_error,
            confidence=confidence,
            ceiling=confidence <= GUESS,
        )
        return priced, changes

    def _is_sure(self, known: SlowLine, lines: UserLines) -> bool:
        """Whether it has enough samples to be named: fewer will do for what holds much of the run in a server, whose
        threads are sampled less often than the main thread."""
        large = known.stage == "serving" and known.seconds >= self.large_share * lines.wall_seconds
        return known.samples >= (self.few_samples if large else MIN_SAMPLES)

    def _pays(self, known: SlowLine) -> bool:
        """Whether more goes than the replacement takes to start."""
        return known.seconds * removed(known.pattern, known.cores)[1] > known.pattern.price.start_seconds


def _tried(recording: Recording, known: SlowLine) -> float | None:
    """The share of the reads of this line that another engine saved, where that was tried; None where not."""
    facts = recording.facts
    times = {(process, each.read): each.engine_seconds for process, each in facts.of(Probe) if each.engine_seconds}
    for process, read in facts.of(Read) if times and known.pattern.price.probe == ENGINE else ():
        site, seconds = facts.site(process, read.site), times.get((process, read.id))
        if seconds is not None and site is not None and (site.file, site.line) == (known.line.file, known.line.line):
            return max(0.0, 1 - seconds / max(read.wall_ns / 1e9, 1e-9))
    return None


def _symptoms(known: SlowLine) -> tuple[str, ...]:
    """The detectors whose findings this one explains."""
    found = _SYMPTOMS.get(known.stage, ()) + known.pattern.explains
    if known.stage == "serving" and known.pattern.price.law in _REMOVES:
        found += ("synchronous-serving",)  # work that goes away need not go to a thread
    return found + (("row-wise-python",) if _runs_per_row(known.line) else ())


def _runs_per_row(line: UserLine) -> bool:
    """Whether pandas calls the line's function, as ``apply`` does: that it does so for each row is no second cause."""
    return line.share_where(lambda way: any("/pandas/core/" in frame.file for frame in way.above)) > 0.5


def _too_few(rare: SlowLine, lines: UserLines) -> NotMeasured:
    place = Location(rare.cause_file, rare.cause)
    share = f"{100 * rare.seconds / max(lines.wall_seconds, 1e-9):.0f} %"
    return NotMeasured(
        f"{place} matches {rare.pattern.id}, but with {rare.samples} of the {MIN_SAMPLES} samples needed.",
        suspect=f"{share} of the run may be spent in a known slow pattern ({rare.pattern.id}) at {place}",
    )
