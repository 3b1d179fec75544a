"""Money paid for an accelerator that did nothing."""

from __future__ import annotations

from ...artifacts.device.gpu import Gpu
from ...artifacts.run.machine import Settings
from ...artifacts.serving.watched import Watched
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Fine, Fix, NotMeasured, Outcome
from .. import Detector


class IdleAccelerator(Detector):
    """The accelerator is paid for by the hour, and part of that time it does nothing.

    Why it matters
        Idle time costs as much as work; at a known price the waste is a sum of money.
    How it is measured
        The idle share of all measured accelerators over the run, setup included, times the price of one
        (``--price-per-hour``). Accelerators that are watched by their metrics count as well. Without an accelerator or
        a price there is no answer. It is listed under "also noticed": the time that can be saved belongs to the finding
        that makes the accelerator wait.
    How to fix it
        Apply the first fix of the plan; release the machine while data is being prepared.
    When to ignore it
        When the machine is yours and nobody else could use it.
    """

    id = "idle-accelerator"
    title = "Paid accelerator time is spent idle"
    stage = "training"
    utilization_threshold = 0.90  # accelerator use that benchmarks of storage ask for

    def detect(self, steps: Steps, gpu: Gpu, settings: Settings) -> Outcome:
        if settings.price_per_hour is None:
            return NotMeasured("No price was given (--price-per-hour).")
        if not steps.judgeable:
            return NotMeasured("Too few steps to judge what idling costs.")
        if gpu.run_utilization >= self.utilization_threshold:
            return Fine(gpu.run_utilization, self.utilization_threshold, "share", "accelerator utilization")
        return self._bill(gpu.run_utilization, settings.price_per_hour, gpu.count, steps.run_seconds, gpu.simulated)

    def otherwise(self, watched: Watched, settings: Settings) -> Outcome:
        """Judge accelerators that are watched by their metrics."""
        devices = [each for each in watched.devices if each.settled]
        if not devices:
            return NotMeasured("No accelerator was watched for long enough.")
        if settings.price_per_hour is None:
            return NotMeasured("No price was given (--price-per-hour).")
        used = sum(each.mean("gpu_utilization_share") or 0.0 for each in devices) / len(devices)
        if used >= self.utilization_threshold:
            return Fine(used, self.utilization_threshold, "share", "accelerator utilization")
        return self._bill(used, settings.price_per_hour, len(devices), max(each.seconds for each in devices), False)

    def _bill(self, utilization: float, price: float, count: int, seconds: float, simulated: bool) -> Outcome:
        per_hour = (1.0 - utilization) * price * count
        paid = per_hour * seconds / 3600
        evidence = [
            Evidence("accelerator utilization over the run", utilization, "share"),
            Evidence("price of one accelerator per hour (--price-per-hour)", price),
            Evidence("cost of idling per hour of this run", round(per_hour, 4)),
            Evidence("cost of idling in this run", round(paid, 6)),
            Evidence("accelerators measured", count, "count"),
        ]
        if simulated:
            evidence.append(Evidence("accelerator", "simulated"))
        # What makes it idle is another finding's, and so is the time that a fix saves: here is the bill alone.
        return self.finding(
            evidence=tuple(evidence),
            fix=Fix(
                f"Idle time costs {per_hour:.2f} per hour of this run ({paid:.4f} so far), at "
                f"{price:g} per hour: apply the plan, and prepare data on a machine without one",
                "",
                effort=2,
            ),
            detected_by=0.6,
            hint=True,
        )
