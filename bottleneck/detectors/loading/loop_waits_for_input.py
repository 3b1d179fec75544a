"""A loop makes the input of its own step, in any framework, and the step waits meanwhile."""

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


class LoopWaitsForInput(Detector):
    """The loop makes each batch itself, one after another with the step that uses it.

    Why it matters
        While a batch is made the step stands still, and while the step runs nobody makes the next batch.
    How it is measured
        Call stacks of the thread that runs the loop, and the syntax tree of its file: statements that feed a step of a
        framework (JAX, Keras, scikit-learn, XGBoost, products of matrices in numpy) and that do not depend on what the
        step changes could run ahead of it. Their time is compared with that of the rest of the loop. The gain is what
        is saved when both run at the same time, as far as cores are idle.
    How to fix it
        Make the batches ahead: in worker processes where Python makes them, in threads where they wait for a disk or a
        network. Or make once, before the loop, what stays the same in every pass.
    When to ignore it
        When the data is a stream that is limited at its source, or the items depend on the step in a way that the
        source does not show.
    """

    id = "loop-waits-for-input"
    title = "The loop makes each batch itself, and its step waits meanwhile"
    stage = "data loading"
    general = True
    judges_work = False  # that a loop makes its items quickly says nothing of its steps
    making_share_threshold = 0.2  # of the loop (XProf calls 5 to 20 % moderate): its parts are sampled, not measured
    min_rest_share = 0.05  # of the loop, else there is next to nothing to overlap with
    min_turns = 8  # between making and the rest, else the passes are few
    share_threshold = 0.05  # of the run, that overlap saves
    most_shared = 0.3  # of the making, that others do or in which a policy acts: it cannot be done ahead
    min_called_share = 0.5  # of the making, in calls with frames: an index into an array is no work for others
    waits_share = 0.5  # of the making: threads are enough
    start_seconds = 1.0  # that processes take to start, and to import the libraries again (own)
    handover = 0.85  # of the ideal saving: what is sent from one process to another costs time

    def detect(self, recording: Recording, lines: UserLines, items: OwnItems | None, steps: Steps | None) -> Outcome:
        if items is None and not recording.facts.of(KnownLine):
            return NotMeasured("The source of the lines that hold the time was not read.")
        if items is None:
            return Fine(0.0, self.making_share_threshold, "share", "time of a loop in making its step's own items")
        loop_seconds = items.making_seconds + items.rest_seconds
        if steps is not None and steps.total_seconds >= 0.5 * loop_seconds:
            return NotApplicable("The steps of the loop are recorded, and are judged by what they wait for.")
        ahead = max(items.made_elsewhere_share, items.acting_share)
        if ahead >= self.most_shared:
            return Fine(
                ahead, self.most_shared, "share", "time of making items that others take, or a policy that acts"
            )
        few = items.turns < self.min_turns or items.called_share < self.min_called_share
        if few or items.making_share < self.making_share_threshold:
            return Fine(
                items.making_share, self.making_share_threshold, "share", "time of the loop in making its items"
            )
        if 1.0 - items.making_share < self.min_rest_share:
            return Fine(1.0 - items.making_share, self.min_rest_share, "share", "time of the loop beside making items")
        workers, priced = self._priced(items, recording.wall_seconds)
        if priced.share < self.share_threshold:
            return Fine(priced.share, self.share_threshold, "share", "run time that making items ahead would save")
        return self._found(items, workers, priced)

    def _found(self, items: OwnItems, workers: int, priced: Gain) -> Finding:
        place, loop = items.made_at, items.loop
        return self.finding(
            location=Location(place.file, place.line, place.function),
            evidence=(
                Evidence("loop", f"{loop.file}:{loop.line}"),
                Evidence("time of the loop in making its items", items.making_share, "share"),
                Evidence("making items", items.making_seconds, "s"),
                Evidence("the step and the rest of the loop", items.rest_seconds, "s"),
                Evidence("waiting share of the making", items.blocked_share, "share"),
                Evidence("cores in use meanwhile", round(items.busy_cores, 1), "cores"),
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
            f"making {items.making_seconds:.1f} s and the rest {items.rest_seconds:.1f} s of the loop at once, "
            f"with {workers} to make ahead and {items.cores:.1f} cores: {after:.1f} s"
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
        where = f"the loop in line {loop.line}"
        if items.blocked_share >= self.waits_share:
            return Fix(
                f"Make the batches ahead of {where}, and wait for them while the step computes, in "
                f"{_count(workers, 'thread')}; or keep in memory what each pass reads again",
                f"with ThreadPool({workers}) as pool:\n"
                "    for batch in pool.imap(make_batch, plan):\n        step(batch)",
                effort=2,
            )
        return Fix(
            f"Make the batches ahead of {where} in {_count(workers, 'worker process', 'es')} "
            "(multiprocessing.Pool.imap, a torch DataLoader, grain): a thread that runs Python would take the step's "
            "place; or make once, before the loop, what stays the same in every pass",
            f"with multiprocessing.get_context('spawn').Pool({workers}) as pool:\n"
            "    for batch in pool.imap(make_batch, plan):  # a function at the top of a module\n"
            "        step(batch)",
            effort=2,
        )


def _count(number: int, what: str, plural: str = "s") -> str:
    return f"{number} {what}{plural if number > 1 else ''}"
