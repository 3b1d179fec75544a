"""Facts that were found in the user's source after the run, because detectors read no files."""

from __future__ import annotations

from typing import ClassVar

from .base import Fact, Int, Site


class FlowLines(Fact, frozen=True):
    """Lines that the model's input and the loss are made of; ``zeroing``: that set gradients to zero."""

    kind: ClassVar[str] = "flow_lines"
    file: str
    lines: list[Int]
    zeroing: tuple[Int, ...] = ()


class OutputLines(Fact, frozen=True):
    """Lines that do nothing but write text; ``fetching``: that fetch values for it as well."""

    kind: ClassVar[str] = "output_lines"
    file: str
    lines: list[Int]
    fetching: list[Int]


class DeviceLines(Fact, frozen=True):
    """Lines that wait for a device, and lines that copy to it."""

    kind: ClassVar[str] = "device_lines"
    file: str
    fetches: list[Int]
    copies: list[Int]


class Line(Fact, frozen=True):
    """One line of a file, and the function that it is in."""

    file: str
    line: Int
    function: str

    @property
    def place(self) -> Site:
        return Site(self.file, self.line, self.function)


class SwitchLine(Line, frozen=True):
    """The line that switches anomaly detection on."""

    kind: ClassVar[str] = "switch_line"


class ThreadsLine(Line, frozen=True):
    """The line that sets how many threads an operation may use."""

    kind: ClassVar[str] = "threads_line"


class GrowthLine(Line, frozen=True, kw_only=True):
    """The line that makes a container grow. ``container_file``: where the container was seen."""

    kind: ClassVar[str] = "growth_line"
    name: str
    container_file: str


class ObjectsLine(Line, frozen=True, kw_only=True):
    """The line that fills the attribute in which the dataset of a loader holds its objects."""

    kind: ClassVar[str] = "objects_line"
    loader: Int


class KnownLine(Line, frozen=True):
    """A line that holds much of the run, and what its source shows.

    ``pattern``: id of the known slow pattern that it is an instance of, "" for none; ``share``: of the line's time,
    what is spent in that; ``call``: what it calls, "" where that cannot be told; ``loops``: around it in its function;
    ``cause``: the line to change, where that is another one, and whether that is in the ``same_function``;
    ``events``: whether it waits for what comes when it comes, as an endless loop or a server's connection does.
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


class UserLoop(Line, frozen=True, kw_only=True):
    """A loop of the user's, by its line, that holds much of the run and makes what its step works on.

    ``makes``: (first, last) lines of the statements that make it; ``last``: line of the loop; ``step``: the line of the
    step; ``library``: what that is made of.
    """

    kind: ClassVar[str] = "user_loop"
    makes: list[tuple[Int, Int]]
    last: Int
    step: Int
    library: str
