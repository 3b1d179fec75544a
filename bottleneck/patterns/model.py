"""What is known of one hot line, and what is known of one slow pattern."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from .source import Source
from .syntax import last_name

ENGINE = "another engine"  # a probe that ran after the program, see enrich/probe.py
Stage = Literal["etl", "loading", "training", "serving"]
# How the saving follows from the line's share s of the wall time, the passes N and the factor k.
Law = Literal[
    "amdahl",  # s (1 - 1/k)
    "wait",  # the same, of the samples that wait; without factors as "once"
    "once",  # what is repeated is done once, or every k steps: s (1 - 1/N)
    "overlap",  # waits run side by side, k at a time: s (1 - 1/k)
    "cores",  # what runs on one core spreads over c: s (1 - 1/c)
    "pool",  # tasks of a pool run side by side: on c cores what they compute, k at a time what they wait for
    "loader",  # the fetch gets k times cheaper; the loading's law says what the loop gains
    "growth",  # each pass costs what the first ones cost
    "measure",  # only an A/B tells; factors are of the whole step
]
# Calls too cheap to be what a C call without a frame of its own is waiting for.
_CHEAP = frozenset(
    "len range enumerate zip isinstance getattr hasattr min max abs round int float str bool id iter next "
    "append add items keys values get detach numpy size dim type super format fileno".split()
)


@dataclass(frozen=True)
class Frame:
    """One frame of a stack: a function and its file."""

    function: str
    file: str

    @cached_property
    def path(self) -> str:
        return "/" + self.file.replace("\\", "/").lstrip("/")

    def is_in(self, place: str) -> bool:
        """Whether it belongs to a file ("pandas/core/apply.py") or to a folder ("pandas/io/")."""
        return f"/{place}" in self.path if place.endswith("/") else self.path.endswith(f"/{place}")


@dataclass(frozen=True)
class Position:
    """Where the running instruction stands in the source (Python >= 3.11): lines from 1, columns in UTF-8 bytes."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True)
class Sighting:
    """One line of the user's that holds many samples, and what is known of them. None: not known."""

    source: Source
    line: int
    function: str = ""
    below: tuple[Frame, ...] = ()  # the frames that the line called, the next one first and the innermost last
    above: tuple[Frame, ...] = ()  # the frames that led to the line's function, the outermost first
    position: Position | None = None
    loading: bool = False  # in a DataLoader worker, or below a loader's fetch
    handler: bool = False  # below a request handler
    serves: bool = False  # the program was seen to answer requests
    in_flight: float | None = None  # requests inside the server at the same time, as an arriving one sees them
    event_loop: bool = False  # on the thread of an event loop
    step: bool = False  # between two batches of a training loop
    evaluating: bool = False
    looped: bool = False  # what called the line's function did so in a loop, in whichever file
    callers: tuple[tuple[Source, int], ...] = ()  # the lines of the user's that led to the function, the nearest first
    ran: frozenset[str] = frozenset()  # functions of the file that hold much of the run
    # The parameters that each call gives the same, as far as the caller's source tells; "self": calls of one object.
    given: frozenset[str] | None = None
    share: float | None = None  # of the run
    to_forward: float | None = None  # time of the line over that of the forward passes
    passes: int | None = None  # of the loop around the line
    growing: bool | None = None  # its time in a pass rises: clearly, from the first third to the last
    off_cpu: bool | None = None  # most samples wait
    waiting: float | None = None  # share of the samples that wait
    waits_for: str | None = None  # what most of those wait for: "socket", "file", "child", "lock", "native", "gil" ...
    tasks: float | None = None  # of an event loop that wait at the same time, the line's own among them
    threads: float | None = None  # that stand in the line at the same time, while any does
    at_once: float | None = None  # of those, what does not wait for a lock
    cores: float | None = None  # that the process keeps busy while the line runs
    device: str | None = None  # "cpu", "cuda" ...: of the tensors at hand
    on_device: bool | None = None  # the steps were timed on an accelerator
    fill: float | None = None  # share of a padded batch that is no padding
    inferred_fill: float | None = None  # the longest row's share of the width of what a model infers
    ranks: int | None = None
    memory: float | None = None  # share of the device's memory that is taken at the peak; without one, of the machine's
    pickling: float | None = None  # share of the parent's samples that pickle or send
    workers_busy: float | None = None  # share of the time that the busiest of the pool's processes runs
    pool_full: bool | None = None  # every thread of the server's pool waits
    seconds: float | None = None  # of all executions of the line
    seconds_each: float | None = None  # of one execution of the line
    body: float | None = None  # share of the samples below the line that stand in the user's own function
    embedding: int | None = (
        None  # values of the largest tensor that the optimizer updates, if rows are looked up in one
    )
    # Of the other processes, where these run no code of the user's: (frames, the outermost first, share of their time).
    crew: tuple[tuple[tuple[Frame, ...], float], ...] = ()
    versions: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """What can be running on this line: the node at the position, else all that begin there, else nothing."""
        here = self.source.by_line.get(self.line, [])
        if self.position is not None and (exact := [node for node in here if _stands_at(node, self.position)]):
            return tuple(exact)
        return tuple(here)

    @cached_property
    def rivals(self) -> frozenset[ast.Call]:
        """The calls of this line between which only a position, or a frame below, decides."""
        return frozenset(
            node for node in self.nodes if isinstance(node, ast.Call) and last_name(node.func) not in _CHEAP
        )


