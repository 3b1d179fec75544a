"""The GPUs visible to a program, in CUDA's order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Gpu(NamedTuple):
    """A GPU or a MIG slice. ``parent``: the whole GPU of a slice, otherwise the GPU itself.

    ``slice_of``: the UUID of the whole GPU of a slice, otherwise "".
    """

    handle: Any
    uuid: str
    parent: Any
    slice_of: str = ""


class Gpus:
    """The GPUs that can be opened and their MIG slices. ``ask(function, *arguments)`` returns None if NVML cannot tell.

    Raises NVMLError if there are GPUs but none can be opened.
    """

    def __init__(self, nvml: Any, ask: Callable[..., Any]) -> None:
        self._nvml = nvml
        self._ask = ask
        self.whole = self._all()
        self._slices = [part for gpu in self.whole for part in self._slices_of(gpu)]

    def _all(self) -> list[Gpu]:
        """All GPUs that can be opened, in PCI bus order."""
        nvml, found, failure = self._nvml, [], None
        for number in range(nvml.nvmlDeviceGetCount()):
            try:
                handle = nvml.nvmlDeviceGetHandleByIndex(number)
                found.append(Gpu(handle, nvml.nvmlDeviceGetUUID(handle), handle))
            except nvml.NVMLError as error:  # in a container: a GPU that is not assigned to it
                failure = error
        if not found and failure is not None:
            raise failure
        return found

    def _slices_of(self, gpu: Gpu) -> list[Gpu]:
        """The MIG slices of a GPU; none if MIG is off or unknown."""
        nvml = self._nvml
        mode = self._ask(nvml.nvmlDeviceGetMigMode, gpu.handle)
        if not mode or not mode[0]:
            return []
        found = []
        for number in range(self._ask(nvml.nvmlDeviceGetMaxMigDeviceCount, gpu.handle) or 0):
            part = self._ask(nvml.nvmlDeviceGetMigDeviceHandleByIndex, gpu.handle, number)
            uuid = self._ask(nvml.nvmlDeviceGetUUID, part) if part is not None else None
            if uuid:
                found.append(Gpu(part, uuid, gpu.handle, gpu.uuid))
        return found

    def every(self) -> list[Gpu]:
        """All GPUs in bus order, each followed by its slices."""
        return [each for gpu in self.whole for each in (gpu, *(s for s in self._slices if s.parent is gpu.handle))]

    def visible(self, entries: str | None) -> list[Gpu]:
        """The devices in CUDA's order, from CUDA_VISIBLE_DEVICES, which takes numbers, GPU UUIDs and MIG UUIDs.

        As in CUDA, the first invalid entry ends the list. Numbers are in bus order, which is CUDA's own order only with
        CUDA_DEVICE_ORDER=PCI_BUS_ID or with identical GPUs; UUIDs are always right.
        """
        if entries is None:
            sliced = [part.parent for part in self._slices]
            uncut = [gpu for gpu in self.whole if not any(gpu.handle is parent for parent in sliced)]
            return uncut or self._slices[:1]  # CUDA opens the first slice if every GPU is partitioned
        chosen: list[Gpu] = []
        for entry in entries.split(","):
            match = self._match(entry.strip())
            if match is None or match in chosen:
                break
            chosen.append(match)
        return chosen

    def _match(self, entry: str) -> Gpu | None:
        """The device for one entry of CUDA_VISIBLE_DEVICES: a number, or an unambiguous prefix of a UUID."""
        if entry.isdigit():
            return self.whole[int(entry)] if int(entry) < len(self.whole) else None
        if not entry.startswith(("GPU-", "MIG-")):
            return None
        found = [device for device in (*self.whole, *self._slices) if device.uuid.startswith(entry)]
        return found[0] if len(found) == 1 else None
