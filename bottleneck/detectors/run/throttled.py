"""The machine slows the program down on purpose: a CPU quota stops it, or a hot accelerator lowers its clock."""

from __future__ import annotations

import math

from ...artifacts.device.clocks import Clocks
from ...artifacts.run.throttling import Throttling
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Finding, Fine, Fix, NotMeasured, Outcome
from ...diagnosis.laws import gain
from .. import Detector


class Throttled(Detector):
    """A container's CPU quota throttles the program again and again, or a hot accelerator lowers its clock.

    Why it matters
        While throttled by the quota, all threads stand still until the next period begins: steps stutter, and no line
        shows why.
    How it is measured
        Every second, the time that the kernel throttled the program's run queues against the CPU time that it used:
        together they give the cores that it wanted. For an accelerator: its clock against the maximum while it is busy
        and too hot, or at its power limit; large accelerators normally run at that limit, so it is only listed under
        "also noticed".
    How to fix it
        Raise the quota (Kubernetes ``resources.limits.cpu``, Docker ``--cpus``) to the cores that the program wants,
        or start no more threads than the quota has cores. For heat: better cooling or airflow.
    When to ignore it
        When the quota is what you pay for: then it only shows that the program could use more.
    """

    id = "throttled"
    title = "The CPU quota throttles the program"
    stage = "machine"
    judges_work = False
    explains = ("oversubscribed", "cpu-bound-decode")
    lost_share_threshold = 0.05  # of the run (own)
    surely_saved_share = 0.7  # of what is lost: the rest may be lost again to others who want the cores

    def detect(self, throttling: Throttling | None, clocks: Clocks | None, steps: Steps | None) -> Outcome:
        answers: list[Finding | Fine] = []
        if throttling is not None:
            answers.append(self._by_quota(throttling, steps))
        if clocks is not None and steps is not None:
            answers.append(self._by_clock(clocks, steps))
        if not answers:
            return NotMeasured("CPU quota throttling was not recorded.")
        # What is worth a gain first, then what is only noticed.
        return min(answers, key=lambda answer: (not isinstance(answer, Finding), getattr(answer, "hint", False)))

    def _by_quota(self, throttling: Throttling, steps: Steps | None) -> Finding | Fine:
        share = throttling.lost_seconds / throttling.run_seconds
        if share < self.lost_share_threshold:
            return Fine(share, self.lost_share_threshold, "share", "run time throttled by the CPU quota")
        saved = throttling.lost_seconds
        return self.finding(
            evidence=(
                Evidence("run time throttled by the CPU quota", share, "share"),
                Evidence("CPU quota", throttling.quota_cores, "cores"),
                Evidence("cores wanted while throttled", round(throttling.wanted_cores, 1), "cores"),
            ),
            gain=gain(
                saved,
                throttling.run_seconds,
                f"T' = T x (1 - {share:.2f}): the share of time throttled by the quota",
                low_seconds=self.surely_saved_share * saved,
                step_share=throttling.step_share,
                confidence=0.6,
            ),
            fix=_higher_quota(throttling),
            after="the program's own work becomes the bottleneck",
        )

    def _by_clock(self, clocks: Clocks, steps: Steps) -> Finding | Fine:
        hot = clocks.hot_loss_share >= self.lost_share_threshold
        share = clocks.hot_loss_share if hot else clocks.capped_loss_share
        if share < self.lost_share_threshold:
            return Fine(share, self.lost_share_threshold, "share", "step time lost to a lower clock")
        saved = share * steps.total_seconds
        evidence = [
            Evidence("accelerator", clocks.device, ""),
            Evidence("clock relative to the maximum while throttled", clocks.clock_share, "share"),
            Evidence("temperature while throttled (Celsius)", round(clocks.temperature_celsius, 1), ""),
        ]
        if clocks.simulated:
            evidence.append(Evidence("values", "simulated"))
        priced = gain(
            saved,
            steps.run_seconds,
            "T' = T x clock / highest clock, in the time that it is busy",
            low_seconds=0.5 * saved,  # memory has a clock of its own, and does not get faster
            step_share=share,
            confidence=0.6,
        )
        return self.finding(
            title="A hot accelerator lowers its clock speed" if hot else "The accelerator runs at its power limit",
            evidence=tuple(evidence),
            gain=priced if hot else None,
            fix=_higher_clock(hot),
            after="the accelerator becomes the bottleneck",
            hint=not hot,
        )


def _higher_quota(throttling: Throttling) -> Fix:
    quota, wanted = throttling.quota_cores, math.ceil(throttling.wanted_cores)
    threads = max(1, int(quota))
    fewer = wanted > threads
    return Fix(
        f"Raise the CPU quota from {quota:g} to {wanted} core{'s' if wanted > 1 else ''}"
        + (f", or use at most {threads} thread{'s' if threads > 1 else ''}" if fewer else ""),
        f"# Kubernetes: resources.limits.cpu: {wanted}\ndocker run --cpus={wanted} ..."
        + (f"\n# or fewer threads: OMP_NUM_THREADS={threads}" if fewer else ""),
        effort=1,
    )


def _higher_clock(hot: bool) -> Fix:
    return Fix(
        "Improve the cooling: better airflow, or fewer neighbouring cards"
        if hot
        else "Raise the power limit if it was lowered",
        "nvidia-smi -q -d PERFORMANCE,POWER,TEMPERATURE  # says why the clock is low",
        effort=4,
    )