def _stands_at(node: ast.AST, position: Position) -> bool:
    ends = getattr(node, "end_lineno", None), getattr(node, "end_col_offset", None)
    if ends != (position.end_line, position.end_column) or isinstance(node, ast.stmt):
        return False
    # A method call over several lines is placed at its name, not at the beginning of the chain.
    begins = (getattr(node, "lineno", 0), getattr(node, "col_offset", 0))
    return begins == (position.line, position.column) or begins[0] < position.line


@dataclass(frozen=True)
class Hot:
    """One node of a hot line, asked whether it is what the pattern describes."""

    seen: Sighting
    node: ast.AST

    @property
    def source(self) -> Source:
        return self.seen.source


Condition = Callable[[Hot], bool]


@dataclass(frozen=True)
class Price:
    """How the gain is found: a law by its name, the published factors for it, and a probe that measures them here."""

    law: Law
    factors: tuple[float, float] | None = None  # published, lowest and highest; None: a probe or an A/B must tell
    confidence: float | None = None  # None: as sure as its factors or its law
    probe: str = ""
    start_seconds: float = 0.0  # that the replacement takes once, before it saves anything
    besides: float = 0.0  # what else it takes away at most, relative to the time in the pattern (own measurement)


@dataclass(frozen=True)
class Pattern:
    """One known slow way to write something: ``when`` holds for one node of the line, and none of ``unless``."""

    id: str
    title: str  # names the cause
    replacement: str  # names what to use instead
    snippet: str
    when: tuple[Condition, ...]
    price: Price
    source: str  # the threads it comes from
    leave: str  # when it is right to leave it
    stages: tuple[Stage, ...]
    unless: tuple[Condition, ...] = ()
    needs: tuple[str, ...] = ()  # fields of a Sighting without which it stays silent
    beats: tuple[str, ...] = ()  # less specific patterns that it replaces
    explains: tuple[str, ...] = ()  # detectors whose findings are its symptoms
    fallback: bool = False  # every other pattern replaces it
    differentiated: bool = False  # the backward pass goes through all that the line computes
    whole_line: bool = False  # the replacement takes the place of all that the line does
    whole_loop: bool = False  # the replacement takes the place of the innermost loop around the line
    across: bool = False  # one replacement serves all lines of the file, in whichever function
    cause: Callable[[Sighting], int | None] | None = None  # the line to change, where that is not the hot one
    effort: Literal[1, 2, 4, 8] = 2
    risk: float = 0.1

    def line(self, seen: Sighting) -> int:
        """The line to change: the hot one, unless the cause stands elsewhere in the file."""
        return (self.cause(seen) if self.cause is not None else None) or seen.line

    def fits(self, line: list[Hot]) -> bool:
        """Whether a node of the line is an instance, and no node of it is exempt."""
        return any(all(condition(hot) for condition in self.when) for hot in line) and not any(
            condition(hot) for condition in self.unless for hot in line
        )
