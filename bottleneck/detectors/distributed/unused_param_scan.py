"""DistributedDataParallel looks for parameters without a gradient, and there are none."""

from __future__ import annotations

from ...artifacts.distributed.gradient_sync import GradientSync
from ...diagnosis.findings import Evidence, Fine, Fix, NotMeasured, Outcome
from .. import Detector
from .._common import location


class UnusedParamScan(Detector):
    """DistributedDataParallel is told to search for unused parameters in every step, and never finds one.

    Why it matters
        It traverses the whole graph after each forward pass, and the ranks exchange what was used.
    How it is measured
        The model's ``find_unused_parameters``, and what DistributedDataParallel itself found unused in the backward
        passes that were checked. The cost of the search is not measured, and is usually small: it is listed under
        "also noticed" without a gain.
    How to fix it
        Remove find_unused_parameters=True.
    When to ignore it
        When the model sometimes takes another path through its layers: torch raises an error where the search is
        needed.
    """

    id = "unused-param-scan"
    title = "DDP searches for unused parameters and finds none"
    stage = "training"
    min_passes = 20  # looked at, all without an unused parameter

    def detect(self, gradient_sync: GradientSync) -> Outcome:
        setting = gradient_sync.setting
        if not setting.find_unused or setting.static_graph:  # of a static graph it is done once
            return Fine(0, None, "count", "searches for unused parameters")
        if gradient_sync.unused_bytes:
            return Fine(gradient_sync.unused_bytes, 0, "B", "size of unused parameters: the search is needed")
        if gradient_sync.looked_at < self.min_passes:
            return NotMeasured("Too few backward passes were checked to say that no parameter is ever unused.")
        return self.finding(
            location=location(setting.site),
            evidence=(
                Evidence("find_unused_parameters", "on"),
                Evidence("backward passes checked, none with unused parameters", gradient_sync.looked_at, "count"),
            ),
            fix=Fix(
                "Remove find_unused_parameters=True",
                "model = torch.nn.parallel.DistributedDataParallel(model)",
                effort=1,
                risk=0.1,
            ),
            hint=True,
        )
