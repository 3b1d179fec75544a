"""The device waits for the next kernel to be launched, all through the step."""

from __future__ import annotations

import numpy as np

from ...artifacts.device.kernels import DeviceKernels
from ...artifacts.device.places import DevicePlaces
from ...artifacts.device.timed import Timed
from ...artifacts.device.window import Device, dispatches
from ...artifacts.loading.loading import Loading
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Fine, Fix, Outcome
from ...recording.intervals import seconds_of
from .. import Detector
from .._common import location
from ._shared import IDLE, evidence, evidence_by_marks, priced, priced_by_marks

_WINDOW = "# bottleneck run --device-window 10 ...  (the rest of the command as before)\n"


class LaunchBound(Detector):
    """Kernels are so short that the device finishes each one before the host has launched the next.

    Why it matters
        A launch costs the host the same for a small kernel as for a large one. The device idles in many tiny gaps, and
        a faster device would change nothing.
    How it is measured
        In a window of traced steps (``--device-window``): gaps on the device that are too short for the host to have
        done more than launch a kernel, and the part of longer ones in which the host is in operations that launch
        kernels; outside the wait for data and not after a host wait. The step is compared with one outside the window,
        because tracing slows the host but not the kernels. The gain is ``T' = max(device busy,
        host - N x launch)``: a single launch replays all operations of the host. In other runs: events at the borders
        of the phases say how long the host launches without getting ahead of the device; how busy that is meanwhile,
        only a window shows.
    How to fix it
        Use ``torch.compile(model, mode="reduce-overhead")`` or CUDA graphs, a larger batch, foreach or fused
        optimizers.
    When to ignore it
        When shapes change in every step: graphs would be captured again and again.
    """

    id = "launch-bound"
    title = "The device waits for kernel launches"
    stage = "training"
    idle_threshold = 0.15  # of the step (XProf's high band for launches)
    kernel_threshold_seconds = 10e-6  # the median kernel is shorter (own), or than the host takes to launch one
    captured_share = 0.6  # of the operations, at worst: what a graph cannot hold is still launched by the host
    kept_up_threshold = 0.5  # of the step, in phases before and after which the device has nothing left to do (own)
    gaps_share = 0.5  # of the idle time outside the wait for data: else something larger is in the way

    def detect(
        self, steps: Steps, device: Device, kernels: DeviceKernels, places: DevicePlaces, loading: Loading | None
    ) -> Outcome:
        typical, gaps = max(device.typical_seconds, 1e-12), device.idle_seconds_by("launch")
        share = gaps / typical
        if share < self.idle_threshold:
            return Fine(share, self.idle_threshold, "share", "step time in which the device waits for launches")
        dispatching, per_step = _dispatch_seconds(device), len(device.of("launch")) / device.steps
        threshold = max(self.kernel_threshold_seconds, dispatching / max(per_step, 1.0))
        if kernels.typical_seconds >= threshold:
            return Fine(kernels.typical_seconds, threshold, "s", "median kernel time")
        others = device.idle_seconds_by("launch", "sync", "copy", "host")
        if gaps < self.gaps_share * others:
            return Fine(gaps / others, self.gaps_share, "share", "device idle time in gaps between launches")
        launches = device.of("launch")
        call = float(np.median(device.seconds(launches))) if len(launches) else 0.0
        saved = min(gaps, dispatching)
        worth = priced(
            device,
            steps,
            loading,
            saved,
            f"T' = max(device, host - N x launch), N = {per_step:.0f}, device {device.busy_seconds * 1e3:.2f} ms",
            low=self.captured_share * saved,
            high=gaps,
            cpu_share=1.0,
            confidence=0.6,
        )
        return self.finding(
            location=location(places.launches or places.forward),
            evidence=evidence(
                device,
                Evidence("device idle time between launches", share, "share"),
                Evidence("launches per step", round(per_step), "count"),
                Evidence("median kernel time", kernels.typical_seconds, "s"),
                Evidence("median launch time", call, "s"),
                Evidence("host time per launch", dispatching / max(per_step, 1.0), "s"),
            ),
            gain=worth,
            fix=_fix("Launch the step at once"),
            after="the device becomes the bottleneck",
            removes={IDLE: worth.seconds},
        )

    def otherwise(self, steps: Steps, timed: Timed, places: DevicePlaces, loading: Loading | None) -> Outcome:
        launching = timed.kept_up_seconds
        share = launching / timed.step_seconds
        if share < self.kept_up_threshold:
            reason = "step time in which the device keeps up with the host's launches"
            return Fine(share, self.kept_up_threshold, "share", reason)
        worth = priced_by_marks(
            timed,
            steps,
            loading,
            launching * self.captured_share / 2,
            "T' = max(device, host - N x launch); the device may be busy for part of that time: a window shows it",
            low=0.0,
            high=launching,
        )
        return self.finding(
            location=location(places.forward),
            evidence=evidence_by_marks(timed, Evidence("launch time while the device waits", share, "share")),
            gain=worth,
            detected_by=0.6,
            fix=_fix("Run again with --device-window 10 to see the gaps; then launch the step at once", _WINDOW),
            after="the device becomes the bottleneck",
            removes={IDLE: worth.seconds},
        )


def _fix(summary: str, before: str = "") -> Fix:
    return Fix(
        f"{summary}: compile the model, or capture a CUDA graph",
        f'{before}model = torch.compile(model, mode="reduce-overhead")',
        effort=2,
        risk=0.1,
    )


def _dispatch_seconds(device: Device) -> float:
    """Seconds per step, outside the window, that the host spends in operations which launch something."""
    seconds = seconds_of(dispatches(device.rows)) / device.steps
    return seconds * min(1.0, device.typical_seconds / max(device.step_seconds, 1e-12))
