"""DistributedDataParallel looks for parameters without a gradient, and there are none."""

from __future__ import annotations

from ...artifacts.distributed.gradient_sync import GradientSync
from ...diagnosis.findings import Evidence, Finding, Fine, Fix, NotMeasured
from .. import Detector
from ..loading._shared import location


class UnusedParamScan(Detector):
    """DistributedDataParallel is told to look for unused parameters in each step, and never finds one.

    Why it matters
        It goes through the whole graph after each forward pass, and ranks tell each other what was used.
    How it is measured
        The model's find_unused_parameters, and what DistributedDataParallel itself has found unused in the backward
        passes that were looked at. What the search takes is not measured, and mostly little: it is shown aside,
        without a price.
    How to fix it
        Remove find_unused_parameters=True.
    When to ignore it
        When the model takes another way through its layers now and then: torch raises an error where it is needed.
    """

    id = "unused-param-scan"
    title = "DDP searches for unused parameters and finds none"
    stage = "training"
    min_passes = 20  # looked at, all without an unused parameter

    def detect(self, gradient_sync: GradientSync) -> Finding | Fine | NotMeasured:
        setting = gradient_sync.setting
        if not setting.find_unused or setting.static_graph:  # of a static graph it is done once
            return Fine(0, None, "count", "searches for unused parameters")
        if gradient_sync.unused_bytes:
            return Fine(gradient_sync.unused_bytes, 0, "B", "size of unused parameters: the search is needed")
        if gradient_sync.looked_at < self.min_passes:
            return NotMeasured("Too few backward passes were checked to say that no parameter is ever unused.")
        return Finding(
            detector=self.id,
            title=self.title,
            stage=self.stage,
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
