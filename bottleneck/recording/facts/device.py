"""Facts about accelerators and about the window in which their work is traced."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from .base import Count, Fact, Int, Moment


class DeviceWindow(Fact, frozen=True):
    """torch.profiler was started at ``began`` and had written its trace at ``ended``; it traced ``t0`` to ``t1``.

    ``clocks``: the times around each mark in the trace, on the process's clock, like the rows made from the trace.
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
    """What was read from a process's trace. ``names``: the names that the table ``device`` refers to by index;
    ``world_size``: the ranks of its job, 0 where the trace does not say."""

    kind: ClassVar[str] = "device_trace"
    names: list[str]
    devices: tuple[DeviceProperties, ...] = ()
    problem: str = ""
    world_size: Count = 0


class DeviceInUse(Fact, frozen=True):
    """The process has begun to work on an accelerator, and times it: ``name`` is that of its module in torch."""

    kind: ClassVar[str] = "accelerator"
    name: str


class DevicesHeld(Fact, frozen=True):
    """Device ``index`` is the one that is timed; the process has tensors on the ``others``, too."""

    kind: ClassVar[str] = "devices_held"
    index: Int
    others: tuple[Int, ...] = ()


class ModelMoved(Fact, frozen=True):
    """A model was copied to a device before training; ``bytes``: of its parameters."""

    kind: ClassVar[str] = "model_moved"
    time_ns: Moment
    bytes: Count
    name: str
    index: Count = 0


class DeviceMemory(Fact, frozen=True):
    """Accelerator memory at one point in time."""

    kind: ClassVar[str] = "device_memory"
    time_ns: Moment
    allocated_bytes: Int
    peak_bytes: Int
    reserved_bytes: Int
    total_bytes: Int
    retries: Int
    device_allocations: Int
    device_frees: Int
