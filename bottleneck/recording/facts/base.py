"""The base of all facts, and the number types of their fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

Int = Annotated[int, Meta(ge=-(2**62), le=2**62)]
Count = Annotated[int, Meta(ge=0, le=2**62)]  # of things, bytes or nanoseconds
#: Monotonic nanoseconds on the clock of a process.
Moment = Annotated[int, Meta(ge=0, le=2**62, extra={"clock": "process"})]
Real = Annotated[float, Meta(ge=0, le=1e18)]


@dataclass(frozen=True)
class Site:
    """A line of code."""

    file: str
    line: int
    function: str


class Fact(Struct, frozen=True, omit_defaults=True):
    """A statement by a process about itself, or something looked up about it. ``kind``: its name in the files."""

    kind: ClassVar[str] = ""
