"""The fields of run.json that the analysis relies on, checked when a run is loaded. Other fields are ignored."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from .facts.base import Count, Int, Moment, Real


class Machine(Struct):
    cores: Annotated[float, Meta(gt=0, le=1e6)] = 1.0
    memory_bytes: Count = 0
    hostname: str = ""


class GpuFacts(Struct):
    index: Int
    name: str = ""


class UnitCosts(Struct):
    call_seconds: Real | None = None


class Run(Struct):
    """run.json."""

    format: str
    version: int
    started_ns: Moment
    ended_ns: Moment | None = None  # of the recording; None: still being recorded, or cut off
    finished: bool = True  # False: the recording ended before the program did
    started_wall_ns: Count = 0
    name: str = ""
    command: str = ""
    exit_code: Annotated[int, Meta(ge=-(2**31), lt=2**31)] | None = None
    pid: Int | None = None
    machine: Machine = msgspec.field(default_factory=Machine)
    gpus: list[GpuFacts] = []
    versions: dict[str, Any] = {}
    notes: list[str] = []
    unit_costs: UnitCosts = msgspec.field(default_factory=UnitCosts)
    dropped_records: Count = 0
    written_records: Count = 0
    totals: list[tuple[Int, Int, Int, Count, Count]] = []


def check(value: Any, shape: Any) -> None:
    """Raise ValueError, with the location, if ``value`` does not have the type ``shape``."""
    msgspec.convert(value, shape)  # its ValidationError is a ValueError
