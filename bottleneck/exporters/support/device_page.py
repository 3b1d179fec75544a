"""What the page shows of traced devices: the time of each by cause, its communication, and the largest kernels."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from ...diagnosis.tables import device_tables
from ...recording.model import Recording
from . import units

_DEVICES, _KERNELS = 64, 15  # rows
_NAME = 100  # characters of a kernel's: a template's may have thousands
#: Parts of a device's time: column of the table -> (what it is, its colour).
PARTS = {
    "busy_seconds": ("busy", "c-forward"),
    "idle_input_seconds": ("idle, the loop waits for data", "c-wait"),
    "idle_copy_seconds": ("idle after a copy that the host waited for", "c-copy"),
    "idle_sync_seconds": ("idle after another wait of the host", "c-checkpoint"),
    "idle_launch_seconds": ("idle between launches", "c-optimizer"),
    "idle_host_seconds": ("idle, the host does something else", "c-python"),
}
_KINDS = {
    "kernel": "kernel",
    "collective": "communication",
    "memcpy_h2d": "copy to the device",
    "memcpy_d2h": "copy to the host",
    "memcpy_d2d": "copy on devices",
    "memset": "memset",
}


@dataclass(frozen=True)
class DeviceRow:
    """``shares``: of the window, in the order of ``PARTS``. ``communication``: "" if there is none."""

    name: str
    window: str
    shares: tuple[float, ...]
    communication: str


@dataclass(frozen=True)
class KernelRow:
    """One kernel, copy or collective, on all devices. ``share``: of all their work."""

    name: str
    kind: str
    count: int
    seconds: float
    longest_seconds: float
    share: float


@dataclass(frozen=True)
class DevicePage:
    """``more_devices``, ``more_kernels``: how many are left out."""

    devices: tuple[DeviceRow, ...]
    more_devices: int
    kernels: tuple[KernelRow, ...]
    more_kernels: int


def device_page(recording: Recording) -> DevicePage | None:
    """What to show; None where no device was traced."""
    tables = {name: _rows(columns) for name, columns in device_tables(recording).items()}
    if not tables["idle"]:
        return None
    told = {(row["rank"], row["device"]): row for row in tables["communication"]}
    devices = sorted(tables["idle"], key=lambda row: (row["rank"] is None, row["rank"] or 0, row["device"]))
    kernels = _kernels(tables["kernels"])
    return DevicePage(
        tuple(_device(row, told.get((row["rank"], row["device"]))) for row in devices[:_DEVICES]),
        max(0, len(devices) - _DEVICES),
        tuple(kernels[:_KERNELS]),
        max(0, len(kernels) - _KERNELS),
    )


def _rows(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _device(row: dict[str, Any], told: dict[str, Any] | None) -> DeviceRow:
    window = row["window_seconds"] or 1.0
    name = f"device {row['device']}" if row["rank"] is None else f"rank {row['rank']}, device {row['device']}"
    communication = ""
    if told is not None and told["communication_seconds"]:
        whole, hidden = units.seconds(told["communication_seconds"]), units.share(told["hidden_share"])
        communication = f"communicates for {whole}, {hidden} hidden"
    shares = tuple(min(1.0, row[part] / window) for part in PARTS)
    return DeviceRow(name, units.seconds(row["window_seconds"]), shares, communication)


def _kernels(rows: list[dict[str, Any]]) -> list[KernelRow]:
    """Those of all devices together, the ones with most time first."""
    alike: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        alike[row["kind"], row["name"]].append(row)
    whole = sum(row["seconds"] for row in rows) or 1.0
    found = [
        KernelRow(
            name if len(name) <= _NAME else f"{name[:_NAME]}…",
            _KINDS.get(kind, kind),
            sum(row["count"] for row in each),
            seconds := sum(row["seconds"] for row in each),
            max(row["max_seconds"] for row in each),
            seconds / whole,
        )
        for (kind, name), each in alike.items()
        if kind in _KINDS
    ]
    return sorted(found, key=lambda row: -row.seconds)
