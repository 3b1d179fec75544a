"""Autograd anomaly detection that was left enabled."""

from __future__ import annotations

from ...artifacts.loading.loading import Loading
from ...artifacts.training.steps import Steps
from ...artifacts.training.switches import Switches
from ...diagnosis.findings import Arguments, Evidence, Fine, Fix, Outcome
from ...diagnosis.laws import gain, seconds_saved_by_less_work
from ...recording.model import Site
from .. import Detector
from .._common import limit_after, location

_SWITCH = "torch.autograd.set_detect_anomaly"


class AnomalyDetectionOn(Detector):
    """Autograd anomaly detection is still enabled once the training has settled.

    Why it matters
        With it, every operation records the call stack that created it, and every backward pass is searched for NaNs.
    How it is measured
        torch is asked once, in a backward pass about ten steps into the run; sampled stacks tell how long the steps
        spend recording call stacks. The search for NaNs cannot be separated from the backward pass, so the gain is a
        lower bound. If recording takes little, or was not sampled, it is a hint: listed under "also noticed" and never
        ranked.
    How to fix it
        Remove it, or enable it only after the loss has become NaN.
    When to ignore it
        In a run that is meant to find a NaN.
    """

    id = "anomaly-detection-on"
    title = "Autograd anomaly detection is enabled"
    stage = "training"
    explains = ("anomaly-mode-on",)
    share_threshold = 0.02  # of the steps (own): shown where it takes more
    search_share = 0.7  # of the backward, that the search for NaN takes at most; measured on layers of 128

    def detect(self, steps: Steps, switches: Switches, loading: Loading | None) -> Outcome:
        if not switches.anomaly:
            return Fine(0, None, "count", "debugging switches enabled")
        priced, saved, site = None, 0.0, switches.site
        total, count = sum(switches.seconds.values()), max(steps.count, 1)
        if switches.share >= self.share_threshold:
            searching = self.search_share * float(steps.phase("backward").sum())
            saved = seconds_saved_by_less_work(steps, loading, total / count, 1.0)
            priced = gain(
                saved,
                steps.run_seconds,
                f"{total:.2f} s of step time recording call stacks; the search for NaNs comes on top",
                high_seconds=seconds_saved_by_less_work(steps, loading, (total + searching) / count, 1.0),
                step_share=saved / max(steps.total_seconds, 1e-9),
            )
        return self.finding(
            location=location(site),
            evidence=(
                Evidence("anomaly detection", "on"),
                Evidence("step time spent recording call stacks", switches.share, "share"),
            ),
            gain=priced,
            fix=_fix(site),
            after=limit_after(steps, loading, saved / count, "the remaining work of the step") if priced else "",
            removes={phase: saved * seconds / max(total, 1e-9) for phase, seconds in switches.seconds.items()},
            hint=priced is None,
        )


def _fix(site: Site | None) -> Fix:
    return Fix(
        "Switch it off: it is a debugging aid for finding NaNs",
        f"{_SWITCH}(False)",
        effort=1,
        edit=None if site is None else Arguments(site.file, site.line, _SWITCH, {"mode": "False"}),
    )
