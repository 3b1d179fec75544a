"""Copies to the device run while it does nothing else."""

from __future__ import annotations

from ...artifacts.device.copies import DeviceCopies
from ...artifacts.device.kernels import DeviceKernels
from ...artifacts.device.places import DevicePlaces
from ...artifacts.device.timed import Timed
from ...artifacts.device.window import Device
from ...artifacts.loading.carried import Carried
from ...artifacts.loading.loading import Loading
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Fine, Fix, NotApplicable, Outcome
from .. import Detector
from .._common import location
from ._shared import COPIES, STEP_DEAD_BAND, evidence, evidence_by_marks, of_batches, priced, priced_by_marks

_PREFETCH = """side = torch.cuda.Stream()

def prefetch(loader, device):  # copies one batch ahead
    ahead = None
    for batch in loader:  # with pin_memory=True
        with torch.cuda.stream(side):
            copied = [x.to(device, non_blocking=True) for x in batch]
        if ahead is not None:
            yield ahead
        torch.cuda.current_stream().wait_stream(side)
        for part in copied:
            part.record_stream(torch.cuda.current_stream())
        ahead = copied
    if ahead is not None:
        yield ahead"""


class NoCopyOverlap(Detector):
    """Batches are copied to the device while no kernel runs, although copies and kernels can overlap.

    Why it matters
        A device has separate engines for copies: a batch that is copied one step ahead costs nothing.
    How it is measured
        In a window of traced steps (``--device-window``): the time of host-to-device copies that no kernel covers.
        ``T' = max(compute, copy)`` instead of their sum, as far as the host waits for the device at all. In other runs:
        events at the borders of the phases say how long the device copies in front of the model.
    How to fix it
        Use ``pin_memory=True`` and ``non_blocking=True``, and copy the next batch on a separate stream.
    When to ignore it
        When the data to copy depends on the result of earlier kernels.
    """

    id = "no-copy-overlap"
    title = "Host-to-device copies do not overlap with computation"
    stage = "training"
    exposed_threshold_seconds = 1e-4  # per step (RatelProf)
    hidden_threshold = 0.5  # of the copies' time
    copy_threshold = 0.10  # of the step, without a trace

    def detect(
        self,
        steps: Steps,
        device: Device,
        copies: DeviceCopies,
        kernels: DeviceKernels,
        places: DevicePlaces,
        loading: Loading | None,
    ) -> Outcome:
        if copies.exposed_seconds < self.exposed_threshold_seconds:
            return Fine(
                copies.exposed_seconds,
                self.exposed_threshold_seconds,
                "s",
                "copy time per step not hidden by computation",
            )
        hidden = 1 - copies.exposed_seconds / copies.total_seconds
        if hidden >= self.hidden_threshold:
            return Fine(hidden, self.hidden_threshold, "share", "copy time hidden behind kernels")
        typical = max(device.typical_seconds, 1e-12)
        saved = min(device.saved_seconds(copies.exposed_seconds), kernels.total_seconds)
        if saved < STEP_DEAD_BAND * typical:
            return Fine(saved / typical, STEP_DEAD_BAND, "share", "step time that hiding the copies would save")
        worth = priced(
            device,
            steps,
            loading,
            saved,
            f"T' = max(C, H): C = {kernels.total_seconds * 1e3:.2f} ms of kernels, "
            f"H = {copies.total_seconds * 1e3:.2f} ms of copies",
            low=0.7 * saved,  # side by side, both want the same memory
            high=saved + min(device.copying_seconds, device.idle_seconds_by("copy")),
        )
        return self.finding(
            location=location(places.copy),
            evidence=evidence(
                device,
                Evidence("copy time per step", copies.total_seconds, "s"),
                Evidence("share of copy time hidden behind kernels", hidden, "share"),
                Evidence("host time waiting for copies", device.copying_seconds, "s"),
                Evidence("bytes copied per step", copies.bytes_per_step, "B"),
            ),
            gain=worth,
            fix=Fix("Copy the next batch while the current one is processed", _PREFETCH, effort=2),
            after="the device becomes the bottleneck"
            if kernels.total_seconds >= copies.total_seconds
            else "the link to the device becomes the bottleneck",
            removes={COPIES: worth.seconds},
        )

    def otherwise(self, steps: Steps, timed: Timed, carried: Carried | None, loading: Loading | None) -> Outcome:
        copying, computing = timed.copying_seconds, max(0.0, timed.busy_seconds + timed.waited_seconds)
        share = copying / timed.step_seconds
        if share < self.copy_threshold:
            return Fine(share, self.copy_threshold, "share", "step time in which the device only copies")
        if timed.copies_model:
            return NotApplicable("The copies are of the model, which need not be copied in every step.")
        saved = min(copying, computing)
        worth = priced_by_marks(
            timed,
            steps,
            loading,
            saved,
            f"T' = max(C, H): H = {copying * 1e3:.2f} ms of copies",
            low=0.7 * saved,  # side by side, both want the same memory
            high=copying,
        )
        return self.finding(
            location=location(timed.copy),
            evidence=evidence_by_marks(
                timed, Evidence("copy time per step", copying, "s"), *of_batches(timed, carried)
            ),
            gain=worth,
            fix=Fix("Copy the next batch while the current one is processed", _PREFETCH, effort=2),
            after="the device becomes the bottleneck",
            removes={COPIES: worth.seconds},
        )
