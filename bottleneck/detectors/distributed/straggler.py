"""One rank is late in nearly every step, and all others wait for it."""

from __future__ import annotations

import numpy as np

from ...findings import Evidence, Finding, Fine, Fix
from ...prediction import block_bootstrap, gain
from ...timeline.ranks import Ranks
from ...timeline.steps import Floats, Loader, Steps
from .. import Detector
from ..loading._shared import location


class Straggler(Detector):
    """One rank does more than the others, or does it slower, and they wait for it where gradients are exchanged.

    Why it matters
        A distributed step takes as long as its slowest rank; the wait shows as backward time of the fast ones, and
        looks like computing there.
    How it is measured
        Steps of all ranks side by side. Who comes last to the exchange of gradients waits there least; the others'
        backward passes are longer by the time that they wait. The gain is the way from the latest rank to the mean:
        the same work, evenly dealt out.
    How to fix it
        Deal the data out so that every rank gets the same work, or look at what that rank alone has to bear.
    When to ignore it
        When the late rank changes from step to step: that is chance, and it stays silent then.
    """

    id = "straggler"
    title = "The other ranks wait for one"
    stage = "training"
    impact_threshold = 0.10  # of the step (signatures.md 53)
    late_steps_threshold = 0.60  # of the steps in which it is that rank (signatures.md 53)
    lead_share = 0.05  # of the step: less in one step is chance
    seen_waiting_share = 0.5  # of its lead that a rank is seen to wait: else nothing makes the ranks meet
    input_share = 0.5  # of the lead in loading: then it is loading

    def detect(self, steps: Steps, ranks: Ranks, loader: Loader | None) -> Finding | Fine:
        if not steps.judgeable:
            return Fine(steps.all_count, None, "count", "too few steps to compare ranks")
        own, late = ranks.own, ranks.late
        others = np.delete(own, late, axis=0)
        usual = float(np.median(others.mean(axis=1)))
        lead = float(own[late].mean()) - usual
        step = float((own + ranks.waits).mean(axis=1).max())
        if lead < self.impact_threshold * step:
            return Fine(max(0.0, lead / step), self.impact_threshold, "share", "of a step that one rank is late")
        waited = float(np.median(np.delete(ranks.waits, late, axis=0).mean(axis=1)))
        if waited < self.seen_waiting_share * lead:
            return Fine(waited / lead, self.seen_waiting_share, "share", "of its lead that a rank waits for another")
        often = float((own[late] - others.max(axis=0) > self.lead_share * step).mean())
        if often < self.late_steps_threshold:
            return Fine(often, self.late_steps_threshold, "share", "of the steps in which the same rank is late")

        value, low, high = _bootstrap(own, late)
        loading = float(ranks.input[late].mean() - np.median(np.delete(ranks.input, late, axis=0).mean(axis=1)))
        feeds = loading >= self.input_share * lead
        number = ranks.numbers[late]
        return Finding(
            detector=self.id,
            title=f"The other ranks wait for rank {number}",
            stage=self.stage,
            location=location(loader.site if loader is not None else None),
            evidence=(
                Evidence("ranks", len(ranks.numbers), "count"),
                Evidence(f"own work of rank {number} in a step", float(own[late].mean()), "s"),
                Evidence("own work of the others", usual, "s"),
                Evidence("of that lead, loading", max(0.0, min(1.0, loading / lead)), "share"),
                Evidence("steps in which it is the last", often, "share"),
            ),
            gain=gain(
                value,
                steps.run_seconds,
                f"T' = the mean of the ranks' own work, {own.mean() * 1e3:.1f} ms, for that of rank {number}, "
                f"{own[late].mean() * 1e3:.1f} ms",
                low_seconds=low,
                high_seconds=high,
                step_share=value / max(steps.total_seconds, 1e-9),
                relative_error=0.2,
                confidence=0.6,
            ),
            fix=Fix(
                f"Deal the work out evenly: rank {number} "
                + ("loads longer than the others" if feeds else "computes longer than the others"),
                "# every rank takes every n-th item, not a block of its own:\n"
                "sampler = torch.utils.data.DistributedSampler(dataset, shuffle=True)\n"
                "# or, in a sampler of your own:\n"
                "mine = indices[rank::world_size]",
                effort=2,
                risk=0.1,
            ),
            after="the ranks' own work",
            removes={"data_wait" if feeds else "forward": value},
        )


def _bootstrap(own: Floats, late: int) -> tuple[float, float, float]:
    """(value, P10, P90) of the seconds that the latest rank is behind the mean of all, over the steps."""
    mine, mean = own[late], own.mean(axis=0)
    return block_bootstrap((mine, mean), lambda a, b: float(np.maximum(a - b, 0.0).mean()) * len(mine))
