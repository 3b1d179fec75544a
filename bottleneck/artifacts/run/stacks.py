"""Where sampled time went: seconds of call stacks by user function and line, running and blocked time apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count, takewhile

import numpy as np
import numpy.typing as npt

from ... import signals
from ...recording.model import Frame, Recording, Records
from .. import Missing
from ..training.steps import Steps
from .gaps import importing
from .main_process import main_process

#: Begin and end of each in monotonic ns, not overlapping; an array has one per row.
Intervals = Sequence[tuple[int, int]] | npt.NDArray[np.int64]
_PASSED_ON = 0.9  # of a library call's time spent in a single other library call: it only delegates
#: Library code that counts as training wherever it is called.
_TRAINING = ("/torch/nn/", "/torch/optim/", "/torch/autograd/", "/torch/amp/", "/torch/functional.py")


def in_training_code(frames: tuple[Frame, ...]) -> bool:
    """Whether a stack (innermost first) has torch modules, optimizers or losses below the user's innermost frame."""
    library = takewhile(lambda frame: not frame.user, frames)
    return any(part in frame.file for frame in library for part in _TRAINING)


@dataclass(frozen=True)
class Hot:
    """A user function at its hottest line; seconds of the main thread with it as the innermost user frame."""

    function: str
    file: str
    line: int
    cpu_seconds: float
    blocked_seconds: float

    @property
    def seconds(self) -> float:
        return self.cpu_seconds + self.blocked_seconds


@dataclass
class Node:
    """A node of the call tree. ``seconds`` is inclusive; children are sorted, heaviest first.

    ``blocked_seconds``: the part in which the thread neither ran nor was runnable. ``user``: the user's own code.
    ``skipped``: library calls left out between its caller and itself.
    """

    function: str
    file: str
    line: int
    seconds: float = 0.0
    children: list[Node] = field(default_factory=list)
    user: bool = False
    skipped: int = 0
    blocked_seconds: float = 0.0


@dataclass(frozen=True)
class Stacks:
    """The samples of one process. ``rows`` have RECORD_DTYPE; ``frames`` holds each stack, innermost frame first."""

    process: int
    rows: Records
    frames: dict[int, tuple[Frame, ...]]

    @classmethod
    def compute(cls, recording: Recording, steps: Steps | None) -> Stacks:
        """The main process's samples. Raises Missing when none were taken."""
        return cls.of(recording, main_process(recording, steps))

    @classmethod
    def of(cls, recording: Recording, process: int) -> Stacks:
        """The samples of one process, an index into ``facts.processes``. Raises Missing when none were taken."""
        rows = recording.stacks[recording.stacks["process"] == process]
        if not len(rows):
            why = recording.facts.failed.get("stacks")
            raise Missing("Call stacks were not sampled" + (f" ({why})." if why else "."))
        return cls(process, rows, {key[1]: value for key, value in recording.facts.stacks.items() if key[0] == process})

    def hot(self, phase: str | None = None, within: Intervals | None = None) -> list[Hot]:
        """User functions by sampled seconds, hottest first; optionally of one phase, and of samples ending in the
        intervals."""
        lines: dict[tuple[str, str], dict[int, npt.NDArray[np.float64]]] = {}
        for stack, cpu, blocked in weights(self._chosen(phase, within)):
            frame = next((f for f in self.frames.get(stack, ()) if f.user), None)
            if frame is not None:
                of_line = lines.setdefault((frame.function, frame.file), {})
                of_line[frame.line] = of_line.get(frame.line, np.zeros(2)) + np.array([cpu, blocked])
        found = []
        for (function, file), of_line in lines.items():
            cpu, blocked = sum(of_line.values(), np.zeros(2)).tolist()
            line = max(of_line, key=lambda number: float(of_line[number].sum()))
            found.append(Hot(function, file, line, cpu, blocked))
        return sorted(found, key=lambda hot: (-hot.seconds, hot.file, hot.line))

    def lines(self, phase: str | None = None, within: Intervals | None = None) -> dict[tuple[str, int], float]:
        """Seconds by (file, line) of the innermost user frame."""
        found: dict[tuple[str, int], float] = {}
        for stack, cpu, blocked in weights(self._chosen(phase, within)):
            frame = next((f for f in self.frames.get(stack, ()) if f.user), None)
            if frame is not None:
                found[frame.file, frame.line] = found.get((frame.file, frame.line), 0.0) + cpu + blocked
        return found

    def seconds(self, phase: str | None = None, within: Intervals | None = None) -> float:
        """All sampled seconds of a phase within the intervals, with or without user frames."""
        return sum(cpu + blocked for _, cpu, blocked in weights(self._chosen(phase, within)))

    def blocked_seconds(self, within: Intervals) -> float:
        """Sampled seconds within the intervals in which the thread neither ran nor was runnable."""
        return sum(blocked for _, _, blocked in weights(self._chosen(None, within)))

    def import_share(self, t0: int, t1: int) -> float:
        """Share (0..1) of the samples between two times (monotonic ns) that were in an import."""
        imports = total = 0.0
        for stack, cpu, blocked in weights(self._chosen(None, [(t0, t1)])):
            total += cpu + blocked
            library = takewhile(lambda frame: not frame.user, self.frames.get(stack, ()))
            if importing(library):
                imports += cpu + blocked
        return imports / total if total else 0.0

    def unknown_seconds(self) -> float:
        """Seconds whose stack was not kept, because there were too many distinct stacks."""
        return sum(cpu + blocked for stack, cpu, blocked in weights(self.rows) if stack not in self.frames)

    def tree(self, limit: int = 500, least_share: float = 0.002) -> tuple[Node, ...]:
        """The call tree, see ``call_tree``; no node is below ``least_share`` of the total."""
        return call_tree(self.rows, self.frames, limit, least_share * self.seconds())

    def _chosen(self, phase: str | None, within: Intervals | None) -> Records:
        rows = self.rows
        if phase is not None:
            number = signals.PHASES.index(phase) if phase in signals.PHASES else -1
            rows = rows[(rows["flags"] & 0xFF) == number]
        if within is not None:
            spans = np.asarray(within, dtype="i8").reshape(-1, 2)
            if not len(spans):
                return rows[:0]
            starts, ends = (spans if (spans[1:, 0] >= spans[:-1, 0]).all() else spans[np.argsort(spans[:, 0])]).T
            at = np.searchsorted(starts, rows["t1"], side="left") - 1
            rows = rows[(at >= 0) & (rows["t1"] <= ends[np.maximum(at, 0)])]
        return rows


