"""Gives the time of native operators to their own lines.

The handler of the main thread's CPU timer runs when the interpreter next looks for signals: at the end of a call, at a
jump back, or where a function begins. An operator, as in ``a @ b`` or ``values[index]``, is none of these, so the time
that it takes is recorded at one of the next lines. The looking thread sees the right line, if the operator releases the
GIL, but it looks too rarely, and hardly ever at code that holds the GIL, to measure time by itself. So the timer says
how long a function ran, and the looks that needed no wait for the GIL say which part of that a line must have at least;
what it lacks comes from samples at the next lines, if they have more than the looks agree with.

Between two native calls of some microseconds, every look waits for one of them to release the GIL. So a look counts
only if the main thread ran on while we held the GIL, or else for samples that were delayed by milliseconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .. import signals
from .model import Frame, Recording

_NATIVE = 1 << 8  # the flag of a look: the main thread ran on
DELAYED_MS = 6  # above a tick of the kernel's clock, at which it looks for timers that are due: 4 ms at 250 Hz
PROMPT_NS = 250_000  # a look that waited longer for the GIL does not say where the thread was when it was due
_MIN_LOOKS = 8  # at the line
_LEAST = 0.1  # of the time in the function: less is left where it was recorded
_ERRORS = 2.0  # standard errors by which the looks must exceed the timer's share
_NEXT_LINES = 3  # the lines after an operator that its time may have gone to
_WRAP = 1 << 30  # lines before the operator come after all that follow it: they are of the next pass of a loop

Frames = tuple[Frame, ...]
Function = tuple[int, str, str]  # depth, file, name
Ints = npt.NDArray[np.int64]


@dataclass
class _Stack:
    """One stack of one process. ``rows``: indices of the timer's rows that may be of another line, in order of time.

    ``seconds``: of all its rows; ``looks``: all of them; ``sure``: those that found it in a native call.
    """

    frames: Frames
    rows: Ints
    seconds: float
    looks: int
    sure: int


def return_time_of_operators(recording: Recording) -> None:
    """Move rows of ``recording.stacks`` to the stacks of the operators that they belong to, in place."""
    for process in np.unique(recording.looks["process"]).tolist():
        for delayed in (True, False):
            found = _stacks(recording, process, delayed)
            by_function = _by_function(found)
            for number, stack in found.items():
                if stack.sure >= _MIN_LOOKS and stack.frames:
                    _return_to(recording, number, stack, by_function)


def _stacks(recording: Recording, process: int, delayed: bool) -> dict[int, _Stack]:
    rows, looks = recording.stacks, recording.looks
    looks = looks[looks["process"] == process]
    mine = np.flatnonzero((rows["process"] == process) & (rows["kind"] == signals.STACK_CPU))
    movable = (rows["flags"] >> 8 >= DELAYED_MS) | (not delayed)
    sure = (looks["t1"] - looks["t0"] < PROMPT_NS) & ((looks["flags"] & _NATIVE > 0) | delayed)
    by_stack = dict(_groups(rows["arg"][mine], mine)) if len(mine) else {}
    seen, surely = Counter(looks["arg"].tolist()), Counter(looks["arg"][sure].tolist())
    found: dict[int, _Stack] = {}
    for number in {*by_stack, *seen}:
        at = by_stack.get(number, np.empty(0, np.int64))
        frames = recording.facts.stacks.get((process, number), ())
        seconds = float(_seconds(recording, at).sum())
        found[number] = _Stack(frames, at[movable[at]], seconds, seen[number], surely[number])
    return found


def _by_function(found: dict[int, _Stack]) -> dict[Function, list[_Stack]]:
    """The stacks in which a function stands at a depth, counted from the outermost frame."""
    grouped: dict[Function, list[_Stack]] = {}
    for stack in found.values():
        for depth, frame in enumerate(reversed(stack.frames), 1):
            grouped.setdefault((depth, frame.file, frame.function), []).append(stack)
    return grouped


def _return_to(recording: Recording, number: int, stack: _Stack, by_function: dict[Function, list[_Stack]]) -> None:
    depth, place, outer = len(stack.frames), stack.frames[0], stack.frames[1:]
    alike = by_function[depth, place.file, place.function]
    same = [each for each in alike if each.frames[len(each.frames) - depth + 1 :] == outer]
    looks, seconds = sum(each.looks for each in same), sum(each.seconds for each in same)
    lacking = stack.sure / looks * seconds - stack.seconds
    # The looks are of fewer moments than the timer's: leave what may be chance.
    chance = _ERRORS * stack.sure**0.5 / looks * seconds
    if lacking < max(_LEAST * seconds, chance):
        return
    for other in _next(stack, same, depth):
        surplus = other.seconds - other.looks / looks * seconds
        if surplus > 0 and lacking > 0:
            lacking -= _move(recording, other, stack, number, min(surplus, lacking))


def _next(stack: _Stack, same: list[_Stack], depth: int) -> list[_Stack]:
    """Stacks of the next sampled lines of the function, or of a function just called there, nearest first."""
    line = stack.frames[0].line
    others = [each for each in same if depth <= len(each.frames) <= depth + 1 and len(each.rows)]
    after = {each.frames[-depth].line for each in others} - {line}
    nearest = sorted(after, key=lambda other: (other - line) % _WRAP)[:_NEXT_LINES]
    return [each for other in nearest for each in sorted(others, key=_depth) if each.frames[-depth].line == other]


def _depth(stack: _Stack) -> int:
    return len(stack.frames)


def _move(recording: Recording, source: _Stack, target: _Stack, number: int, seconds: float) -> float:
    """Move about ``seconds`` of rows, evenly over time; returns how many seconds were moved."""
    each = _seconds(recording, source.rows)
    share = min(1.0, seconds / max(float(each.sum()), 1e-9))
    owed, moved = 0.0, list[int]()
    for at, weight in zip(source.rows.tolist(), each.tolist(), strict=True):
        owed += share * weight
        if owed >= weight / 2:
            owed -= weight
            moved.append(at)
    chosen = np.array(moved, np.int64)
    recording.stacks["arg"][chosen] = number
    given = float(_seconds(recording, chosen).sum())
    source.rows, source.seconds = np.setdiff1d(source.rows, chosen), source.seconds - given
    target.seconds += given
    return given


def _seconds(recording: Recording, at: Ints) -> npt.NDArray[np.float64]:
    seconds: npt.NDArray[np.float64] = (recording.stacks["t1"][at] - recording.stacks["t0"][at]) / 1e9
    return seconds


def _groups(keys: npt.NDArray[np.uint64], values: Ints) -> Iterator[tuple[int, Ints]]:
    order = np.argsort(keys, kind="stable")
    found, starts = np.unique(keys[order], return_index=True)
    yield from zip(found.tolist(), np.split(values[order], starts[1:]), strict=True)
