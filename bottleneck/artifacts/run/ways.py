"""The user lines in one call stack, and the ways in which each of them spends its time. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ...recording.facts.source import ByValueFile
from ...recording.model import Frame, Recording
from .frames import EVENT_LOOP, FORKED, HANDLERS, IDLE, JOINS, LOADING, POOLED, through

_OUTER, _INNER = 16, 6  # frames kept below a line: the nearest ones, and the innermost
_ABOVE = 16
_BY_VALUE = "<dynamic-code>"
Key = tuple[str, int, str]  # file, line, function


class Called(NamedTuple):
    """A frame below a line, whichever of its own lines ran."""

    function: str
    file: str
    user: bool


@dataclass(frozen=True)
class Way:
    """One way in which a line spends its time. ``below``: the frames it called, the nearest first.

    ``above``: the frames that led to it, outermost first. ``loading``, ``handler``, ``event_loop``: their roles.
    """

    below: tuple[Called, ...]
    above: tuple[Called, ...]
    loading: bool
    handler: bool
    event_loop: bool

    @property
    def own(self) -> bool:
        """Whether there is user code below."""
        return any(frame.user for frame in self.below)

    @property
    def idle(self) -> bool:
        """Whether an event loop or a server is waiting for something to do."""
        return any(frame.file.endswith(IDLE) for frame in self.below[-1:])

    @property
    def pooled(self) -> bool:
        """Whether it runs in anyio's pool of threads, in which Starlette calls handlers that are no coroutines."""
        return any(frame.file.endswith(POOLED) and frame.function == "WorkerThread.run" for frame in self.above)

    @property
    def joins(self) -> bool:
        """Whether it waits for another thread or process of the program."""
        return through(self.below[-1:], JOINS)


class Place(NamedTuple):
    """A user line in one stack. ``innermost``: no deeper frame is the user's; ``worker``: it runs in a worker."""

    key: Key
    way: Way
    caller: Key | None
    innermost: bool
    worker: bool


def script_of(recording: Recording) -> str:
    """The file in which most stacks of the first process begin; "" if there is none."""
    outer = Counter(
        users[-1].file
        for (process, _), frames in recording.facts.stacks.items()
        if recording.is_root(process) and (users := [frame for frame in frames if frame.user])
    )
    return outer.most_common(1)[0][0] if outer else ""


def files_by_value(recording: Recording) -> tuple[ByValueFile, ...] | None:
    """The files of functions that went to other processes by value; None if they were not looked for."""
    return tuple(fact for _, fact in recording.facts.of(ByValueFile)) or None


def placed(frames: tuple[Frame, ...], script: str, files: tuple[ByValueFile, ...] | None = None) -> tuple[Frame, ...]:
    """Give functions their file back: cloudpickle removes it when it sends them to another process by value.

    One whose file is in doubt keeps its name alone. Without ``files``, all of them count as the script's.
    """
    if not script or not any(frame.file == _BY_VALUE for frame in frames):
        return frames

    def file_of(frame: Frame) -> str:
        if files is None:
            return script
        fits = {
            each.file for each in files if each.function == frame.function and each.first <= frame.line <= each.last
        }
        return fits.pop() if len(fits) == 1 and "" not in fits else _BY_VALUE

    return tuple(
        Frame(frame.function, file_of(frame), frame.line, True, frame.generator) if frame.file == _BY_VALUE else frame
        for frame in frames
    )


def places(frames: tuple[Frame, ...]) -> Iterator[Place]:
    """Each user line in a stack (innermost first) once; for recursion, where it was entered."""
    # A forked process still has the line that started it in its stack.
    begins = next((i for i, frame in enumerate(frames) if _is_forked(frame)), len(frames))
    worker, frames = begins < len(frames), frames[:begins]
    users = [index for index, frame in enumerate(frames) if frame.user]
    seen: set[Key] = set()
    caller: Key | None = None
    for index in reversed(users):
        frame = frames[index]
        key = frame.file, frame.line, frame.function
        if key in seen:
            continue
        seen.add(key)
        above = frames[index + 1 :]
        way = Way(
            _kept(_once(frames[:index][::-1])),
            _once(above[::-1])[-_ABOVE:],
            through(above, LOADING),
            through(above, HANDLERS),
            through(above, EVENT_LOOP),
        )
        yield Place(key, way, caller, index == users[0], worker)
        caller = key


def unclaimed(frames: tuple[Frame, ...], script: str) -> Iterator[Place]:
    """Line 0 of the script, for a server's own work in a thread that the user's code is nowhere in.

    A server that reads from a socket waits for its client.
    """
    waits = through(frames[:1], (*IDLE, "/socket.py", "/ssl.py"))
    if script and through(frames, HANDLERS) and not waits and not any(frame.user for frame in frames):
        way = Way(_kept(_once(frames[::-1])), (), False, True, through(frames, EVENT_LOOP))
        yield Place((script, 0, ""), way, None, True, False)


def _kept(below: tuple[Called, ...]) -> tuple[Called, ...]:
    return below if len(below) <= _OUTER + _INNER else below[:_OUTER] + below[-_INNER:]


def _is_forked(frame: Frame) -> bool:
    return frame.file.endswith(FORKED) and frame.function.endswith("_bootstrap")


def _once(frames: tuple[Frame, ...]) -> tuple[Called, ...]:
    """The frames without repeated rounds of recursion; the innermost frame stays last."""
    called = [Called(each.function, each.file, each.user) for each in frames]
    return (*(each for each in dict.fromkeys(called[:-1]) if each != called[-1]), *called[-1:])
