"""Facts of what a training does in its forward and backward passes and its optimizer."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from .base import Count, Fact, Int, Moment


class Switches(Fact, frozen=True):
    """Whether autograd's anomaly detection is on."""

    kind: ClassVar[str] = "switches"
    anomaly: bool


class Threads(Fact, frozen=True):
    """Threads that an operation may use on the CPU. ``operations``: of one backward pass, 0 unknown."""

    kind: ClassVar[str] = "threads"
    count: Annotated[int, Meta(ge=1, le=2**31)]
    operations: Count = 0


class Compile(Fact, frozen=True):
    """One compilation by torch.compile. ``again``: how often before; ``sizes``: because an input's size changed."""

    kind: ClassVar[str] = "compile"
    t0: Moment
    t1: Moment
    frame: str
    again: Int
    backward: bool
    sizes: bool
    site: Int | None = None


class Optimizer(Fact, frozen=True):
    """An optimizer of torch. ``sizes``: (bits of the number of values, tensors of that size)."""

    kind: ClassVar[str] = "optimizer"
    name: str
    momentum: bool
    fused: bool
    can_fuse: bool
    foreach: bool
    groups: Int
    device: str
    sizes: list[tuple[Annotated[int, Meta(ge=0, le=64)], Annotated[int, Meta(ge=1, le=2**32)]]]
    torch: str
    site: Int | None = None


class Forward(Fact, frozen=True):
    """The user's (function, file, line)s on the way to a forward pass, innermost first. ``grad``: it trains.

    ``rows``: samples in its first input as it was first called from there, 0 where that is not certain.
    """

    kind: ClassVar[str] = "forward"
    frames: list[tuple[str, str, Int]]
    grad: bool = True
    rows: Count = 0
