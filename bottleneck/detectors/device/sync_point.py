"""The host waits for results of the device in every step, and the device idles after it."""

from __future__ import annotations

from ...artifacts.device.places import DevicePlaces
from ...artifacts.device.timed import Timed
from ...artifacts.device.window import Device
from ...artifacts.loading.loading import Loading
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Cadence, Evidence, Fine, Fix, Outcome
from .. import Detector
from .._common import MAX_TIMES_RARER, location, rarer_edit
from ._shared import IDLE, STEP_DEAD_BAND, evidence, evidence_by_marks, priced, priced_by_marks

_CALLS = {
    "aten::item": ".item()",
    "aten::is_nonzero": "if tensor:",
    "aten::nonzero": "nonzero()",
    "aten::to": ".cpu()",
    "aten::_to_copy": ".cpu()",
    "aten::copy_": ".cpu()",
    "synchronize": "synchronize()",
}


class SyncPoint(Detector):
    """In every step the host waits for the device to finish, and the device then idles until the host has caught up.

    Why it matters
        The host should run ahead of the device, so that the next kernel is always queued. ``loss.item()``, ``.cpu()``,
        ``print(loss)`` and ``nonzero()`` make it wait, and host work that was hidden behind the device becomes
        visible.
    How it is measured
        In a window of traced steps (``--device-window``): calls that wait, other than those for host-to-device copies,
        and how long the device idles outside the wait for data. Without the waits a step takes ``T' = max(host,
        device)`` instead of their sum; if the device never idles, nothing is reported. In other runs: events at the
        borders of the phases say where the host waited, and how long the device then had nothing to do.
    How to fix it
        Accumulate values on the device and fetch them every k steps; copy with ``non_blocking=True`` and read one step
        later.
    When to ignore it
        When the value of each step decides what the next step does.
    """

    id = "sync-point"
    title = "The host waits for the device in every step"
    stage = "training"
    explains = ("residual-python", "hot-logging")
    blocked_threshold = STEP_DEAD_BAND  # of the step (own)
    waits_threshold = 0.9  # per step: one, but for a step that was cut

    def detect(self, steps: Steps, device: Device, places: DevicePlaces, loading: Loading | None) -> Outcome:
        typical = max(device.typical_seconds, 1e-12)
        count = sum(device.waits_per_step.values())
        if device.fetching_seconds < self.blocked_threshold * typical or count < self.waits_threshold:
            share = device.fetching_seconds / typical
            return Fine(share, self.blocked_threshold, "share", "step time in which the host waits for results")
        hidden = min(device.fetching_seconds, device.idle_seconds_by("sync", "launch", "host"))
        saved = hidden * (1 - 1 / MAX_TIMES_RARER)
        if saved < STEP_DEAD_BAND * typical:
            reason = "step time in which the device idles after a wait of the host"
            return Fine(saved / typical, STEP_DEAD_BAND, "share", reason)
        worth = priced(
            device,
            steps,
            loading,
            saved,
            f"T' = max(host, device): {device.fetching_seconds * 1e3:.2f} ms of waits, "
            "as far as the device idles for them",
            low=min(device.fetching_seconds, device.idle_seconds_by("sync")) * (1 - 1 / MAX_TIMES_RARER),
            high=min(device.fetching_seconds, device.idle_seconds),
        )
        name = next(iter(device.waits_per_step), "")
        return self.finding(
            location=location(places.fetch),
            evidence=evidence(
                device,
                Evidence("device waits per step", round(count, 1), "count"),
                Evidence("host wait per step", device.fetching_seconds, "s"),
                Evidence("most frequent waiting call", _CALLS.get(name, name)),
            ),
            gain=worth,
            fix=_fix(rarer_edit(places.fetch, steps, loading, MAX_TIMES_RARER)),
            after="the device becomes the bottleneck"
            if device.busy_seconds > device.host_seconds
            else "the host becomes the bottleneck",
            removes={IDLE: worth.seconds},
        )

    def otherwise(self, steps: Steps, timed: Timed, loading: Loading | None) -> Outcome:
        waited, hidden = timed.waited_seconds, timed.idle_seconds_by_cause["sync"]
        if waited < self.blocked_threshold * timed.step_seconds:
            share = waited / timed.step_seconds
            return Fine(share, self.blocked_threshold, "share", "step time in which the host waits for results")
        saved = min(waited, hidden) * (1 - 1 / MAX_TIMES_RARER)
        if saved < STEP_DEAD_BAND * timed.step_seconds:
            reason = "step time in which the device idles after a wait of the host"
            return Fine(saved / timed.step_seconds, STEP_DEAD_BAND, "share", reason)
        worth = priced_by_marks(
            timed,
            steps,
            loading,
            saved,
            f"T' = max(host, device): the device idles for {hidden * 1e3:.2f} ms after {waited * 1e3:.2f} ms of waits",
            low=0.5 * saved,
            high=min(waited, timed.idle_seconds + timed.copying_seconds),
        )
        return self.finding(
            location=location(timed.place),
            evidence=evidence_by_marks(timed, Evidence("host wait per step", waited, "s")),
            gain=worth,
            fix=_fix(rarer_edit(timed.place, steps, loading, MAX_TIMES_RARER)),
            after="the device or the host becomes the bottleneck",
            removes={IDLE: worth.seconds},
        )


def _fix(edit: Cadence | None) -> Fix:
    return Fix(
        f"Fetch values every {MAX_TIMES_RARER} steps, and keep them on the device until then",
        "total += loss.detach()  # stays on the device\n"
        f"if step % {MAX_TIMES_RARER} == 0:\n"
        "    print(total.item() / (step + 1))",
        effort=2,
        edit=edit,
    )
