"""The device waits for the next kernel to be launched, all through the step."""

from __future__ import annotations

import numpy as np

from ...artifacts.device.kernels import DeviceKernels
from ...artifacts.device.places import DevicePlaces
from ...artifacts.device.window import Device
from ...artifacts.loading.loading import Loading
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Fine, Fix, Outcome
from .. import Detector
from .._common import location
from ._shared import IDLE, evidence, priced


class LaunchBound(Detector):
    """Kernels are so short that the device finishes each one before the host has launched the next.

    Why it matters
        A launch costs the host the same for a small kernel as for a large one. The device idles in many tiny gaps, and
        a faster device would change nothing.
    How it is measured
        In a window of traced steps (``--device-window``): gaps on the device that are too short for the host to have
        done more than launch a kernel, outside the wait for data and not after a host wait. The step is compared with
        one outside the window, because tracing slows the host but not the kernels. The gain is ``T' = max(device busy,
        host - N x launch)``: a single launch replays all operations of the host.
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
    kernel_threshold_seconds = 10e-6  # the median kernel is shorter (own)
    captured_share = 0.6  # of the operations, at worst: what a graph cannot hold is still launched by the host
    gaps_share = 0.5  # of the idle time outside the wait for data: else something larger is in the way

    def detect(
        self, steps: Steps, device: Device, kernels: DeviceKernels, places: DevicePlaces, loading: Loading | None
    ) -> Outcome:
        typical, gaps = max(device.typical_seconds, 1e-12), device.idle_seconds_by("launch")
        share = gaps / typical
        if share < self.idle_threshold:
            return Fine(share, self.idle_threshold, "share", "step time in which the device waits for launches")
        if kernels.typical_seconds >= self.kernel_threshold_seconds:
            return Fine(kernels.typical_seconds, self.kernel_threshold_seconds, "s", "median kernel time")
        others = device.idle_seconds_by("launch", "sync", "copy", "host")
        if gaps < self.gaps_share * others:
            return Fine(gaps / others, self.gaps_share, "share", "device idle time in gaps between launches")
        launches = device.of("launch")
        call = float(np.median(device.seconds(launches))) if len(launches) else 0.0
        per_step = len(launches) / device.steps
        saved = min(gaps, _dispatch_seconds(device))
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
            location=location(places.forward),
            evidence=evidence(
                device,
                Evidence("device idle time between launches", share, "share"),
                Evidence("launches per step", round(per_step), "count"),
                Evidence("median kernel time", kernels.typical_seconds, "s"),
                Evidence("median launch time", call, "s"),
            ),
            gain=worth,
            fix=Fix(
                "Launch the step at once: compile the model, or capture a CUDA graph",
                'model = torch.compile(model, mode="reduce-overhead")',
                effort=2,
                risk=0.1,
            ),
            after="the device becomes the bottleneck",
            removes={IDLE: worth.seconds},
        )


def _dispatch_seconds(device: Device) -> float:
    """Seconds per step, outside the window, that the host spends in operations which launch something."""
    operations = np.setdiff1d(device.rows["op"][device.of("launch")], [-1])
    mine = device.of("cpu_op")
    mine = mine[np.isin(device.rows["op"][mine], operations)]
    spans = device.spans(mine if len(mine) else device.of("launch"))
    seconds = float((spans[:, 1] - spans[:, 0]).sum()) / 1e9 / device.steps
    return seconds * min(1.0, device.typical_seconds / max(device.step_seconds, 1e-12))
