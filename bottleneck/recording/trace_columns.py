"""Which events of a torch.profiler trace are used, and what of each: columns of numbers."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .facts import Site
from .model import DEVICE_KINDS, DEVICE_WORK
from .trace_events import Arguments, Event
from .trace_frames import innermost_user_line, user_line

_NUMBER = {name: index for index, name in enumerate(DEVICE_KINDS)}
_OPERATION = _NUMBER["cpu_op"]
#: Kinds beside those of the table: a range that somebody named, a call of a Python function, what is not used.
RANGE, PYTHON, UNUSED = len(DEVICE_KINDS), len(DEVICE_KINDS) + 1, -1

_COPIES = {"HtoD": "memcpy_h2d", "HostToDevice": "memcpy_h2d", "DtoH": "memcpy_d2h", "DeviceToHost": "memcpy_d2h"}
#: Calls that take device memory from the driver or give it back; each may wait for the whole device.
ALLOCATES = frozenset(
    "cudaMalloc cudaFree cudaMallocPitch hipMalloc hipFree hipExtMallocWithFlags cuMemAlloc cuMemAlloc_v2 cuMemFree "
    "cuMemFree_v2".split()
)
_CALLS_BY_NAME = (("Synchronize", "sync"), ("Memcpy", "copy_call"), ("Launch", "launch"))
COLLECTIVES = ("nccl", "rccl")
#: Categories of traces from before 2022, and what they are called now.
_CATEGORIES = {"operator": "cpu_op", "runtime": "cuda_runtime", "memcpy": "gpu_memcpy", "memset": "gpu_memset"}
#: Ranges of torch's own that hold operations; older traces put them among these.
STEP, NEXT_BATCH, OPTIMIZER_STEP = RANGES = ("ProfilerStep#", "enumerate(DataLoader)", "Optimizer.step")

#: One event that is used. ``label``: index into the labels; ``lane``: stream or thread; ``ts``, ``dur``: microseconds;
#: ``site``: number of the user's line, 0 for none.
EVENTS = np.dtype(
    [
        ("label", "i4"),
        ("site", "i4"),
        ("device", "i2"),
        ("lane", "i8"),
        ("ts", "f8"),
        ("dur", "f8"),
        ("bytes", "i8"),
        ("correlation", "i8"),
    ]
)
Events = npt.NDArray[Any]  # of EVENTS
_NOTHING = Arguments()
_MAX_US, _MAX_INTEGER = 9e15, 1 << 62  # a longer time is no time: it has no microseconds as a float
_WORK, _CALLS, _OTHERS = range(3)  # groups: work of a device, calls of its driver, what has no arguments


@dataclass(frozen=True)
class Label:
    """What all events of one category and name are. ``pageable``: 1 yes, 0 no, -1 unknown or no copy.

    ``site``: number of the line that a call of a Python function is of, 0 if that is not the user's own.
    """

    kind: int
    name: str
    pageable: int = -1
    site: int = 0


@dataclass
class _Kept:
    """Events of a part that have the same arguments, and their labels."""

    events: list[Event] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)

    def columns(self) -> tuple[Events, list[Arguments]]:
        """What all of them have, and their arguments."""
        events = self.events
        found = np.empty(len(events), EVENTS)
        found["label"], found["device"] = self.labels, -1
        found["site"] = found["bytes"] = found["correlation"] = 0
        found["ts"] = [event.ts for event in events]
        found["dur"] = [event.dur for event in events]
        return found, [event.args or _NOTHING for event in events]


@dataclass
class Columns:
    """The columns under construction, and what events are by category and name."""

    labels: list[Label] = field(default_factory=list)
    known: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)  # (category, name) -> (group, label)
    lanes: dict[Any, int] = field(default_factory=dict)  # of threads without a number
    sites: dict[Site, int] = field(default_factory=dict)  # of the user's lines, to their numbers
    stacks: dict[str, int] = field(default_factory=dict)
    begin, end = math.inf, -math.inf  # of all events, microseconds

    def add(self, events: list[Event]) -> Events:
        """The events among them that are used."""
        known = self.known
        groups = work, calls, others = _Kept(), _Kept(), _Kept()
        for event in events:
            if event.ph == "X":
                group, label = known.get((event.cat, event.name)) or self._learn(event)
                if label >= 0:
                    kept = groups[group]
                    kept.events.append(event)
                    kept.labels.append(label)
        on_device, arguments = work.columns()
        index = _integers([each.device for each in arguments], -1)
        on_device["device"] = np.where((index >= 0) & (index < 1 << 15), index, -1)
        on_device["lane"] = _integers([each.stream for each in arguments])
        on_device["bytes"] = _integers([each.bytes for each in arguments])
        on_device["correlation"] = _integers([each.correlation for each in arguments])
        of_driver, arguments = calls.columns()
        of_driver["lane"] = self._lanes(calls.events)
        of_driver["correlation"] = _integers([each.correlation for each in arguments])
        of_host, arguments = others.columns()
        of_host["lane"] = self._lanes(others.events)
        stacks = [each.stack for each in arguments]
        if any(stacks):
            of_host["site"] = [self._site(stack) for stack in stacks]
        found = np.concatenate([on_device, of_driver, of_host])
        found = found[(np.abs(found["ts"]) < _MAX_US) & (found["dur"] >= 0) & (found["dur"] < _MAX_US)]
        if len(found):
            self.begin = min(self.begin, float(found["ts"].min()))
            self.end = max(self.end, float((found["ts"] + found["dur"]).max()))
        used = np.array([label.kind != PYTHON or label.site > 0 for label in self.labels], bool)[found["label"]]
        operations = np.array([label.kind == _OPERATION for label in self.labels], bool)[found["label"]]
        used[operations] = ~_nested(found[operations])
        used_ones: Events = found[used]
        return used_ones

    def _site(self, stack: Any) -> int:
        """The number of the innermost line of the user's in a stack, 0 for none."""
        if not stack or not isinstance(stack, str):
            return 0
        number = self.stacks.get(stack)
        if number is None:
            number = self.stacks[stack] = self._number(innermost_user_line(stack))
        return number

    def _number(self, site: Site | None) -> int:
        return 0 if site is None else self.sites.setdefault(site, len(self.sites) + 1)

    def _lanes(self, events: list[Event]) -> npt.NDArray[np.int64]:
        threads = [event.tid for event in events]
        found = _fitting(threads)
        return np.array([self._lane(each) for each in threads], np.int64) if found is None else found

    def _lane(self, thread: Any) -> int:
        """The thread's number; where it has a name, one that no thread has."""
        number = integer(thread, UNUSED)
        return number if number >= 0 else self.lanes.setdefault(str(thread), -2 - len(self.lanes))

    def _learn(self, event: Event) -> tuple[int, int]:
        """The group and the label, which is negative for what is not used."""
        label, found = _label(category_of(event.cat), event.name), (_WORK, UNUSED)
        if label.kind == PYTHON:
            label = replace(label, site=self._number(user_line(event.name)))
        if label.kind != UNUSED:
            work, driver = label.kind < len(DEVICE_WORK), label.kind < len(DEVICE_KINDS) and label.kind != _OPERATION
            found = (_WORK if work else _CALLS if driver else _OTHERS, len(self.labels))
            self.labels.append(label)
        self.known[event.cat, event.name] = found
        return found


