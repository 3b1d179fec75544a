"""Facts about a training's forward passes, backward passes and optimizers."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from .base import Count, Fact, Int, Moment


class Switches(Fact, frozen=True):
    """Whether autograd's anomaly detection is on."""

    kind: ClassVar[str] = "switches"
    anomaly: bool


class Threads(Fact, frozen=True):
    """CPU threads that an operation may use. ``operations``: in one backward pass, 0 if unknown."""

    kind: ClassVar[str] = "threads"
    count: Annotated[int, Meta(ge=1, le=2**31)]
    operations: Count = 0


class Compile(Fact, frozen=True):
    """One compilation by torch.compile. ``again``: number of earlier ones; ``sizes``: caused by a new input size."""

    kind: ClassVar[str] = "compile"
    t0: Moment
    t1: Moment
    frame: str
    again: Int
    backward: bool
    sizes: bool
    site: Int | None = None


class Optimizer(Fact, frozen=True):
    """A torch optimizer. ``sizes``: (bits of the number of values, number of tensors of that size)."""

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

    ``rows``: samples in its first input at the first call from there, 0 if uncertain.
    """

    kind: ClassVar[str] = "forward"
    frames: list[tuple[str, str, Int]]
    grad: bool = True
    rows: Count = 0
