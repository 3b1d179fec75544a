"""What the detectors of the device window share: seconds per traced step as a gain of the run, and common evidence."""

from __future__ import annotations

from ...artifacts.device.timed import Timed
from ...artifacts.device.window import Device
from ...artifacts.loading.carried import Carried
from ...artifacts.loading.loading import Loading
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Gain
from ...diagnosis.laws import gain, seconds_saved_by_less_work

STEP_DEAD_BAND = 0.05  # of a step (Kineto, XProf, TraceML): what is judged by what it saves
#: Parts of the device's time that several fixes claim: one takes from the other in the plan.
IDLE, COPIES, KERNELS = "device:idle", "device:copies", "device:kernels"


def priced(
    device: Device,
    steps: Steps,
    loading: Loading | None,
    seconds: float,
    method: str,
    *,
    low: float,
    high: float,
    cpu_share: float = 0.0,
    confidence: float = 0.8,
) -> Gain:
    """The gain of so many ``seconds`` less per step; where workers set the pace, a shorter step waits for them."""
    return _less_work(
        steps, loading, (low, seconds, high), f"{method}; {device.steps} traced steps", cpu_share, confidence
    )


def evidence(device: Device, *more: Evidence) -> tuple[Evidence, ...]:
    """``more``, and what every finding of the window shows."""
    found = [
        *more,
        Evidence("step time", device.typical_seconds, "s"),
        Evidence("device busy time", min(1.0, device.busy_seconds / max(device.typical_seconds, 1e-12)), "share"),
    ]
    if device.device:
        found.append(Evidence("device", device.device))
    if device.simulated:
        found.append(Evidence("accelerator", "simulated"))
    return tuple(found)


def priced_by_marks(
    timed: Timed,
    steps: Steps,
    loading: Loading | None,
    seconds: float,
    method: str,
    *,
    low: float,
    high: float,
    confidence: float = 0.6,
) -> Gain:
    """``priced`` for the timed steps of a default run: they say less than a trace, so the range is wider."""
    return _less_work(steps, loading, (low, seconds, high), f"{method}; {timed.steps} timed steps", 0.0, confidence)


def _less_work(
    steps: Steps,
    loading: Loading | None,
    seconds: tuple[float, float, float],
    method: str,
    cpu_share: float,
    confidence: float,
) -> Gain:
    """``seconds``: less per step, lowest, expected and highest."""
    low, usual, high = seconds
    values = (usual, min(low, usual), max(high, usual))
    saved, least, most = (seconds_saved_by_less_work(steps, loading, value, cpu_share) for value in values)
    return gain(
        saved,
        steps.run_seconds,
        method,
        low_seconds=least,
        high_seconds=most,
        step_share=saved / max(steps.total_seconds, 1e-9),
        confidence=confidence,
    )


def evidence_by_marks(timed: Timed, *more: Evidence) -> tuple[Evidence, ...]:
    """``more``, and what every finding of the timed steps shows."""
    found = [
        *more,
        Evidence("step time", timed.step_seconds, "s"),
        Evidence("device idle time, at least", timed.idle_share, "share"),
    ]
    if timed.simulated:
        found.append(Evidence("accelerator", "simulated"))
    return tuple(found)


def of_batches(timed: Timed, carried: Carried | None) -> tuple[Evidence, ...]:
    """What is known of the batches that are copied, and of the line that copies them."""
    found = []
    if carried is not None:
        found.append(Evidence("tensors of a batch", carried.batch_bytes, "B"))
        if timed.copying_seconds > 0:
            found.append(Evidence("rate", carried.batch_bytes / timed.copying_seconds, "B/s"))
        if carried.pinned is not None:
            found.append(Evidence("batches are pinned", "yes" if carried.pinned else "no"))
    if timed.copy_queued is not None:
        found.append(Evidence("non_blocking at that line", "yes" if timed.copy_queued else "no"))
    return tuple(found)
