"""What the files of a run folder hold: the fields that the analysis relies on, checked when a run is loaded.

Fields and kinds of notes that are not named here are let through.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from . import note_shapes as notes
from .note_shapes import Int, Real, Time


class Machine(Struct):
    cores: Annotated[float, Meta(gt=0, le=1e6)] = 1.0
    memory_bytes: Time = 0
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
    started_ns: Time
    ended_ns: Time | None = None  # None: still recorded, or cut off
    started_wall_ns: Time = 0
    name: str = ""
    command: str = ""
    exit_code: Annotated[int, Meta(ge=-(2**31), lt=2**31)] | None = None
    pid: Int | None = None
    machine: Machine = msgspec.field(default_factory=Machine)
    gpus: list[GpuFacts] = []
    versions: dict[str, Any] = {}
    notes: list[str] = []
    unit_costs: UnitCosts = msgspec.field(default_factory=UnitCosts)
    dropped_records: Time = 0
    written_records: Time = 0
    totals: list[tuple[Int, Int, Int, Time, Time]] = []


class Hello(Struct):
    pid: Int
    ppid: Int
    time_ns: Time
    role: str
    python: str
    rank: str | int | None = None


class Moment(Struct):
    time_ns: Time


class Worker(Struct):
    loader: Int
    worker: Int


class Text(Struct):
    id: Int
    text: str


class Place(Struct):
    id: Int
    file: str
    line: Int
    function: str


class StackFrame(Struct, array_like=True, forbid_unknown_fields=True):
    function: str
    file: str
    line: Int
    user: bool
    generator: bool = False


class Stack(Struct):
    id: Int
    frames: list[StackFrame]


class DataLoader(Struct):
    id: Int
    num_workers: Int
    batch_size: Int | None = None
    samples: Int | None = None
    drop_last: bool = False
    dataset: str = ""
    site: Int | None = None
    iter_site: Int | None = None
    dataset_site: Int | None = None
    collate_site: Int | None = None


class Attached(Struct):
    collector: str


class Failed(Struct):
    collector: str
    where: str
    error: str


class Read(Struct):
    id: Int
    call: str
    format: str
    count: Annotated[int, Meta(ge=1, le=2**62)]
    wall_ns: Int
    cpu_ns: Int
    t0: Time
    t1: Time
    site: Int | None = None
    path: str | None = None
    size_bytes: Int | None = None
    rows: Int | None = None
    columns: list[Any] | None = None
    column_count: Int | None = None
    asked_columns: list[Any] | None = None
    engine: Any = None
    dtypes: list[Any] | None = None


class Used(Struct):
    read: Int
    columns: list[Any] | None


class Moved(Struct):
    read: Int
    wall_ns: Int


class Probe(Struct):
    read: Int
    source: str = ""
    parquet_seconds: Real = 0
    parquet_low_seconds: Real = 0
    parquet_high_seconds: Real = 0
    used_seconds: Real = 0
    all_seconds: Real = 0


NOTES: dict[str, Any] = {
    "hello": Hello,
    "ready": Moment,
    "bye": Moment,
    "worker": Worker,
    "string": Text,
    "site": Place,
    "stack": Stack,
    "loader": DataLoader,
    "attached": Attached,
    "failed": Failed,
    "read": Read,
    "used": Used,
    "moved": Moved,
    "probe": Probe,
    "flow_lines": notes.FlowLines,
    "output_lines": notes.OutputLines,
    "switches": notes.Switches,
    "switch_line": notes.SwitchLine,
    "data_parallel": notes.DataParallel,
    "ddp": notes.Ddp,
    "exchange": notes.Exchange,
    "gil": notes.Gil,
    "threads": notes.Threads,
    "threads_line": notes.SwitchLine,
    "device_window": notes.DeviceWindow,
    "device_trace": notes.DeviceTrace,
    "device_lines": notes.DeviceLines,
    "batch_parts": notes.BatchParts,
    "batch": notes.Batch,
    "compile": notes.Compile,
    "optimizer": notes.OptimizerFacts,
    "forward": notes.Forward,
    "serving": notes.Serving,
    "model_call": notes.ModelCall,
    "collective": notes.Collective,
    "container": notes.Container,
    "growth_line": notes.GrowthLine,
    "objects": notes.Objects,
    "device_memory": notes.DeviceMemory,
    "collections": notes.Collections,
    "objects_line": notes.ObjectsLine,
    "pages": notes.Pages,
    "rowwise": notes.RowWise,
}


def check(value: Any, shape: Any) -> None:
    """Raise ValueError, saying where, when ``value`` is not of ``shape``."""
    msgspec.convert(value, shape)  # its ValidationError is a ValueError
