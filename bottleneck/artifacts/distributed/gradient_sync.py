"""How the ranks of a DistributedDataParallel model exchange gradients: how often, and how much is exposed. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ... import signals
from ...recording.facts import Ddp, Exchange
from ...recording.model import Recording, Site
from .. import Missing
from ..training.steps import Floats, Steps

_WARM_PASSES = 10  # exchanges before the buckets reach their final form and the caches are warm


@dataclass(frozen=True)
class Setting:
    """The configuration of a DistributedDataParallel model. ``site``: where it was created."""

    site: Site | None
    device: str
    backend: str
    find_unused: bool
    static_graph: bool
    world_size: int


@dataclass(frozen=True)
class GradientSync:
    """The gradient exchange of one model in the sampled backward passes. Arrays have one value per pass.

    ``exposed_seconds``: from the last gradient to the last exchanged bucket, shape (ranks, passes). Part of it is
    waiting for a slower rank. The slowest rank does not wait, so the minimum over ranks is the exchange itself:
    ``net_seconds``. ``overlap_seconds``: time in which the exchange overlaps the backward pass, also the minimum over
    ranks.
    ``passes_per_step``: backward passes per optimizer step.
    ``synced_share``: share of the sampled backward passes that exchange gradients. ``unused_bytes``: size of the
    gradients that never arrived, the maximum over passes.
    """

    setting: Setting
    site: Site | None  # the backward call
    passes_per_step: float
    looked_at: int
    synced_share: float
    exposed_seconds: Floats
    overlap_seconds: Floats
    bucket_bytes: tuple[int, ...]
    unused_bytes: int

    @property
    def net_seconds(self) -> Floats:
        least: Floats = self.exposed_seconds.min(axis=0)
        return least

    @property
    def count(self) -> int:
        """Passes that every rank has timed; 0 unless all ranks were recorded, as waits cannot be told apart then."""
        return int(self.exposed_seconds.shape[1]) if len(self.exposed_seconds) == self.setting.world_size > 1 else 0

    @property
    def wait_seconds(self) -> Floats:
        beyond: Floats = self.exposed_seconds - self.net_seconds
        return beyond

    @classmethod
    def compute(cls, recording: Recording, steps: Steps) -> GradientSync:
        """For the largest model that the main loop trains."""
        facts = recording.facts
        looks: dict[tuple[int, int], list[Exchange]] = {}  # of (model, process)
        for process, exchange in facts.of(Exchange):
            looks.setdefault((exchange.id, process), []).append(exchange)
        sizes = {model: sum(found[-1].buckets) for (model, p), found in looks.items() if p == steps.process}
        model = max(sizes, key=sizes.__getitem__, default=0)
        made = next((made for made in facts.of_process(Ddp, steps.process) if made.id == model), None)
        if made is None or not sizes:
            raise Missing("No backward pass of a DistributedDataParallel model was recorded.")
        mine = looks[model, steps.process]
        ranks = [p for m, p in looks if m == model and (p in steps.rank_rows or p == steps.process)]
        times = _times_of_all([looks[model, process] for process in ranks])

        def site(key: int) -> Site | None:
            return facts.site(steps.process, key)

        return cls(
            Setting(
                site(made.site),
                made.device,
                made.backend,
                made.find_unused,
                made.static_graph,
                made.world_size,
            ),
            site(mine[-1].site),
            _passes_per_step(recording, steps.process),
            len(mine),
            float(np.mean([look.synced for look in mine])),
            np.maximum(times[:, :, 1] - times[:, :, 2], 0.0),
            times[:, :, 2].min(axis=0),
            tuple(mine[-1].buckets),
            max(look.unused_bytes for look in mine),
        )


def _times_of_all(looks: list[list[Exchange]]) -> Floats:
    """Seconds with shape (ranks, passes, kinds), for the passes that every rank has timed."""
    by_pass = [{look.iteration: look.times_ns for look in found if look.times_ns[1] > 0} for found in looks]
    common = sorted(set.intersection(*(set(found) for found in by_pass)))
    times = [[found[number] for number in common if number > _WARM_PASSES] for found in by_pass]
    return np.array(times, float).reshape(len(looks), -1, 3) / 1e9


def _passes_per_step(recording: Recording, process: int) -> float:
    def count(wanted: int) -> int:
        return sum(c for (p, phase, _), (c, _) in recording.totals.items() if p == process and phase == wanted)

    return count(signals.BACKWARD) / max(count(signals.OPTIMIZER), 1)
