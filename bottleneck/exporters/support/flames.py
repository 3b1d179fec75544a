"""The flame graphs of the page: the call tree of each thread, as cells below their callers."""

from __future__ import annotations

from dataclasses import dataclass

from ...diagnosis.model import Diagnosis, StackNode
from . import units
from .drawing import Call, calls

_MAX_CELLS = 300  # of one thread
_MOSTLY = 0.5


@dataclass(frozen=True)
class Cell:
    """One call. ``width``: its share (0..1) of its caller's; ``kind``: its CSS classes."""

    function: str
    title: str
    kind: str
    width: float
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Flame:
    """The calls of one thread. ``title``: the thread and its sampled time."""

    title: str
    cells: tuple[Cell, ...]


def flames(diagnosis: Diagnosis) -> list[Flame]:
    """One flame graph per thread with samples, the main thread first."""
    view = diagnosis.view
    trees = [("main thread", view.calls), *((f"{t.process}, {t.thread}", t.calls) for t in view.threads)]
    return [flame for name, nodes in trees if (flame := _flame(name, nodes)).cells]


def _flame(name: str, nodes: tuple[StackNode, ...]) -> Flame:
    roots = calls(nodes, _MAX_CELLS)
    whole = sum(call.seconds for call in roots)
    waiting = sum(call.seconds * call.blocked_share for call in roots) / whole if whole else 0.0
    return Flame(f"{name}: {units.seconds(whole)}{_waiting(waiting)}", tuple(_cell(call, whole) for call in roots))


def _cell(call: Call, caller_seconds: float) -> Cell:
    title = f"{call.function}, {call.place}: {units.seconds(call.seconds)}, {units.share(call.share)}"
    title += _waiting(call.blocked_share)
    if call.skipped:
        title += f"; {call.skipped} library call{'s' if call.skipped > 1 else ''} above it left out"
    kinds = ("own" if call.own else "", "waits" if call.blocked_share >= _MOSTLY else "")
    below = tuple(_cell(child, call.seconds) for child in call.children)
    return Cell(call.function, title, " ".join(filter(None, kinds)), call.seconds / caller_seconds, below)


def _waiting(share: float) -> str:
    return f", {units.share(share)} of it waiting" if share >= 0.01 else ""
