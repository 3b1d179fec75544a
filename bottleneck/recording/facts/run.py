"""Facts that every recorded process leaves: its identity, what its numbers mean, which collectors work."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from .base import Count, Fact, Int, Moment, Site


class Hello(Fact, frozen=True):
    """A process begins to record. ``host``: its machine, "" for the run's machine; ``clock_offset_ns``: added to its
    times to put them on the supervisor's clock."""

    kind: ClassVar[str] = "hello"
    pid: Int
    ppid: Int
    time_ns: Moment
    role: str
    python: str
    rank: str | int | None = None
    host: str = ""
    clock_offset_ns: Int = 0
    world_size: str | int | None = None

    @property
    def rank_number(self) -> int | None:
        """The rank that a launcher has assigned to the process; None if it is not a number."""
        return _number(self.rank)

    @property
    def ranks(self) -> int:
        """How many ranks the launcher says there are; 0 if it does not."""
        return _number(self.world_size) or 0


def _number(value: str | int | None) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


class Ready(Fact, frozen=True):
    """The recorder has started; any time before this is the start of the interpreter."""

    kind: ClassVar[str] = "ready"
    time_ns: Moment


class Bye(Fact, frozen=True):
    """A process ends normally."""

    kind: ClassVar[str] = "bye"
    time_ns: Moment


class Worker(Fact, frozen=True):
    """The process is a worker of a DataLoader."""

    kind: ClassVar[str] = "worker"
    loader: Int
    worker: Int


class String(Fact, frozen=True):
    """A text that records refer to by number."""

    kind: ClassVar[str] = "string"
    id: Int
    text: str


class CallSite(Fact, frozen=True):
    """A line of code that records and facts refer to by number."""

    kind: ClassVar[str] = "site"
    id: Int
    file: str
    line: Int
    function: str

    @property
    def place(self) -> Site:
        return Site(self.file, self.line, self.function)


class Frame(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One frame of a sampled stack. ``user``: the file is the user's own; ``generator``: the function yields."""

    function: str
    file: str
    line: Int
    user: bool
    generator: bool = False


class Stack(Fact, frozen=True):
    """A call stack, innermost frame first, that samples refer to by number."""

    kind: ClassVar[str] = "stack"
    id: Int
    frames: tuple[Frame, ...]


class Thread(Fact, frozen=True):
    """A thread other than the main one, which samples refer to by index. ``native_id``: the kernel's, 0 if unknown."""

    kind: ClassVar[str] = "thread"
    index: Annotated[int, Meta(ge=1, le=2**31)]
    name: str = ""
    native_id: Count = 0


class Wait(Fact, frozen=True):
    """Something that threads wait for, which the rows of ``waits`` refer to by ``id``.

    ``what``: socket, accept (a socket that listens), file, pipe, device, child, lock, gil, sleep, events (of an event
    loop), memory (a page that is read from disk). ``name``: address and port, path or program, "" if it has none.
    """

    kind: ClassVar[str] = "wait"
    id: Int
    what: str
    name: str = ""


class Attached(Fact, frozen=True):
    """A collector is hooked into its library."""

    kind: ClassVar[str] = "attached"
    collector: str


class Failed(Fact, frozen=True):
    """A collector failed and was switched off."""

    kind: ClassVar[str] = "failed"
    collector: str
    where: str
    error: str


class Gil(Fact, frozen=True):
    """Whether the interpreter has a global lock."""

    kind: ClassVar[str] = "gil"
    enabled: bool


class Sampler(Fact, frozen=True):
    """What the call stack sampler did, and what it cost."""

    kind: ClassVar[str] = "sampler"
    ticks: Count = 0
    tick_cost_ns: Count = 0
    looks: Count = 0
    look_cost_ns: Count = 0
    stacks: Count = 0
    full: bool = False


class Pyinstrument(Fact, frozen=True):
    """The file that pyinstrument's own engine left."""

    kind: ClassVar[str] = "pyinstrument"
    file: str = ""
