"""Floats are copied to the device where bytes would say the same."""

from __future__ import annotations

from ...artifacts.device.copies import DeviceCopies
from ...artifacts.device.places import DevicePlaces
from ...artifacts.device.window import Device
from ...artifacts.loading.batch_parts import BatchParts
from ...artifacts.loading.loading import Loading
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Fine, Fix, NotMeasured, Outcome
from .. import Detector
from .._common import location
from ._shared import COPIES, STEP_DEAD_BAND, evidence, priced


class WideDtypeTransfer(Detector):
    """Batches are copied to the device as floats although each value is one of at most 256, as in an image.

    Why it matters
        An image of bytes that becomes float32 before the copy is four times as large on the way, and in the worker
        queue too; as float64, eight times.
    How it is measured
        One batch is inspected once in a run with ``--device-window``: how many distinct values each channel has. The
        gain is ``H' = H x source / wire`` for the part of the copies that no kernel hides, if the traced steps copy as
        many bytes as the batch holds.
    How to fix it
        Keep ``uint8`` until the data is on the device; cast, scale and normalise there.
    When to ignore it
        When the transform needs floats before the copy, for example to add noise.
    """

    id = "wide-dtype-transfer"
    title = "Batches are copied to the device as floats where bytes would do"
    stage = "training"
    explains = ("pageable-copy", "no-copy-overlap")
    ratio_threshold = 4  # bytes on the way for one of the source (own)
    bytes_share = 0.5  # of the batch: the rest does not shrink
    same_size_share = 0.2  # how far what is copied may be from what the batch holds

    def detect(
        self,
        steps: Steps,
        device: Device,
        copies: DeviceCopies,
        batch: BatchParts,
        places: DevicePlaces,
        loading: Loading | None,
    ) -> Outcome:
        part = batch.byte_valued / max(batch.size_bytes, 1)
        if batch.item_bytes < self.ratio_threshold or part < self.bytes_share:
            return Fine(part, self.bytes_share, "share", "share of the batch in floats that fit in bytes")
        if abs(copies.bytes_per_step - batch.size_bytes) > self.same_size_share * batch.size_bytes:
            return NotMeasured("The traced steps do not copy the batch as it was made: it is changed before the copy.")
        typical = max(device.typical_seconds, 1e-12)
        less = 1 - (batch.size_bytes - batch.byte_valued + batch.as_bytes) / batch.size_bytes
        saved = device.saved_seconds(copies.exposed_seconds * less)
        if saved < STEP_DEAD_BAND * typical:
            return Fine(saved / typical, STEP_DEAD_BAND, "share", "step time that smaller copies would save")
        worth = priced(
            device,
            steps,
            loading,
            saved,
            f"H' = H x source/wire: H = {copies.exposed_seconds * 1e3:.2f} ms per step, "
            f"{batch.item_bytes} bytes become one",
            low=0.8 * saved,  # the device casts
            high=saved,
        )
        return self.finding(
            location=location(places.copy),
            evidence=evidence(
                device,
                Evidence("batch", batch.size_bytes, "B"),
                Evidence("share of the batch in floats with at most 256 distinct values", part, "share"),
                Evidence("copy time per step not hidden by computation", copies.exposed_seconds, "s"),
            ),
            gain=worth,
            fix=Fix(
                "Copy bytes, and convert them to floats on the device",
                "images = images.to(device, non_blocking=True)  # still uint8\n"
                "images = images.float().div_(255).sub_(mean).div_(std)",
                effort=2,
                risk=0.1,
            ),
            after="the device becomes the bottleneck",
            removes={COPIES: worth.seconds},
        )
