"""Facts of accelerators and of the window in which their work is traced."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from .base import Count, Fact, Int, Moment


class DeviceWindow(Fact, frozen=True):
    """torch.profiler was started at ``began``, and at ``ended`` its trace was written; traced is ``t0`` to ``t1``.

    ``clocks``: the times around each mark in the trace, by the clock of the process, as the trace's own rows are.
    """

    kind: ClassVar[str] = "device_window"
    began: Moment
    ended: Moment
    t0: Moment = 0
    t1: Moment = 0
    clocks: tuple[tuple[Count, Count], ...] = ()
    problem: str = ""


class DeviceProperties(Struct, frozen=True):
    """Name and compute capability of a device."""

    name: str = ""
    major: Int = 0
    minor: Int = 0


class DeviceTrace(Fact, frozen=True):
    """What was read of the trace of a process. ``names``: those that the table ``device`` numbers."""

    kind: ClassVar[str] = "device_trace"
    names: list[str]
    devices: tuple[DeviceProperties, ...] = ()
    problem: str = ""


class DeviceMemory(Fact, frozen=True):
    """The memory of the accelerator at one moment."""

    kind: ClassVar[str] = "device_memory"
    time_ns: Moment
    allocated_bytes: Int
    peak_bytes: Int
    reserved_bytes: Int
    total_bytes: Int
    retries: Int
    device_allocations: Int
    device_frees: Int