def weights(rows: Records) -> list[tuple[int, float, float]]:
    """(stack id, running seconds, blocked seconds), one entry per stack."""
    stacks, inverse = np.unique(rows["arg"], return_inverse=True)
    seconds = (rows["t1"] - rows["t0"]) / 1e9
    blocked = rows["kind"] == signals.STACK_BLOCKED
    sums = [np.bincount(inverse, weights=seconds * mask, minlength=len(stacks)) for mask in (~blocked, blocked)]
    return list(zip(stacks.tolist(), sums[0].tolist(), sums[1].tolist(), strict=True))


def call_tree(
    rows: Records, frames: Mapping[int, tuple[Frame, ...]], limit: int, least_seconds: float
) -> tuple[Node, ...]:
    """The samples of one thread as a tree, heaviest roots first: at most ``limit`` nodes, and no light ones.

    Of a run of library calls that only delegate, the first and last are kept: a user line may sit 40 calls deep.
    """
    root = Node("", "", 0)
    index: dict[tuple[int, str, str], Node] = {}
    for stack, cpu, blocked in weights(rows):
        node = root
        for frame in reversed(frames.get(stack, ())):
            if frame.file.startswith("<frozen"):
                continue
            key = id(node), frame.function, frame.file
            if key not in index:
                index[key] = Node(frame.function, frame.file, frame.line, user=frame.user)
                node.children.append(index[key])
            node = index[key]
            node.seconds += cpu + blocked
            node.blocked_seconds += blocked
    _prune(root, least_seconds, limit)
    _fold(root)
    return tuple(root.children)


def _prune(root: Node, least: float, limit: int) -> None:
    """Keep the heaviest nodes wherever they are. A caller is never lighter than its callees, so it is kept too."""
    heap: list[tuple[float, int, Node, Node]] = []
    order = count()

    def offer(parent: Node) -> None:
        for child in parent.children:
            if child.seconds >= least:
                heappush(heap, (-child.seconds, next(order), parent, child))
        parent.children = []

    offer(root)
    while heap and limit:
        _, _, parent, node = heappop(heap)
        parent.children.append(node)
        offer(node)
        limit -= 1


def _fold(node: Node) -> None:
    """Drop the middle of each run of library calls in which each one spends nearly all its time in the next."""
    for first in node.children:
        last, passed = first, 0
        while not last.user and (only := _heir(last)) is not None:
            last, passed = only, passed + 1
        if passed > 2:
            last.skipped = passed - 1
            first.children = [last]
        _fold(last)


def _heir(node: Node) -> Node | None:
    """The library call that takes nearly all of the node's time, if any."""
    if len(node.children) != 1 or node.children[0].user:
        return None
    only = node.children[0]
    return only if only.seconds >= _PASSED_ON * node.seconds else None
