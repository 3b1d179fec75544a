"""Times in which the event loop did not run, and the user's line that blocked it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...recording.model import Frame, Recording, Records, Site

_GARBAGE = 0xFFFF  # flags of a LAG record caused by the garbage collector
_SETTLE_NS = 10_000_000  # after a block: the loop sends the answers that were made in it
_LOOP_PATHS = ("/asyncio/", "/uvloop/", "/selectors.py")
_AROUND = ("__call__", "dispatch", "wrapper", "wrapped", "inner")  # names of middleware and decorators, not of handlers


@dataclass(frozen=True)
class Block:
    """The event loop did not run for ``seconds`` (from when it was due) because of the user's line ``site``.

    ``waiting``: requests that got their turn before the loop's heartbeat, including the running one: they arrived
    meanwhile, or had been let in before, by a middleware, and were answered when it was over. ``cpu_share``: of
    the loop's thread. ``free_share``: how often another thread got the GIL at once, None if not measured. ``handler``:
    the coroutine that the framework called, at its current line. ``call``: the plain function that blocks, "" if
    unknown.
    """

    start_ns: int
    end_ns: int
    site: Site | None
    waiting: int
    cpu_share: float
    free_share: float | None
    handler: Site | None = None
    call: str = ""
    process: int = 0

    @property
    def seconds(self) -> float:
        return (self.end_ns - self.start_ns) / 1e9


def blocks_of(recording: Recording, process: int, lags: Records, served: Records) -> tuple[Block, ...]:
    starts, ends = np.sort(served["t0"]), np.sort(served["t1"])
    blocks = []
    for lag in lags[np.argsort(lags["t0"], kind="stable")]:
        start, end, flags = int(lag["t0"]), int(lag["t1"]), int(lag["flags"])
        frames = recording.facts.stacks.get((process, int(lag["arg"])), ())
        arrived = int(np.searchsorted(starts, end) - np.searchsorted(starts, start, side="right"))
        answered = int(np.searchsorted(ends, end + _SETTLE_NS) - np.searchsorted(ends, start))
        garbage = flags == _GARBAGE
        path = [] if garbage else _user_path(frames)
        looked = 0 if garbage else flags >> 8
        blocks.append(
            Block(
                start,
                end,
                _site(frames[path[0]]) if path else None,
                max(arrived + 1, answered),
                0.0 if garbage else (flags & 0xFF) / 100,
                (looked - 1) / 100 if looked else None,
                _handler(frames, path),
                _blocking_call(frames, path),
                process,
            )
        )
    return tuple(blocks)


def _user_path(frames: tuple[Frame, ...]) -> list[int]:
    """Indices of the user's frames between the running code and the event loop, innermost first; [] outside a loop."""
    for index, frame in enumerate(frames):
        if any(part in frame.file.replace("\\", "/") for part in _LOOP_PATHS):
            return [i for i in range(index) if frames[i].user]
    return [i for i, frame in enumerate(frames) if frame.user]


def _site(frame: Frame) -> Site:
    return Site(frame.file, frame.line, frame.function)


def _handler(frames: tuple[Frame, ...], path: list[int]) -> Site | None:
    """The outermost user frame inside any middleware and decorators of the user's."""
    inner = [i for i in path if frames[i].function.rpartition(".")[2] not in _AROUND]
    return _site(frames[(inner or path)[-1]]) if path else None


def _blocking_call(frames: tuple[Frame, ...], path: list[int]) -> str:
    """The user's innermost function below the handler, else the public library function that the line calls."""
    handler = _handler(frames, path)
    below = [frames[i].function.rpartition(".")[2] for i in path if _site(frames[i]) != handler]
    names = [name for name in below if name.isidentifier() and name not in _AROUND]
    if names:
        return names[0]
    called = frames[path[0] - 1].function if path and path[0] > 0 else ""
    return called if called and "<" not in called and not called.rpartition(".")[2].startswith("_") else ""
