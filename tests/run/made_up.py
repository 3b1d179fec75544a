"""Made-up runs of several processes and threads, by who stood in which stack and when."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts.run.user_lines import UserLine, UserLines
from bottleneck_profiler.recording.model import RECORD_DTYPE, Facts, Frame, Process, Recording, empty_steps

MS = 1_000_000
EVERY_MS = 50
Frames = tuple[Frame, ...]


class Stood(NamedTuple):
    """A thread stood in one stack (innermost frame first); thread 0 is the main one of its process."""

    frames: Frames
    from_ms: int
    to_ms: int
    process: int = 0
    thread: int = 0
    blocked: bool = False
    every_ms: int = EVERY_MS


def user(line: int, function: str = "work", file: str = "/home/ada/job.py") -> Frame:
    return Frame(function, file, line, True)


def library(function: str, file: str) -> Frame:
    return Frame(function, file, 1, False)


def recording(*stood: Stood, wall_ms: int = 10_000, alive: dict[int, tuple[int, int]] | None = None) -> Recording:
    """``alive``: process -> when it lived, where that is not from its first sample to its last."""
    spans = {process: [s for s in stood if s.process == process] for process in {s.process for s in stood}}
    lived = {p: (min(s.from_ms for s in mine), max(s.to_ms for s in mine)) for p, mine in spans.items()}
    lived.update(alive or {})
    processes = [
        Process(index, index + 1, parent_pid=min(index, 1), hello_ns=max(1, begin * MS), bye_ns=end * MS)
        for index, (begin, end) in sorted(lived.items())
    ]
    numbers: dict[tuple[int, Frames], int] = {}
    main, beside = list[np.void](), list[np.void]()
    for each in stood:
        number = numbers.setdefault((each.process, each.frames), len(numbers) + 1)
        for at in range(each.from_ms, each.to_ms, each.every_ms):
            row = np.zeros(1, RECORD_DTYPE)[0]
            row["process"], row["t0"], row["t1"] = each.process, at * MS, (at + each.every_ms) * MS
            row["arg"] = number | each.thread << 32
            row["flags"] = 1 << 8 if each.thread else 0  # one look
            kinds = (
                (signals.THREAD_CPU, signals.THREAD_BLOCKED)
                if each.thread
                else (signals.STACK_CPU, signals.STACK_BLOCKED)
            )
            row["kind"] = kinds[each.blocked]
            (beside if each.thread else main).append(row)
    facts = Facts(processes=processes, stacks={(process, n): frames for (process, frames), n in numbers.items()})
    stacks, threads, none = np.array(main, RECORD_DTYPE), np.array(beside, RECORD_DTYPE), np.zeros(0, RECORD_DTYPE)
    return Recording({}, facts, empty_steps(), none, none, stacks, none, {}, {}, 0, wall_ms * MS, threads=threads)


def lines_of(*stood: Stood, wall_ms: int = 10_000, alive: dict[int, tuple[int, int]] | None = None) -> UserLines:
    return UserLines.compute(recording(*stood, wall_ms=wall_ms, alive=alive))


def line(lines: UserLines, number: int) -> UserLine:
    return next(each for each in lines.lines if each.line == number)


def numbers(lines: UserLines) -> list[int]:
    return [each.line for each in lines.lines]
