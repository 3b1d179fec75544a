"""An optimizer that goes over its parameters one by one takes a large part of the step."""

from __future__ import annotations

from typing import NamedTuple

from ...artifacts.loading.loading import Loading
from ...artifacts.training.optimizers import MadeOptimizer, Optimizers
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Arguments, Evidence, Finding, Fine, Fix, NotMeasured, Outcome
from ...diagnosis.laws import gain, seconds_saved_by_less_work
from .. import Detector
from .._common import limit_after, location
from ._optimizer_law import cost_us


class _Faster(NamedTuple):
    """``left_share``: of the time by loop; ``looping_share``: of all that optimizers loop in the run, this one's."""

    optimizer: MadeOptimizer
    way: str
    left_share: float
    looping_share: float


class OptimizerStep(Detector):
    """The optimizer updates its parameters one tensor at a time, and that takes a large part of each step.

    Why it matters
        For each tensor it launches about ten small operations; with many tensors that can cost more than the backward
        pass.
    How it is measured
        The time in ``optimizer.step()`` against the wall time of the steps; sampled stacks tell how much of it torch
        spends in its loop over single tensors. What a fused operation would leave of that follows from the class and
        the sizes of the tensors: a table of what both ways cost on one machine, scaled to the time of the loop in this
        run.
    How to fix it
        Use ``fused=True`` if the class has it; otherwise ``foreach=True`` for many small tensors.
    When to ignore it
        When results must stay identical to the last bit. With a few large tensors it is a hint, not a finding.
    """

    id = "optimizer-step"
    title = "The optimizer updates tensors one by one"
    stage = "training"
    explains = ("small-batch",)
    share_threshold = 0.15  # of the steps (own)
    looping_threshold = 0.5  # of the optimizer's time in torch's loop over tensors: the discriminator
    min_tensors = 50  # fewer are a small model, or large tensors with the usual optimizer: worth a hint, no fault
    min_values = 1e6  # of all tensors: with fewer tensors and values everything is overhead, and nothing is said
    min_sampled_seconds = 0.2  # in the optimizer: fewer samples tell nothing
    max_left = 0.8  # of the loop's time, after the change: a gain below a fifth is within the table's error
    law_error = 1.4  # factor, either way: of what is left, between machines and numbers of threads (own measurement)

    def detect(self, steps: Steps, optimizers: Optimizers, loading: Loading | None) -> Outcome:
        if optimizers.share < self.share_threshold:
            return Fine(optimizers.share, self.share_threshold, "share", "step time spent in the optimizer")
        if optimizers.sampled_seconds < self.min_sampled_seconds:
            return NotMeasured("Too few samples fell into the optimizer.")
        if optimizers.looping_share < self.looping_threshold:
            reason = "share of optimizer time spent tensor by tensor"
            return Fine(optimizers.looping_share, self.looping_threshold, "share", reason)
        tensors = max(made.tensors for made in optimizers.made)
        if tensors < self.min_tensors and max(made.value_count for made in optimizers.made) < self.min_values:
            return Fine(tensors, self.min_tensors, "count", "tensors in the model")
        faster = self._faster(optimizers)
        if faster is None or faster.left_share > self.max_left:
            left = None if faster is None else faster.left_share
            return Fine(left, self.max_left, "share", "optimizer time that a fused step would leave")
        return self._finding(steps, optimizers, loading, faster)

    def _finding(self, steps: Steps, optimizers: Optimizers, loading: Loading | None, faster: _Faster) -> Finding:
        made, way, left, part = faster
        count = max(steps.count, 1)
        looping = float(steps.phase("optimizer").sum()) * optimizers.looping_share * part

        def saved_when(left: float) -> float:
            return seconds_saved_by_less_work(steps, loading, looping * max(0.0, 1 - left) / count, 1.0)

        saved = saved_when(left)
        site = made.site
        return self.finding(
            location=location(site),
            evidence=(
                Evidence("step time spent in the optimizer", optimizers.share, "share"),
                Evidence("share of optimizer time spent tensor by tensor", optimizers.looping_share, "share"),
                Evidence("optimizer", made.name),
                Evidence("parameter tensors", made.tensors, "count"),
                Evidence("values in all parameter tensors", int(made.value_count), "count"),
                Evidence("optimizer time per step, tensor by tensor", looping / count, "s"),
            ),
            gain=gain(
                saved,
                steps.run_seconds,
                f"{looping / count * 1e3:.2f} ms per step tensor by tensor; {way} leaves about {left:.0%} of that for "
                f"{made.tensors} tensors of these sizes",
                low_seconds=saved_when(left * self.law_error),
                high_seconds=saved_when(left / self.law_error),
                step_share=saved / max(steps.total_seconds, 1e-9),
                relative_error=0.05,
                confidence=0.6,
            ),
            fix=Fix(
                f"Let {made.name} update all tensors at once ({way}=True)",
                f"torch.optim.{made.name}(..., {way}=True)",
                effort=1,
                risk=0.2,  # other rounding
                edit=None
                if site is None
                else Arguments(site.file, site.line, f"torch.optim.{made.name}", {way: "True"}),
            ),
            after=limit_after(steps, loading, saved / count, "forward and backward computation"),
            removes={"optimizer": saved},
            hint=made.tensors < self.min_tensors,
        )

    @staticmethod
    def _faster(optimizers: Optimizers) -> _Faster | None:
        """The optimizer that loops most, by the table, and its best other way; None where the table has none."""
        looping = [made for made in optimizers.made if made.device == "cpu" and not (made.fused or made.foreach)]
        costs = {made: cost_us(_key(made), "loop", made.sizes) or 0.0 for made in looping}
        # Nobody knows what one that is not in the table takes of the time.
        if not looping or not all(costs.values()):
            return None
        made = max(costs, key=costs.__getitem__)
        ways = {way: cost_us(_key(made), way, made.sizes) for way in ("foreach", *(["fused"] if made.can_fuse else []))}
        left, way = min((value / costs[made], way) for way, value in ways.items() if value is not None)
        return _Faster(made, way, left, costs[made] / sum(costs.values()))


def _key(made: MadeOptimizer) -> str:
    return f"{made.name} momentum" if made.momentum and made.name == "SGD" else made.name
