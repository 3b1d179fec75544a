"""Fields of the notes that collectors and the end of a run leave, by what they tell of. See ``shapes``."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Int = Annotated[int, Meta(ge=-(2**62), le=2**62)]
Time = Annotated[int, Meta(ge=0, le=2**62)]  # nanoseconds
Real = Annotated[float, Meta(ge=0, le=1e18)]


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
    grad: bool = True


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
