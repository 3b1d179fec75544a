"""What the files of a run folder hold: the fields that the analysis relies on, checked when a run is loaded.

Fields and kinds of notes that are not named here are let through.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

Int = Annotated[int, Meta(ge=-(2**62), le=2**62)]
Time = Annotated[int, Meta(ge=0, le=2**62)]  # nanoseconds
Real = Annotated[float, Meta(ge=0, le=1e18)]


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


class Probe(Struct):
    read: Int
    source: str = ""
    parquet_seconds: Real = 0
    parquet_low_seconds: Real = 0
    parquet_high_seconds: Real = 0
    used_seconds: Real = 0
    all_seconds: Real = 0


class FlowLines(Struct):
    file: str
    lines: list[Int]
    zeroing: list[Int] = []


class OutputLines(Struct):
    file: str
    lines: list[Int]
    fetching: list[Int]


class Switches(Struct):
    anomaly: bool


class Gil(Struct):
    enabled: bool


class Threads(Struct):
    count: Annotated[int, Meta(ge=1, le=2**31)]
    operations: Time = 0  # of one backward pass, 0 unknown


class Batch(Struct):
    loader: Int
    time_ns: Time
    rows: Annotated[int, Meta(ge=1, le=2**40)]
    width: Annotated[int, Meta(ge=1, le=2**40)]
    lengths: list[Annotated[int, Meta(ge=0, le=2**40)]]


class Compile(Struct):
    t0: Time
    t1: Time
    frame: str
    again: Int
    backward: bool
    sizes: bool
    site: Int = 0


class OptimizerFacts(Struct):
    name: str
    momentum: bool
    fused: bool
    can_fuse: bool
    foreach: bool
    groups: Int
    device: str
    sizes: list[tuple[Annotated[int, Meta(ge=0, le=64)], Annotated[int, Meta(ge=1, le=2**32)]]]
    torch: str
    site: Int = 0


class SwitchLine(Struct):
    file: str
    line: Int
    function: str


class DataParallel(Struct):
    site: Int
    devices: Int


class Ddp(Struct):
    id: Int
    site: Int
    device: str
    backend: str
    rank: Time
    world_size: Time
    find_unused: bool
    static_graph: bool


class Collective(Struct):
    name: str
    call: Int
    stands_for: Int
    site: Int
    device: str
    bytes: Time
    t0: Time
    t1: Time


class Exchange(Struct):
    id: Int
    site: Int
    synced: bool
    iteration: Int
    times_ns: tuple[Int, Int, Int]
    buckets: list[Int]
    unused_bytes: Int


class DeviceWindow(Struct):
    began: Time  # torch.profiler was started, and at ``ended`` its trace was written
    ended: Time
    t0: Time = 0  # traced from here to ``t1``
    t1: Time = 0
    clocks: list[tuple[Time, Time]] = []
    problem: str = ""


class DeviceProperties(Struct):
    name: str = ""
    major: Int = 0
    minor: Int = 0


class DeviceTrace(Struct):
    names: list[str]
    devices: list[DeviceProperties] = []
    problem: str = ""


class BatchPart(Struct):
    bytes: Time
    item_bytes: Annotated[int, Meta(ge=1, le=64)]
    levels: Time


class BatchParts(Struct):
    parts: list[BatchPart]


class DeviceLines(Struct):
    file: str
    fetches: list[Int]
    copies: list[Int]


class Forward(Struct):
    frames: list[tuple[str, str, Int]]


class Serving(Struct):
    event: str
    time_ns: Time


class ModelCall(Struct):
    site: Int
    count: Int


class Container(Struct):
    name: str
    file: str
    container: str
    length: Int
    time_ns: Time
    item: str = ""
    item_bytes: Int | None = None
    site: Int = 0
    scope: str = ""


class GrowthLine(Struct):
    name: str
    container_file: str
    file: str
    line: Int
    function: str


class Objects(Struct):
    loader: Int
    name: str
    container: str
    length: Int
    bytes: Int
    owner: str
    file: str


class Pages(Struct):
    private_bytes: Int
    shared_bytes: Int


class ObjectsLine(Struct):
    loader: Int
    file: str
    line: Int
    function: str


class DeviceMemory(Struct):
    time_ns: Time
    allocated_bytes: Int
    peak_bytes: Int
    reserved_bytes: Int
    total_bytes: Int
    retries: Int
    device_allocations: Int
    device_frees: Int


class Collections(Struct):
    time_ns: Time
    total_ns: Time
    count: Int


class RowWise(Struct):
    call: str
    rows: Int
    columns: Int
    t0: Time
    t1: Time
    cpu_ns: Int
    own_ns: Int | None = None
    site: Int | None = None
    function: str = ""


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
    "probe": Probe,
    "flow_lines": FlowLines,
    "output_lines": OutputLines,
    "switches": Switches,
    "switch_line": SwitchLine,
    "data_parallel": DataParallel,
    "ddp": Ddp,
    "exchange": Exchange,
    "gil": Gil,
    "threads": Threads,
    "threads_line": SwitchLine,
    "device_window": DeviceWindow,
    "device_trace": DeviceTrace,
    "device_lines": DeviceLines,
    "batch_parts": BatchParts,
    "batch": Batch,
    "compile": Compile,
    "optimizer": OptimizerFacts,
    "forward": Forward,
    "serving": Serving,
    "model_call": ModelCall,
    "collective": Collective,
    "container": Container,
    "growth_line": GrowthLine,
    "objects": Objects,
    "device_memory": DeviceMemory,
    "collections": Collections,
    "objects_line": ObjectsLine,
    "pages": Pages,
    "rowwise": RowWise,
}


def check(value: Any, shape: Any) -> None:
    """Raise ValueError, saying where, when ``value`` is not of ``shape``."""
    msgspec.convert(value, shape)  # its ValidationError is a ValueError
