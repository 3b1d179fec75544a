"""Facts about DataLoaders, their batches and their workers."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from .base import Count, Fact, Int, Moment


class DataLoader(Fact, frozen=True):
    """A DataLoader as configured. ``length``: in batches, None if it has none."""

    kind: ClassVar[str] = "loader"
    id: Int
    num_workers: Annotated[int, Meta(ge=0, le=2**15)]
    batch_size: Int | None = None
    samples: Int | None = None
    length: Int | None = None
    drop_last: bool = False
    dataset: str = ""
    sampler: str | None = None
    collate: str = ""
    prefetch_factor: Annotated[int, Meta(ge=0, le=2**31)] | None = None
    in_order: bool | None = None
    persistent_workers: bool = False
    pin_memory: bool = False
    iterable: bool = False
    site: Int | None = None
    iter_site: Int | None = None
    dataset_site: Int | None = None
    collate_site: Int | None = None


class Batch(Fact, frozen=True):
    """A batch of token sequences. ``lengths``: of its rows, without padding."""

    kind: ClassVar[str] = "batch"
    loader: Int
    time_ns: Moment
    rows: Annotated[int, Meta(ge=1, le=2**40)]
    width: Annotated[int, Meta(ge=1, le=2**40)]
    lengths: list[Annotated[int, Meta(ge=0, le=2**40)]]


class Carried(Fact, frozen=True):
    """A batch that a device is in use for: bytes of its tensors on the host, and whether all or none are pinned."""

    kind: ClassVar[str] = "carried"
    loader: Int
    time_ns: Moment
    bytes: Count
    pinned: bool | None = None


class BatchPart(Struct, frozen=True):
    """One array of a batch. ``levels``: number of distinct values among its floats, 0 if unknown."""

    bytes: Count
    item_bytes: Annotated[int, Meta(ge=1, le=64)]
    levels: Count


class BatchParts(Fact, frozen=True):
    """The arrays that make up one batch."""

    kind: ClassVar[str] = "batch_parts"
    parts: list[BatchPart]


class InputStage(Struct, frozen=True):
    """One stage of a tf.data pipeline: what it takes by itself, on all threads."""

    name: str
    ns: Count


class InputStages(Fact, frozen=True):
    """The stages of the pipeline that feeds a process."""

    kind: ClassVar[str] = "input_stages"
    stages: tuple[InputStage, ...]


class Objects(Fact, frozen=True):
    """The attribute in which a loader's dataset holds most Python objects; ``name`` is empty if there is none."""

    kind: ClassVar[str] = "objects"
    loader: Int
    name: str
    container: str
    length: Int
    bytes: Int
    owner: str
    file: str


class Pages(Fact, frozen=True):
    """Written pages of a worker when it began."""

    kind: ClassVar[str] = "pages"
    private_bytes: Int
    shared_bytes: Int
