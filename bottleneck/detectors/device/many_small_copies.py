"""A batch goes to the device in many small pieces."""

from __future__ import annotations

from ...artifacts.device.copies import DeviceCopies
from ...artifacts.device.places import DevicePlaces
from ...artifacts.device.window import Device
from ...artifacts.loading.loading import Loading
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Fine, Fix, Outcome
from .. import Detector
from .._common import location
from ._shared import COPIES, STEP_DEAD_BAND, evidence, priced


class ManySmallCopies(Detector):
    """Each step sends many small copies to the device, one after another, where one would do.

    Why it matters
        A copy costs the host one call however few bytes it moves.
    How it is measured
        In a window of traced steps (``--device-window``): runs of at least three copies shorter than a millisecond,
        less than a millisecond apart and with no kernel between them. ``saved = (k - k') x one call`` for k copies in
        k' runs, with or without the Python around them, as far as the device idles in the meantime.
    How to fix it
        Pack them into one tensor, copy that and split it on the device; create constants on the device.
    When to ignore it
        When the host is far ahead of the device anyway; nothing is reported then.
    """

    id = "many-small-copies"
    title = "Batches are copied to the device in many small pieces"
    stage = "training"
    copies_threshold = 3  # in runs, per step (RatelProf's shortest run)

    def detect(
        self, steps: Steps, device: Device, copies: DeviceCopies, places: DevicePlaces, loading: Loading | None
    ) -> Outcome:
        if copies.run_copy_count < self.copies_threshold:
            return Fine(
                round(copies.run_copy_count, 1), self.copies_threshold, "count", "small copies in a row per step"
            )
        typical = max(device.typical_seconds, 1e-12)
        fewer = copies.run_copy_count - copies.run_count
        fewer *= min(1.0, typical / max(device.step_seconds, 1e-12))  # tracing makes each longer
        idle = device.idle_seconds_by("copy", "sync", "launch", "host")
        least, most = (min(idle, fewer * each) for each in (copies.call_seconds, copies.pitch_seconds))
        saved = (least + most) / 2
        if saved < STEP_DEAD_BAND * typical:
            return Fine(saved / typical, STEP_DEAD_BAND, "share", "step time that one combined copy would save")
        worth = priced(
            device,
            steps,
            loading,
            saved,
            f"(k - k') x call: k = {copies.run_copy_count:.0f}, k' = {copies.run_count:.0f}, "
            f"{copies.call_seconds * 1e6:.0f} us",
            low=least,
            high=most,  # the Python around each of them goes too
            cpu_share=1.0,
        )
        return self.finding(
            location=location(places.copy),
            evidence=evidence(
                device,
                Evidence("small copies in a row per step", round(copies.run_copy_count), "count"),
                Evidence("host time per small copy", copies.call_seconds, "s"),
                Evidence("bytes copied per step", copies.bytes_per_step, "B"),
            ),
            gain=worth,
            fix=Fix(
                "Pack the pieces into one buffer and copy it once",
                "packed = torch.cat([part.reshape(-1) for part in parts])  # in collate_fn\n"
                "parts = packed.to(device, non_blocking=True).split(sizes)",
                effort=2,
            ),
            after="the device becomes the bottleneck",
            removes={COPIES: worth.seconds},
        )
