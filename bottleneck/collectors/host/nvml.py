"""Samples the GPUs visible to the recorded program through NVML (nvidia-ml-py), from the supervisor.

Having no GPU is normal: the sampler is then empty and ``reason`` is one of the values of ``Reason``.
A value that a device does not report is NaN, never 0.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from math import nan
from typing import Any, Literal

from .visible_gpus import Gpu, Gpus

#: Why there are no samples: "" there are some; no-library (NVML is not installed here); no-driver (installed, not
#: running); no-device; hidden (CUDA_VISIBLE_DEVICES shows none); no-permission; driver-mismatch (library and kernel
#: module differ); lost (every device failed while running); failed (anything else, see ``detail``).
Reason = Literal[
    "", "no-library", "no-driver", "no-device", "hidden", "no-permission", "driver-mismatch", "lost", "failed"
]
_REASONS: dict[int, Reason] = {
    # NVML error numbers, stable by contract of the library.
    4: "no-permission",
    6: "no-device",  # not found
    9: "no-driver",
    12: "no-library",
    13: "driver-mismatch",  # function not found: the library and driver versions differ
    15: "lost",
    18: "driver-mismatch",
}
#: Reading the PCIe counters makes NVML wait 20 ms for each direction: once in so many samples.
_PCIE_EVERY = 20
_PROCESSES_EVERY = 5  # samples: processes come and go slowly, and the driver walks a list
_LOST = 15

COLUMNS = (
    "time_ns",
    "index",
    "utilization",
    "memory_busy",
    "memory_used_bytes",
    "memory_total_bytes",
    "process_memory_bytes",
    "recorded_processes",
    "other_processes",
    "power_watts",
    "power_limit_watts",
    "energy_joules_total",
    "sm_clock_hz",
    "sm_clock_max_hz",
    "temperature_celsius",
    "pcie_rx_bytes_per_second",
    "pcie_tx_bytes_per_second",
)
Row = dict[str, float | int]
Holder = tuple[int, int | None]  # pid, bytes of device memory; None: the driver does not say


class _Device:
    """One device. The whole GPU of a MIG slice reports its power, energy, clocks and temperature."""

    def __init__(self, index: int, gpu: Gpu, name: str) -> None:
        self.index = index
        self.handle = gpu.handle
        self.parent = gpu.parent
        self.uuid = gpu.uuid
        self.slice_of = gpu.slice_of
        self.name = name
        self.unsupported: dict[str, str] = {}  # column -> NVML's word for why
        self.lost = False
        self.samples = 0


class GpuSampler:
    """Samples the GPUs visible in ``environ`` (None: ours): call ``sample()`` every 100 ms, then ``close()``.

    ``pids``: returns the pids of the recorded program, to find the devices that it uses. ``every``: all GPUs of the
    machine, each followed by its MIG slices, in bus order, whatever ``environ`` says. Never raises NVML errors:
    ``reason`` is "" or says why there are no samples, ``detail`` is NVML's own text.
    """

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        pids: Callable[[], set[int]] | None = None,
        every: bool = False,
    ) -> None:
        self.reason: Reason = ""
        self.detail = ""
        self._pids = pids
        self._nvml: Any = None
        self._devices: list[_Device] = []
        self._driver = ""
        try:
            import pynvml
        except Exception as error:
            self.reason, self.detail = "no-library", f"{type(error).__name__}: {error}"
            return
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            self._give_up(error)
            return
        self._nvml = pynvml
        # The second: the driver has only older versions of a function than the binding, which does not count as one.
        self._errors = (pynvml.NVMLError, getattr(pynvml, "NVMLLibraryMismatchError", pynvml.NVMLError))
        try:
            self._driver = self._ask(pynvml.nvmlSystemGetDriverVersion) or ""
            self._find_devices(None if every else os.environ if environ is None else environ)
        except pynvml.NVMLError as error:
            self._give_up(error)
        else:
            if not self._devices and not self.reason:
                self.reason = "no-device"

    def _give_up(self, error: Any) -> None:
        self.reason = _REASONS.get(error.value, "failed")
        self.detail = str(error)

    def _find_devices(self, environ: Mapping[str, str] | None) -> None:
        found = Gpus(self._nvml, self._ask)
        visible = found.every() if environ is None else found.visible(environ.get("CUDA_VISIBLE_DEVICES"))
        if found.whole and not visible:
            self.reason = "hidden"
        name = self._nvml.nvmlDeviceGetName
        self._devices = [
            _Device(index, gpu, str(self._ask(name, gpu.handle) or "GPU")) for index, gpu in enumerate(visible)
        ]

    def _ask(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """The value, or None if this device or driver does not report it."""
        try:
            return function(*arguments)
        except self._errors:
            return None

    # -- samples ----------------------------------------------------------------------------------------------

    def sample(self) -> list[Row]:
        """One row of ``COLUMNS`` per visible device that responds; empty if there is none.

        ``time_ns``: monotonic. ``index``: CUDA's number. ``utilization``: share of NVML's last window in which a
        kernel ran. ``memory_busy``: share in which device memory was read or written. ``process_memory_bytes``: held
        by the ``recorded_processes`` that are on the device; ``other_processes``: those of other programs (all three
        are NaN where NVML lists no recorded process, as in containers whose pids it does not know).
        ``energy_joules_total``: since the driver was loaded. Power, energy, clocks and temperature are the whole
        GPU's, also for a MIG slice.
        """
        rows = [self._row(device) for device in self._devices if not device.lost]
        if self._devices and all(device.lost for device in self._devices):
            self.reason = "lost"
        return [row for row in rows if row is not None]

    def _row(self, device: _Device) -> Row | None:
        nvml, whole = self._nvml, device.parent
        row: Row = dict.fromkeys(COLUMNS, nan)
        row["time_ns"], row["index"] = time.monotonic_ns(), device.index

        def read(columns: str, function: Callable[[], Any]) -> Any:
            """The value, or None if not reported; unsupported values are only requested once."""
            if columns in device.unsupported or device.lost:
                return None
            try:
                return function()
            except self._errors as error:
                code = getattr(error, "value", 13)
                device.lost = device.lost or code == _LOST
                if code in (3, 4, 13):  # not supported, no permission, function not found: permanent
                    device.unsupported[columns] = str(error)
                return None

        rates = read("utilization", lambda: nvml.nvmlDeviceGetUtilizationRates(device.handle))
        if rates is not None:
            row["utilization"], row["memory_busy"] = rates.gpu / 100, rates.memory / 100
        memory = read("memory_used_bytes", lambda: nvml.nvmlDeviceGetMemoryInfo(device.handle))
        if memory is not None:
            row["memory_used_bytes"], row["memory_total_bytes"] = int(memory.used), int(memory.total)
        scaled: tuple[tuple[str, float, Callable[[], Any]], ...] = (
            ("power_watts", 1e-3, lambda: nvml.nvmlDeviceGetPowerUsage(whole)),
            ("power_limit_watts", 1e-3, lambda: nvml.nvmlDeviceGetEnforcedPowerLimit(whole)),
            ("energy_joules_total", 1e-3, lambda: nvml.nvmlDeviceGetTotalEnergyConsumption(whole)),
            ("sm_clock_hz", 1e6, lambda: nvml.nvmlDeviceGetClockInfo(whole, nvml.NVML_CLOCK_SM)),
            ("sm_clock_max_hz", 1e6, lambda: nvml.nvmlDeviceGetMaxClockInfo(whole, nvml.NVML_CLOCK_SM)),
            ("temperature_celsius", 1, lambda: nvml.nvmlDeviceGetTemperature(whole, nvml.NVML_TEMPERATURE_GPU)),
        )
        for column, unit, function in scaled:
            value = read(column, function)
            if value is not None:
                row[column] = value * unit
        device.samples += 1
        self._add_processes(device, row, read)
        self._add_pcie(device, row, read)
        return None if device.lost else row

    def _add_processes(self, device: _Device, row: Row, read: Callable[[str, Callable[[], Any]], Any]) -> None:
        if self._pids is None or device.samples % _PROCESSES_EVERY:
            return
        nvml = self._nvml
        running = read("recorded_processes", lambda: nvml.nvmlDeviceGetComputeRunningProcesses(device.handle)) or ()
        pids = self._pids()
        ours = [entry for entry in running if entry.pid in pids]
        if not ours:
            return
        row["recorded_processes"], row["other_processes"] = len(ours), len(running) - len(ours)
        held = [entry.usedGpuMemory for entry in ours if entry.usedGpuMemory is not None]
        if held:
            row["process_memory_bytes"] = int(sum(held))

    def _add_pcie(self, device: _Device, row: Row, read: Callable[[str, Callable[[], Any]], Any]) -> None:
        if device.samples % _PCIE_EVERY == 0:
            nvml = self._nvml
            ask, parent = nvml.nvmlDeviceGetPcieThroughput, device.parent
            rx = read("pcie_rx_bytes_per_second", lambda: ask(parent, nvml.NVML_PCIE_UTIL_RX_BYTES))
            tx = read("pcie_tx_bytes_per_second", lambda: ask(parent, nvml.NVML_PCIE_UTIL_TX_BYTES))
            row["pcie_rx_bytes_per_second"] = nan if rx is None else rx * 1000
            row["pcie_tx_bytes_per_second"] = nan if tx is None else tx * 1000

    def holders(self) -> dict[int, list[Holder] | None]:
        """Per device, the processes that compute or draw on it; None where the driver does not tell."""
        nvml = self._nvml
        found: dict[int, list[Holder] | None] = {}
        for device in self._devices:
            lists = [
                self._ask(ask, device.handle)
                for ask in (nvml.nvmlDeviceGetComputeRunningProcesses, nvml.nvmlDeviceGetGraphicsRunningProcesses)
            ]
            known = {int(entry.pid): entry.usedGpuMemory for each in lists if each for entry in each}
            found[device.index] = sorted(known.items()) if any(each is not None for each in lists) else None
        return found

    def facts(self) -> list[dict[str, Any]]:
        """One {index, uuid, name, slice_of, memory_total_bytes, driver, unsupported {column: why}} per device.

        ``slice_of``: the UUID of the whole GPU if the device is a MIG slice, otherwise "".
        """
        devices = []
        for device in self._devices:
            memory = self._ask(self._nvml.nvmlDeviceGetMemoryInfo, device.handle)
            devices.append(
                {
                    "index": device.index,
                    "uuid": device.uuid,
                    "name": device.name,
                    "slice_of": device.slice_of,
                    "memory_total_bytes": int(memory.total) if memory is not None else None,
                    "driver": self._driver,
                    "unsupported": dict(device.unsupported),
                }
            )
        return devices

    def close(self) -> None:
        """Shut NVML down; the sampler is empty afterwards."""
        self._devices = []
        if self._nvml is not None:
            self._ask(self._nvml.nvmlShutdown)
            self._nvml = None
