"""A loop prepares the input of its own step, in any framework, and the step waits meanwhile."""

from __future__ import annotations

import math
from dataclasses import replace

from ...artifacts.loading.own_items import OwnItems
from ...artifacts.run.user_lines import UserLines
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import (
    Evidence,
    Finding,
    Fine,
    Fix,
    Gain,
    Location,
    NotApplicable,
    NotMeasured,
    Outcome,
    StepModel,
)
from ...diagnosis.laws import best_workers, gain, step_seconds
from ...recording.facts import KnownLine
from ...recording.model import Recording
from .. import Detector
from .._common import cause_of_wait


class LoopWaitsForInput(Detector):
    """The loop prepares each batch itself, and only then runs the step that uses it.

    Why it matters
        The step is idle while its batch is prepared, and the next batch is not prepared while the step runs.
    How it is measured
        Call stacks of the thread that runs the loop, and the syntax tree of its file. Statements that feed a step of a
        framework (JAX, Keras, scikit-learn, XGBoost, matrix products in numpy) and do not depend on what the step
        changes could run ahead of it. Their time is compared with that of the rest of the loop. The gain is what is
        saved when both run at the same time, as far as there are idle cores.
    How to fix it
        Prepare the batches ahead of the step: in worker processes if Python code does the work, in threads if it waits
        for a disk or a network. Or compute once, before the loop, whatever stays the same in every pass.
    When to ignore it
        When the data is a stream that is limited by its source, or when the batches depend on the step in a way that
        the code does not show.
    """

    id = "loop-waits-for-input"
    title = "The loop prepares each batch itself while its step waits"
    stage = "data loading"
    general = True
    judges_work = False  # a loop with quick input may still have slow steps
    making_share_threshold = 0.2  # of the loop's sampled time (XProf calls 5 to 20 % moderate)
    min_rest_share = 0.05  # of the loop; with less there is next to nothing to overlap with
    min_turns = 8  # alternations of preparation and step; fewer mean too few passes
    share_threshold = 0.05  # of the run, saved by the overlap
    most_shared = 0.3  # of the preparation, done by other workers or by a policy that acts; more cannot be moved ahead
    min_called_share = 0.5  # of the preparation, in calls with frames; indexing an array is not worth a worker
    waits_share = 0.5  # of the preparation, spent waiting; from there on threads are enough
    start_seconds = 1.0  # for processes to start and import the libraries again (own)
    handover = 0.85  # of the ideal saving; sending data between processes takes time

    def detect(self, recording: Recording, lines: UserLines, items: OwnItems | None, steps: Steps | None) -> Outcome:
        if items is None and not recording.facts.of(KnownLine):
            return NotMeasured("The source of the lines that hold the time was not read.")
        if items is None:
            return Fine(0.0, self.making_share_threshold, "share", "loop time spent preparing the input of its step")
        loop_seconds = items.making_seconds + items.rest_seconds
        if steps is not None and steps.total_seconds >= 0.5 * loop_seconds:
            return NotApplicable("The loop's steps are recorded, so other checks judge their input.")
        ahead = max(items.made_elsewhere_share, items.acting_share)
        if ahead >= self.most_shared:
            return Fine(ahead, self.most_shared, "share", "input preparation by other workers or by a policy that acts")
        few = items.turns < self.min_turns or items.called_share < self.min_called_share
        if few or items.making_share < self.making_share_threshold:
            return Fine(items.making_share, self.making_share_threshold, "share", "loop time spent preparing its input")
        if 1.0 - items.making_share < self.min_rest_share:
            return Fine(1.0 - items.making_share, self.min_rest_share, "share", "loop time left for the step")
        workers, priced = self._priced(items, recording.wall_seconds)
        if priced.share < self.share_threshold:
            return Fine(priced.share, self.share_threshold, "share", "run time that preparing input ahead would save")
        return self._found(items, workers, priced)

    def _found(self, items: OwnItems, workers: int, priced: Gain) -> Finding:
        place, loop = items.made_at, items.loop
        return self.finding(
            location=Location(place.file, place.line, place.function),
            evidence=(
                Evidence("loop", str(Location(loop.file, loop.line))),
                Evidence("loop time spent preparing its input", items.making_share, "share"),
                Evidence("preparing the input", items.making_seconds, "s"),
                Evidence("step and rest of the loop", items.rest_seconds, "s"),
                Evidence("preparation time spent waiting", items.blocked_share, "share"),
                *cause_of_wait(place),
                Evidence("cores in use during the loop", round(items.busy_cores, 1), "cores"),
                Evidence("samples", items.samples, "count"),
            ),
            gain=priced,
            detected_by=0.8,
            fix=self._fix(items, workers),
            after="the step becomes the bottleneck",
        )

    def _priced(self, items: OwnItems, wall_seconds: float) -> tuple[int, Gain]:
        """(workers, gain) by the pipeline law, with the whole loop as its one step."""
        made_by_cpu = items.making_seconds * (1.0 - items.blocked_share)
        used = items.busy_cores * (items.making_seconds + items.rest_seconds)
        alone = StepModel(
            items.rest_seconds,
            items.making_seconds,
            made_by_cpu,
            max(0.0, used - made_by_cpu),
            max(1.0, items.cores),
            queue_seconds=0.0,  # a batch takes longer than its way through a queue
            steps=1,
        )
        waits = items.blocked_share >= self.waits_share
        most = max(1, math.ceil(items.cores) * (8 if waits else 1))
        workers = best_workers(alone, most)
        now = step_seconds(alone)
        best, one = (now - step_seconds(replace(alone, workers=count)) for count in (workers, 1))
        start = 0.0 if waits else self.start_seconds
        after = now - best
        method = (
            f"{items.making_seconds:.1f} s of preparation in {_count(workers, 'worker')} beside the other "
            f"{items.rest_seconds:.1f} s of the loop, on {items.cores:.1f} cores: {after:.1f} s"
        )
        return workers, gain(
            max(0.0, self.handover * best - start),
            wall_seconds,
            method,
            low_seconds=max(0.0, 0.6 * min(best, one) - 2 * start),
            high_seconds=best,
            confidence=0.6,
        )

    def _fix(self, items: OwnItems, workers: int) -> Fix:
        loop = items.loop
        where = f"while the step of the loop in line {loop.line} runs"
        if items.blocked_share >= self.waits_share:
            return Fix(
                f"Prepare the batches in {_count(workers, 'thread')} {where}; "
                "or keep in memory what every pass reads again",
                f"with ThreadPool({workers}) as pool:\n"
                "    for batch in pool.imap(make_batch, plan):\n        step(batch)",
                effort=2,
            )
        return Fix(
            f"Prepare the batches in {_count(workers, 'worker process', 'es')} {where} "
            "(multiprocessing.Pool.imap, a torch DataLoader, grain), not in threads, which would compete with the step "
            "for the GIL; or compute once, before the loop, whatever stays the same in every pass",
            f"with multiprocessing.get_context('spawn').Pool({workers}) as pool:\n"
            "    for batch in pool.imap(make_batch, plan):  # a function at the top of a module\n"
            "        step(batch)",
            effort=2,
        )


def _count(number: int, what: str, plural: str = "s") -> str:
    return f"{number} {what}{plural if number > 1 else ''}"
