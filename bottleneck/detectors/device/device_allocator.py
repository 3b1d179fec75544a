"""Steps take device memory from the driver and give it back."""

from __future__ import annotations

from ...artifacts.device.places import DevicePlaces
from ...artifacts.device.window import Device
from ...artifacts.loading.loading import Loading
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Fine, Fix, NotMeasured, Outcome
from ...recording.intervals import seconds_of
from .. import Detector
from .._common import location
from ._shared import IDLE, STEP_DEAD_BAND, evidence, priced


class DeviceAllocator(Detector):
    """In every step, device memory is taken from the driver and given back instead of being reused.

    Why it matters
        ``cudaFree`` waits until the device has finished all its work, and ``cudaMalloc`` takes up to a millisecond.
        torch's caching allocator exists so that steps need neither.
    How it is measured
        In traced steps (``--device-window``, or a trace of another tool): the calls that allocate and free device
        memory, and the time in which the device idles meanwhile. In our own window, the first step does not count.
    How to fix it
        Unset ``PYTORCH_NO_CUDA_MEMORY_CACHING``, and remove ``torch.cuda.empty_cache()`` from the loop. If the cache is
        on and shapes vary, set ``PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True``, or pad to a few lengths.
    When to ignore it
        When other programs need the memory between the steps.
    """

    id = "device-allocator"
    title = "Each step takes device memory from the driver and gives it back"
    stage = "training"
    explains = ("sync-point", "launch-bound")
    share_threshold = STEP_DEAD_BAND  # of the step (own)
    calls_threshold = 1.0  # per step: a warm cache needs none (own)

    def detect(self, steps: Steps, device: Device, places: DevicePlaces, loading: Loading | None) -> Outcome:
        calls = device.of("alloc")
        if not len(calls) and not len(device.of("launch")):
            return NotMeasured("The trace holds no calls of the driver.")
        seconds = seconds_of(device.spans(calls)) / max(device.steps, 1)
        count = len(calls) / max(device.steps, 1)
        typical = max(device.typical_seconds, 1e-12)
        if count < self.calls_threshold or seconds < self.share_threshold * typical:
            return Fine(
                seconds / typical, self.share_threshold, "share", "step time in which the driver allocates memory"
            )
        saved = min(seconds, device.idle_seconds)
        if saved < self.share_threshold * typical:
            reason = "step time in which the device idles while the driver allocates memory"
            return Fine(saved / typical, self.share_threshold, "share", reason)
        worth = priced(
            device,
            steps,
            loading,
            0.9 * saved,
            f"{seconds * 1e3:.1f} ms of {count:.0f} calls a step, as far as the device idles meanwhile",
            low=0.7 * saved,
            high=saved,
        )
        return self.finding(
            location=location(places.allocation),
            evidence=evidence(
                device,
                Evidence("calls to allocate or free per step", round(count, 1), "count"),
                Evidence("time in them per step", seconds, "s"),
            ),
            gain=worth,
            fix=Fix(
                "Let torch reuse the memory: keep its caching allocator on, and do not empty the cache in the loop",
                "unset PYTORCH_NO_CUDA_MEMORY_CACHING\n"
                "# with lengths that vary: export PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True",
                effort=1,
            ),
            after="the device becomes the bottleneck"
            if device.busy_seconds > saved
            else "the host becomes the bottleneck",
            removes={IDLE: worth.seconds},
        )
