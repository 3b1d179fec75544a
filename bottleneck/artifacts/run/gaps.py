"""What the main thread did outside steps, requests and recorded phases, judged by the samples around each moment.

Time without a nearby sample has no name: "other".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise, takewhile

import numpy as np
import numpy.typing as npt

from ...recording.model import Frame, Recording, Records
from .frames import HasFile, library_call

Ints = npt.NDArray[np.int64]
OTHER = "other"
LOSS = "loss"
_LOSSES = "/torch/nn/modules/loss.py"
_FUNCTIONS, _LOSS_NAMES = "/torch/nn/functional.py", ("loss", "cross_entropy", "kl_div")
#: A sample covers the running or blocked time it stands for, and this much on either side: the sampler looks every 10
#: to 100 ms, and a thread waiting for a core in between advances neither of its two clocks.
REACH_NS = 250_000_000
#: Between two samples of one function that are no further apart, the thread was in it, too: it waited for a core on a
#: crowded machine, or ran in a native call, since a wait for anything else is sampled.
WITHIN_NS = 10_000_000_000
_MAX_GAPS = 2_000  # gaps kept as spans for drawing
_IMPORT = "<frozen importlib"
#: What the interpreter calls after the program's last line: it waits for threads and runs atexit handlers.
_ENDINGS = ("_shutdown", "_exitfunc", "_exit_function", "_python_exit")
#: Where an event loop waits for something to do: in a selector called by asyncio, in C below its runner (uvloop), or in
#: a sleeping task.
_LOOP = ("/asyncio/", "/uvloop/")
_LOOP_WAITS = ("/selectors.py", "/asyncio/runners.py", "/uvloop/", "/asyncio/tasks.py")


@dataclass(frozen=True)
class Span:
    """A span of the main thread's time, in monotonic ns."""

    name: str
    start_ns: int
    end_ns: int

    @property
    def seconds(self) -> float:
        return (self.end_ns - self.start_ns) / 1e9


def name_gaps(
    recording: Recording, process: int, gaps: npt.NDArray[np.int64], serving: bool
) -> tuple[list[Span], dict[str, float]]:
    """The gaps, one (start, end) per row, split where the name changes: import, python:<function>, shutdown,
    serve.idle, other. Beyond ``_MAX_GAPS``, the shortest gaps only count as seconds, under the name they begin with."""
    rows = recording.stacks[recording.stacks["process"] == process]
    stacks, which = np.unique(rows["arg"], return_inverse=True)
    labels = [_outside(recording.facts.stacks.get((process, i), ()), serving) for i in stacks.tolist()]
    unique, codes = np.unique([*labels, OTHER], return_inverse=True)
    names = unique.tolist()
    from_, what = _timeline(rows, codes[:-1][which], int(codes[-1]))
    found: list[Span] = []
    longest = np.sort(np.argsort(gaps[:, 0] - gaps[:, 1], kind="stable")[:_MAX_GAPS])
    for start, end in gaps[longest].tolist():
        first, last = np.searchsorted(from_, start, side="right") - 1, np.searchsorted(from_, end, side="left")
        cuts = [start, *from_[first + 1 : last].tolist(), end]
        found += [Span(names[what[first + i]], a, b) for i, (a, b) in enumerate(pairwise(cuts)) if b > a]
    short = np.delete(gaps, longest, axis=0)
    at = what[np.searchsorted(from_, short[:, 0], side="right") - 1]
    sums = np.bincount(at, weights=(short[:, 1] - short[:, 0]) / 1e9, minlength=len(names))
    return found, {name: float(seconds) for name, seconds in zip(names, sums.tolist(), strict=True) if seconds > 0}


def _timeline(rows: Records, codes: Ints, other: int) -> tuple[Ints, Ints]:
    """(start, code) of each stretch with one name, covering all of time.

    Between two samples, the later one reaches back first, then the earlier one forward; the rest is other, unless
    both are of one name.
    """
    order = np.argsort(rows["t1"], kind="stable")
    far = np.iinfo("i8").max // 2
    ends = np.concatenate([[-far], rows["t1"][order], [far]])
    before, after = np.concatenate([[other], codes[order]]), np.concatenate([codes[order], [other]])
    same = (before == after)[1:-1] & (rows["t0"][order][1:] - ends[1:-2] <= WITHIN_NS)
    reach = np.append(rows["t0"][order] - REACH_NS, far)
    reach[1:-1] = np.where(same, ends[1:-2], reach[1:-1])
    known_from = np.clip(reach, ends[:-1], ends[1:])
    known_until = np.minimum(ends[:-1] + REACH_NS, known_from)
    starts = np.stack([ends[:-1], known_until, known_from], axis=1).ravel()
    what = np.stack([before, np.full(len(before), other), after], axis=1).ravel()
    there = np.append(starts[1:] > starts[:-1], True)
    starts, what = starts[there], what[there]
    changed = np.append(True, what[1:] != what[:-1])
    return starts[changed], what[changed]


def importing(frames: Iterable[HasFile]) -> bool:
    """Whether one of these frames is the import of a module."""
    return any(frame.file.startswith(_IMPORT) for frame in frames)


def label(frames: tuple[Frame, ...]) -> str:
    """loss (in a loss of torch's), python:<innermost user function>, or other; ``frames`` are innermost first."""
    for frame in takewhile(lambda frame: not frame.user, frames):
        if frame.file.endswith(_LOSSES) or (
            frame.file.endswith(_FUNCTIONS) and any(name in frame.function for name in _LOSS_NAMES)
        ):
            return LOSS
    return next((f"python:{frame.function}" for frame in frames if frame.user), OTHER)


def _outside(frames: tuple[Frame, ...], serving: bool) -> str:
    """Like ``label``, for a stack outside steps and requests."""
    library = [frame.file.replace("\\", "/") for frame in takewhile(lambda frame: not frame.user, frames)]
    if serving and _any_in(_LOOP_WAITS, library[:1]) and _any_in(_LOOP, library):
        return "serve.idle"
    for frame in frames:
        if frame.user:
            return f"python:{frame.function}"
        if importing((frame,)):
            return "import"
    if frames and frames[-1].function.rpartition(".")[2] in _ENDINGS:
        return "shutdown"
    called = library_call(frames)
    return f"python:{called}" if called else OTHER


def _any_in(parts: tuple[str, ...], files: list[str]) -> bool:
    return any(part in file for part in parts for file in files)