def category_of(category: str) -> str:
    """The category as it is called today."""
    lower = category.lower()
    return _CATEGORIES.get(lower, lower)


def _label(category: str, name: str) -> Label:
    if category == "kernel":
        return Label(_NUMBER["collective" if name.lower().startswith(COLLECTIVES) else "kernel"], name)
    if category == "gpu_memset":
        return Label(_NUMBER["memset"], name)
    if category == "gpu_memcpy":
        kind = next((kind for text, kind in _COPIES.items() if text in name), "memcpy_d2d")
        return Label(_NUMBER[kind], name, 1 if "Pageable" in name else 0 if "Pinned" in name else -1)
    if category == "user_annotation" or (category == "cpu_op" and name.startswith(RANGES)):
        return Label(RANGE, name)
    if category == "cpu_op":
        return Label(_OPERATION, name)
    if category == "python_function":
        return Label(PYTHON, name)
    called = kind_of_call(name) if category.endswith(("_runtime", "_driver")) else ""
    return Label(_NUMBER[called] if called else UNUSED, name)


def kind_of_call(name: str) -> str:
    """What a call of the driver or its runtime does, as a kind of the table ``device``; "" for all else."""
    if name in ALLOCATES:
        return "alloc"
    return next((kind for part, kind in _CALLS_BY_NAME if part in name), "")


def _nested(events: Events) -> npt.NDArray[np.bool_]:
    """Which of them surely lie in another one of their thread: those that come in a row of it, by their begin."""
    begins, ends = events["ts"], events["ts"] + events["dur"]
    found = np.zeros(len(events), bool)
    turns = np.flatnonzero((np.diff(events["lane"]) != 0) | (np.diff(begins) < 0)) + 1
    for first, last in itertools.pairwise([0, *turns.tolist(), len(events)]):
        until, mine = np.maximum.accumulate(ends[first:last])[:-1], slice(first + 1, last)
        found[mine] = (ends[mine] <= until) & (begins[mine] < until)
    return found


def _integers(values: list[Any], otherwise: int = 0) -> npt.NDArray[np.int64]:
    """The values, with ``otherwise`` for what is no number or too large for one."""
    found = _fitting(values)
    return np.array([integer(value, otherwise) for value in values], np.int64) if found is None else found


def _fitting(values: list[Any]) -> npt.NDArray[np.int64] | None:
    """The values as an array, if all are numbers that fit."""
    if not set(map(type, values)) <= {int}:
        return None
    try:
        found = np.array(values, np.int64)
    except OverflowError:
        return None
    return found if not len(found) or np.abs(found).max() < _MAX_INTEGER else None


def integer(value: Any, otherwise: int = 0) -> int:
    """The value as a number, or ``otherwise``."""
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return otherwise
    return number if abs(number) < _MAX_INTEGER else otherwise
