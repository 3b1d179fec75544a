"""Facts found in the user's source after the run, because detectors read no files."""

from __future__ import annotations

from typing import ClassVar

from .base import Fact, Int, Site


class FlowLines(Fact, frozen=True):
    """Lines that the model's input and the loss depend on. ``zeroing``: lines that set gradients to zero."""

    kind: ClassVar[str] = "flow_lines"
    file: str
    lines: list[Int]
    zeroing: tuple[Int, ...] = ()


class OutputLines(Fact, frozen=True):
    """Lines that only write text. ``fetching``: lines that also fetch values for it."""

    kind: ClassVar[str] = "output_lines"
    file: str
    lines: list[Int]
    fetching: list[Int]


class DeviceLines(Fact, frozen=True):
    """Lines that wait for a device, and lines that copy to it; ``queued``: those of them that need not wait for it;
    ``models``: those that copy a model."""

    kind: ClassVar[str] = "device_lines"
    file: str
    fetches: list[Int]
    copies: list[Int]
    queued: tuple[Int, ...] = ()
    models: tuple[Int, ...] = ()


class Line(Fact, frozen=True):
    """One line of a file, and the function it is in."""

    file: str
    line: Int
    function: str

    @property
    def place(self) -> Site:
        return Site(self.file, self.line, self.function)


class SwitchLine(Line, frozen=True):
    """The line that switches anomaly detection on."""

    kind: ClassVar[str] = "switch_line"


class PaddingLine(Line, frozen=True):
    """The line that pads sequences to a fixed length."""

    kind: ClassVar[str] = "padding_line"


class OneLengthLine(Line, frozen=True):
    """The line that makes a layer which only takes sequences of one length."""

    kind: ClassVar[str] = "one_length_line"


class ThreadsLine(Line, frozen=True):
    """The line that sets how many threads an operation may use."""

    kind: ClassVar[str] = "threads_line"


class LifeLine(Line, frozen=True, kw_only=True):
    """The line that limits how many requests or tasks a worker process may do before another one takes its place.

    ``option``: as it is written there; ``limit``: its value; ``pool``: whether it is of a pool, not of a server.
    ``file`` is "" and ``line`` 0 where it is in the command that was recorded.
    """

    kind: ClassVar[str] = "life_line"
    option: str
    limit: Int
    pool: bool


class ConfigLine(Line, frozen=True, kw_only=True):
    """The line of a configuration file that names a file that a library read. ``function``: the entry it is in."""

    kind: ClassVar[str] = "config_line"
    path: str


class GrowthLine(Line, frozen=True, kw_only=True):
    """The line that makes a container grow. ``container_file``: where the container was seen."""

    kind: ClassVar[str] = "growth_line"
    name: str
    container_file: str


class ObjectsLine(Line, frozen=True, kw_only=True):
    """The line that fills the attribute in which a loader's dataset holds its objects."""

    kind: ClassVar[str] = "objects_line"
    loader: Int


class HeldLine(Line, frozen=True):
    """The line that writes the second part of a message, which the kernel holds back until the first is acknowledged.

    ``handler``: it is in a handler of ``http.server`` or ``socketserver``.
    """

    kind: ClassVar[str] = "held_line"
    handler: bool = False


class KnownLine(Line, frozen=True):
    """A line that holds much of the run, and what its source shows.

    ``pattern``: id of the known slow pattern it matches, "" if none; ``share``: share of the line's time spent in the
    pattern; ``call``: what it calls, "" if that cannot be told; ``loops``: enclosing loops in its function; ``cause``:
    the line to change, if it is another one, in ``cause_file`` if that is another file; ``same_function``: whether it
    is in the same function; ``events``: whether it waits for external events, like an endless loop or a server's
    connection; ``loop``: (first, last) lines of the loop that the pattern's replacement takes the place of, (0, 0) if
    it replaces less.
    """

    kind: ClassVar[str] = "known_line"
    pattern: str = ""
    share: float = 0.0
    call: str = ""
    loops: Int = 0
    stage: str = ""
    cause: Int = 0
    same_function: bool = True
    events: bool = False
    loop: tuple[Int, Int] = (0, 0)
    cause_file: str = ""


class UserLoop(Line, frozen=True, kw_only=True):
    """A user loop that holds much of the run and makes the input of its own step. The fact's line is the loop's.

    ``makes``: (first, last) lines of the statements that make the input; ``last``: last line of the loop; ``step``:
    line of the step; ``library``: the library that the step uses.
    """

    kind: ClassVar[str] = "user_loop"
    makes: list[tuple[Int, Int]]
    last: Int
    step: Int
    library: str


class ByValue(Fact, frozen=True):
    """A function that came to a process without its file: its lines, its names, and what its bytecode sums up to."""

    kind: ClassVar[str] = "by_value"
    function: str
    first: Int
    last: Int
    checksum: Int = 0
    names: tuple[str, ...] = ()


class ByValueFile(Fact, frozen=True):
    """The file of such a function; "" if several of the user's files could be it, or none."""

    kind: ClassVar[str] = "by_value_file"
    function: str
    first: Int
    last: Int
    file: str = ""
