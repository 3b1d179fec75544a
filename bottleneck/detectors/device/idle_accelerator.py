"""Money paid for an accelerator that did nothing."""

from __future__ import annotations

from ...artifacts.device.gpu import Gpu
from ...artifacts.run.bill import Bill
from ...artifacts.serving.watched import Watched
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Fine, Fix, NotMeasured, Outcome
from .. import Detector


class IdleAccelerator(Detector):
    """The accelerator is paid for by the hour, and part of that time it does nothing.

    Why it matters
        Idle time costs as much as work; at a known price the waste is a sum of money.
    How it is measured
        The idle share of all measured accelerators over the run, setup included, times the price of the machine
        (``--price-per-hour``). Accelerators that are watched by their metrics count as well, at the price of one.
        Without an accelerator or a price there is no answer. It is listed under "also noticed": the time that can be
        saved belongs to the finding that makes the accelerator wait.
    How to fix it
        Apply the first fix of the plan; release the machine while data is being prepared.
    When to ignore it
        When the machine is yours and nobody else could use it.
    """

    id = "idle-accelerator"
    title = "Paid accelerator time is spent idle"
    stage = "training"
    utilization_threshold = 0.90  # accelerator use that benchmarks of storage ask for

    def detect(self, steps: Steps, gpu: Gpu, bill: Bill) -> Outcome:
        if not steps.judgeable:
            return NotMeasured("Too few steps to judge what idling costs.")
        if gpu.run_utilization >= self.utilization_threshold:
            return Fine(gpu.run_utilization, self.utilization_threshold, "share", "accelerator utilization")
        return self._idle(gpu.run_utilization, bill, gpu.count, steps.run_seconds, gpu.simulated)

    def otherwise(self, watched: Watched, bill: Bill | None) -> Outcome:
        """Judge accelerators that are watched by their metrics."""
        devices = [each for each in watched.devices if each.settled]
        if not devices:
            return NotMeasured("No accelerator was watched for long enough.")
        if bill is None:
            return NotMeasured("No price was given (--price-per-hour).")
        used = sum(each.mean("gpu_utilization_share") or 0.0 for each in devices) / len(devices)
        if used >= self.utilization_threshold:
            return Fine(used, self.utilization_threshold, "share", "accelerator utilization")
        return self._idle(used, bill, len(devices), max(each.seconds for each in devices), False)

    def _idle(self, utilization: float, bill: Bill, count: int, seconds: float, simulated: bool) -> Outcome:
        idle = 1.0 - utilization
        evidence = [
            Evidence("accelerator utilization over the run", utilization, "share"),
            Evidence("price per hour of all accelerators and their machines", round(bill.per_hour, 4)),
            Evidence("cost of idling per hour of this run", round(idle * bill.per_hour, 4)),
            Evidence("cost of idling in this run", round(idle * bill.of(seconds), 6)),
            Evidence("accelerators measured", count, "count"),
        ]
        if simulated:
            evidence.append(Evidence("accelerator", "simulated"))
        # What makes it idle is another finding's, and so is the time that a fix saves: here is the bill alone.
        return self.finding(
            evidence=tuple(evidence),
            fix=Fix(
                f"{100 * idle:.0f} % of what is paid for accelerators is for idle time: apply the plan, and prepare "
                "data on a machine without one",
                "",
                effort=2,
            ),
            detected_by=0.6,
            hint=True,
        )
