"""What the page shows of traced devices: the time of each by cause, and its communication."""

from __future__ import annotations

from dataclasses import dataclass

from ...diagnosis.model import DeviceUse, Diagnosis
from . import units

MOST = 64  # devices
NAME = 100  # characters of a kernel's: a template's may have thousands
#: Parts of a device's time: cause of idle time, "" for none -> (what it is, its colour).
PARTS = {
    "": ("busy", "c-forward"),
    "input": ("idle, the loop waits for data", "c-wait"),
    "copy": ("idle after a copy that the host waited for", "c-copy"),
    "sync": ("idle after another wait of the host", "c-checkpoint"),
    "launch": ("idle between launches", "c-optimizer"),
    "host": ("idle, the host does something else", "c-python"),
}
KINDS = {
    "kernel": "",
    "collective": "communication",
    "memcpy_h2d": "copy to the device",
    "memcpy_d2h": "copy to the host",
    "memcpy_d2d": "copy on devices",
}


@dataclass(frozen=True)
class DeviceRow:
    """``shares``: of the window, in the order of ``PARTS``. ``communication``: "" if there is none."""

    name: str
    window: str
    shares: tuple[float, ...]
    communication: str


def traced_devices(diagnosis: Diagnosis) -> list[DeviceRow]:
    """One row for each device that was traced, by rank."""
    return [_row(use) for use in diagnosis.devices if use.basis in ("trace", "window")]


def _row(use: DeviceUse) -> DeviceRow:
    window = use.window_seconds or 1.0
    seconds = {"": (use.busy_share or 0.0) * window, **(use.idle_seconds_by_cause or {})}
    communication, whole = "", use.communication_seconds
    if whole and use.exposed_communication_seconds is not None:
        hidden = units.share(1.0 - use.exposed_communication_seconds / whole)
        communication = f"communicates for {units.seconds(whole)}, {hidden} hidden"
    return DeviceRow(
        f"device {use.index}" if use.rank is None else f"rank {use.rank}, device {use.index}",
        units.seconds(use.window_seconds),
        tuple(min(1.0, seconds.get(part, 0.0) / window) for part in PARTS),
        communication,
    )
