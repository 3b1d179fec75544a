"""Batches are copied from memory that may be paged out."""

from __future__ import annotations

from ...artifacts.device.copies import DeviceCopies
from ...artifacts.device.places import DevicePlaces
from ...artifacts.device.timed import Timed
from ...artifacts.device.window import Device
from ...artifacts.loading.carried import Carried
from ...artifacts.loading.loader import Loader
from ...artifacts.loading.loading import Loading
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Finding, Fine, Fix, Gain, NotMeasured, Outcome
from ...recording.model import Site
from .. import Detector
from .._common import loader_edit, location
from ._shared import COPIES, STEP_DEAD_BAND, evidence, evidence_by_marks, of_batches, priced, priced_by_marks


class PageableCopy(Detector):
    """Host-to-device copies start from pageable memory: they are slower, and the host waits for them.

    Why it matters
        The driver first copies pageable memory into a pinned buffer of its own, and a copy requested as non-blocking
        then blocks.
    How it is measured
        In a window of traced steps (``--device-window``): the trace says which kind of memory each copy came from. The
        gain is ``B (1/BW pageable - 1/BW pinned)``, both rates from this run's own copies; if none came from pinned
        memory, it is listed under "also noticed" without a gain. In other runs: events at the borders of the
        phases say how long the host waits for copies before the model runs, and the loader's batches say how large they
        are and whether they are pinned. If the copies are made at a line that moves the model, that line is named.
    How to fix it
        ``DataLoader(..., pin_memory=True)`` and ``batch.to(device, non_blocking=True)``.
    When to ignore it
        When batches are tiny, or host memory is short: pinned memory is never paged out.
    """

    id = "pageable-copy"
    title = "Batches are copied to the device from pageable memory"
    stage = "training"
    explains = ("no-copy-overlap", "residual-python")
    copy_threshold = 0.10  # of the step (TraceML's warning for copies to the device)
    faster_share = 0.5  # of the time of a copy that pinned memory saves (2 to 3 times the rate on PCIe)

    def detect(
        self,
        steps: Steps,
        device: Device,
        copies: DeviceCopies,
        places: DevicePlaces,
        loader: Loader | None,
        loading: Loading | None,
    ) -> Outcome:
        if copies.pageable_bytes is None:
            return NotMeasured("The trace does not say which kind of host memory was copied.")
        typical = max(device.typical_seconds, 1e-12)
        share = copies.pageable_exposed_seconds / typical
        if share < self.copy_threshold:
            return Fine(share, self.copy_threshold, "share", "step time spent in copies from pageable memory")
        worth = self._worth(steps, device, copies, loading)
        if worth is not None and worth.step_share is not None and worth.step_share < STEP_DEAD_BAND:
            return Fine(worth.step_share, STEP_DEAD_BAND, "share", "step time that pinned memory would save")
        site, fix = _fix(loader, places.copy)
        return self.finding(
            location=location(site),
            evidence=evidence(
                device,
                Evidence("bytes copied from pageable memory per step", copies.pageable_bytes, "B"),
                Evidence("time copying from pageable memory per step", copies.pageable_seconds, "s"),
                *_rate("rate from pageable memory", copies.pageable_bytes_per_second),
                *_rate("rate from pinned memory", copies.pinned_bytes_per_second),
            ),
            gain=worth,
            fix=fix,
            after="the device becomes the bottleneck",
            removes={COPIES: worth.seconds} if worth is not None else {},
            hint=worth is None,
        )

    def otherwise(
        self, steps: Steps, timed: Timed, carried: Carried | None, loader: Loader | None, loading: Loading | None
    ) -> Outcome:
        copying = timed.blocking_seconds
        share = copying / timed.step_seconds
        if share < self.copy_threshold:
            return Fine(share, self.copy_threshold, "share", "step time in which the host waits for copies")
        if timed.copies_model:
            return self._of_model(steps, timed, loading, copying)
        pinned = carried.pinned if carried is not None else None
        if pinned:
            return Fine(0.0, self.copy_threshold, "share", "step time in copies of batches that are not pinned")
        if pinned is None and (loader is None or loader.facts.pin_memory):
            return NotMeasured("Only a window of traced steps says which kind of host memory was copied.")
        worth = priced_by_marks(
            timed,
            steps,
            loading,
            self.faster_share * copying,
            f"B (1/BW - 1/BW'): {copying * 1e3:.2f} ms of copies per step, at twice the rate from pinned memory",
            low=0.2 * copying,
            high=copying,  # not blocking any more, it can be hidden too
            confidence=0.6 if pinned is None else 0.7,
        )
        site, fix = _fix(loader, timed.copy)
        return self.finding(
            location=location(site),
            evidence=evidence_by_marks(
                timed, Evidence("host wait for copies per step", copying, "s"), *of_batches(timed, carried)
            ),
            gain=worth,
            fix=fix,
            after="the device becomes the bottleneck",
            removes={COPIES: worth.seconds},
        )

    def _of_model(self, steps: Steps, timed: Timed, loading: Loading | None, copying: float) -> Finding:
        """The copies are not of batches."""
        worth = priced_by_marks(
            timed,
            steps,
            loading,
            copying,
            f"T' = T - H: the host waits {copying * 1e3:.2f} ms per step for copies to the device",
            low=0.5 * copying,
            high=copying,
        )
        return self.finding(
            title="The model is copied to the device in every step",
            location=location(timed.copy),
            evidence=evidence_by_marks(timed, Evidence("host wait for copies per step", copying, "s")),
            gain=worth,
            fix=Fix(
                "Copy the model once, before the loop, and leave it on the device",
                "model.to(device)  # before the optimizer is created\nfor batch in loader:\n    ...",
                effort=2,
            ),
            after="the device becomes the bottleneck",
            removes={COPIES: worth.seconds},
        )

    def _worth(self, steps: Steps, device: Device, copies: DeviceCopies, loading: Loading | None) -> Gain | None:
        slow, fast = copies.pageable_bytes_per_second, copies.pinned_bytes_per_second
        if not slow or not fast or copies.pageable_bytes is None:
            return None
        faster = max(0.0, copies.pageable_seconds - copies.pageable_bytes / fast)
        saved = device.saved_seconds(min(faster, copies.pageable_exposed_seconds))
        return priced(
            device,
            steps,
            loading,
            saved,
            f"B (1/BW - 1/BW'), B = {copies.pageable_bytes / 1e6:.1f} MB per step, "
            f"{slow / 1e9:.1f} and {fast / 1e9:.1f} GB/s",
            low=0.8 * saved,
            high=device.saved_seconds(copies.pageable_exposed_seconds),  # not blocking any more, it can be hidden too
        )


def _fix(loader: Loader | None, copy: Site | None) -> tuple[Site | None, Fix]:
    """Where the batches could be pinned, and how."""
    unpinned = loader if loader is not None and not loader.facts.pin_memory else None
    snippet = (
        "host = torch.empty(shape, pin_memory=True)\n" if unpinned is None else "DataLoader(..., pin_memory=True)\n"
    )
    return copy if unpinned is None else unpinned.site, Fix(
        "Copy from pinned memory",
        snippet + "batch = batch.to(device, non_blocking=True)",
        effort=1,
        edit=None if unpinned is None else loader_edit(unpinned.site, pin_memory=True),
    )


def _rate(label: str, rate: float | None) -> tuple[Evidence, ...]:
    return () if rate is None else (Evidence(label, rate, "B/s"),)
