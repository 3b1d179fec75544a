"""Facts about training on several devices."""

from __future__ import annotations

from typing import ClassVar

from .base import Count, Fact, Int, Moment


class DataParallel(Fact, frozen=True):
    """A model that torch.nn.DataParallel copies to its devices in each step."""

    kind: ClassVar[str] = "data_parallel"
    site: Int
    devices: Int
    indexes: tuple[Int, ...] = ()


class Ddp(Fact, frozen=True):
    """A model of DistributedDataParallel."""

    kind: ClassVar[str] = "ddp"
    id: Int
    site: Int
    device: str
    backend: str
    rank: Count
    world_size: Count
    find_unused: bool
    static_graph: bool


class Exchange(Fact, frozen=True):
    """A backward pass of such a model. ``times_ns``: of the pass, of its communication, and of their overlap."""

    kind: ClassVar[str] = "exchange"
    id: Int
    site: Int
    synced: bool
    iteration: Int
    times_ns: tuple[Int, Int, Int]
    buckets: list[Int]
    unused_bytes: Int


class Collective(Fact, frozen=True):
    """One call of a collective. ``stands_for``: how many calls it represents."""

    kind: ClassVar[str] = "collective"
    name: str
    call: Int
    stands_for: Int
    site: Int
    device: str
    bytes: Count
    t0: Moment
    t1: Moment

    @property
    def seconds(self) -> float:
        return (self.t1 - self.t0) / 1e9
