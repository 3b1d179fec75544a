"""A recording in memory: the tables and facts behind every artifact. Filled by ``recording.load``."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from .. import signals
from .facts import (
    Attached,
    Bye,
    CallSite,
    DataLoader,
    Ddp,
    Fact,
    Failed,
    Hello,
    Ready,
    Stack,
    String,
    Worker,
)
from .facts import Frame as Frame
from .facts import Site as Site

F = TypeVar("F", bound=Fact)

#: One drained record. ``t0``, ``t1``: monotonic ns; ``process``: index into ``Facts.processes``.
RECORD_DTYPE = np.dtype(
    [
        ("process", "i2"),
        ("thread", "i2"),
        ("kind", "i4"),
        ("flags", "i4"),
        ("t0", "i8"),
        ("t1", "i8"),
        ("arg", "u8"),
    ]
)
Records = npt.NDArray[Any]  # of RECORD_DTYPE
Table = dict[str, npt.NDArray[Any]]  # column name -> values, all of the same length

#: The tables of records, by name.
RECORD_TABLES = ("events", "samples", "stacks", "requests", "threads", "waits", "looks", "marks")

#: What a row of the table ``device`` is. On the host: ``launch`` and ``copy_call`` (of the driver), ``sync`` (waiting
#: for the device), ``cpu_op`` (an outermost operation of torch) and ``alloc`` (device memory taken from the driver or
#: given back); all others are the device's. Recordings store the index: new kinds go to the end.
DEVICE_KINDS = (
    "kernel", "collective", "memcpy_h2d", "memcpy_d2h", "memcpy_d2d", "memset", "launch", "copy_call", "sync", "cpu_op",
    "alloc",
)  # fmt: skip
#: The kinds that are work of a device.
DEVICE_WORK = DEVICE_KINDS[: DEVICE_KINDS.index("launch")]
#: ``lane``: CUDA stream or thread; ``name``: index into the names of the note "device_trace"; ``t0``, ``t1``: monotonic
#: ns; ``pageable``: 1 yes, 0 no, -1 unknown; ``op``: row of the operation that it belongs to, -1 for none;
#: ``site``: number of the line of the user's code that it is of, 0 for none.
DEVICE_COLUMNS: dict[str, np.dtype[Any]] = {
    "process": np.dtype("i2"),
    "kind": np.dtype("i1"),
    "device": np.dtype("i2"),
    "lane": np.dtype("i8"),
    "name": np.dtype("i4"),
    "t0": np.dtype("i8"),
    "t1": np.dtype("i8"),
    "bytes": np.dtype("i8"),
    "pageable": np.dtype("i1"),
    "correlation": np.dtype("i8"),
    "op": np.dtype("i4"),
    "site": np.dtype("i4"),
}

#: Ends of a task, by the column ``status``.
SUCCEEDED, FAILED, KILLED = range(3)
#: A task of Spark. ``stage``, ``executor``: numbers in the facts; ``t0``, ``t1``: ns; the measured parts of it in ms:
#: running, of that on a CPU (of the JVM), collecting garbage, waiting for shuffled blocks and writing them, and before
#: that, receiving its code; bytes that it spilled, from memory and to disk, shuffled, read and wrote.
TASK_DTYPE = np.dtype(
    [
        ("t0", "<i8"), ("t1", "<i8"), ("stage", "<i4"), ("executor", "<i2"), ("status", "i1"),
        *((name, "<i4") for name in ("run_ms", "cpu_ms", "gc_ms", "start_ms", "fetch_ms", "write_ms")),
        ("spilled_memory", "<i8"), ("spilled_disk", "<i8"), ("shuffle_read", "<i8"), ("shuffle_write", "<i8"),
        ("read", "<i8"), ("written", "<i8"),
    ]
)  # fmt: skip

#: Columns of ``steps`` in microseconds, exclusive, index = phase number up to etl.write.
STEP_PHASES = signals.PHASES[: signals.WRITE + 1]
#: Step rows by ``loader``: > 0 a DataLoader's id; these are the loops that have none.
BY_OPTIMIZER, BY_FORWARD, BY_USER = 0, -1, -2


def empty_steps() -> Table:
    """A steps table without rows."""
    table: Table = {
        "process": np.empty(0, "i2"),
        "loader": np.empty(0, "i4"),
        "loop": np.empty(0, "i4"),
        "t0": np.empty(0, "i8"),
        "t1": np.empty(0, "i8"),
        "trained": np.empty(0, "?"),
        "optimized": np.empty(0, "?"),
    }
    table.update({name: np.empty(0, "i4") for name in STEP_PHASES})
    return table


@dataclass
class Process:
    """One recorded process, identified by ``host``, ``pid`` and ``start_ns`` together, because pids are reused.

    ``role``: main, worker, forked; ``loader``/``worker`` are set for loader workers. All times are on the supervisor's
    clock: ``clock_offset_ns`` has been added to the process's own times; it is 0 on the supervisor's machine.
    """

    index: int
    pid: int
    parent_pid: int = 0
    role: str = signals.MAIN
    rank: int | None = None
    hello_ns: int = 0
    ready_ns: int = 0
    bye_ns: int = 0
    python: str = ""
    loader: int = 0
    worker: int = -1
    host: str = ""
    clock_offset_ns: int = 0

    @property
    def start_ns(self) -> int:
        """When the process first reported."""
        return self.hello_ns

    def learn(self, fact: Fact) -> None:
        """Store what a fact says about its process."""
        if isinstance(fact, Hello):
            self.pid, self.parent_pid, self.role, self.python = fact.pid, fact.ppid, fact.role, fact.python
            self.hello_ns, self.rank = fact.time_ns, fact.rank_number
            self.host, self.clock_offset_ns = fact.host or self.host, fact.clock_offset_ns
        elif isinstance(fact, Ready):
            self.ready_ns = fact.time_ns
        elif isinstance(fact, Bye):
            self.bye_ns = fact.time_ns
        elif isinstance(fact, Worker):
            self.role, self.loader, self.worker = signals.WORKER, fact.loader, fact.worker
        elif isinstance(fact, Ddp) and self.rank is None:  # started by the program itself, not by a launcher
            self.rank = fact.rank


@dataclass
class Facts:
    """Everything that is not a record. Ids are per process, so everything is keyed by (process index, id)."""

    processes: list[Process] = field(default_factory=list)
    strings: dict[tuple[int, int], str] = field(default_factory=dict)
    sites: dict[tuple[int, int], Site] = field(default_factory=dict)
    stacks: dict[tuple[int, int], tuple[Frame, ...]] = field(default_factory=dict)  # innermost first
    loaders: dict[tuple[int, int], DataLoader] = field(default_factory=dict)
    notes: list[tuple[int, Fact]] = field(default_factory=list)  # all facts except strings, sites and stacks, in order
    attached: set[str] = field(default_factory=set)  # collector ids
    failed: dict[str, str] = field(default_factory=dict)  # collector id -> "where: error"
    unreadable: int = 0  # malformed facts that were left out
    unknown: Counter[str] = field(default_factory=Counter)  # kind -> facts left out, written by a newer version

    def add(self, process: int, fact: Fact) -> None:
        """Add a fact of a process."""
        self.ensure(process)
        if isinstance(fact, String):
            self.strings[process, fact.id] = fact.text
        elif isinstance(fact, CallSite):
            self.sites[process, fact.id] = fact.place
        elif isinstance(fact, Stack):
            self.stacks[process, fact.id] = fact.frames
        else:
            self.notes.append((process, fact))
            self.processes[process].learn(fact)
            if isinstance(fact, DataLoader):
                self.loaders[process, fact.id] = fact
            elif isinstance(fact, Attached):
                self.attached.add(fact.collector)
            elif isinstance(fact, Failed):
                self.failed[fact.collector] = f"{fact.where}: {fact.error}"

    def ensure(self, process: int) -> Process:
        """The process of this index, created if it has not reported anything."""
        while process >= len(self.processes):
            self.processes.append(Process(index=len(self.processes), pid=0))
        return self.processes[process]

    def find(self, host: str, pid: int, at_ns: int) -> Process | None:
        """The process that had this pid on a host at a time; if the pid was reused, the last process to get it."""
        named = [p for p in self.processes if (p.host, p.pid) == (host, pid)]
        return max((p for p in named if p.start_ns <= at_ns), key=lambda p: p.start_ns, default=None)

    def parent(self, process: Process) -> Process | None:
        """The recorded process that started this one."""
        return self.find(process.host, process.parent_pid, process.start_ns)

    def workers(self, process: int, loader: int) -> list[Process]:
        """The workers of one of a process's DataLoaders."""
        mine = [p for p in self.processes if p.role == signals.WORKER and p.loader == loader]
        return [worker for worker in mine if (parent := self.parent(worker)) is not None and parent.index == process]

    def of(self, kind: type[F]) -> list[tuple[int, F]]:
        """(process, fact) for every fact of one kind, e.g. ``Read``, in the order they were noted."""
        return [(process, fact) for process, fact in self.notes if isinstance(fact, kind)]

    def of_process(self, kind: type[F], process: int) -> list[F]:
        """Every fact of one kind that this process left."""
        return [fact for owner, fact in self.of(kind) if owner == process]

    def site(self, process: int, number: int | None) -> Site | None:
        """The line that a process refers to by a number; 0 or None means none."""
        return self.sites.get((process, number or 0))

    def loop_site(self, process: int, loader: int) -> Site | None:
        """The line of the loop over a DataLoader; None for a loop without one."""
        found = self.loaders.get((process, loader))
        return None if found is None else self.site(process, found.iter_site)


@dataclass
class Recording:
    """One run. ``started_ns``/``ended_ns``: monotonic ns just before exec and after wait.

    ``host`` columns: time_ns, busy_cores, idle_cores, other_cores, rss_bytes, read_bytes, write_bytes, major_faults,
    swap_in_bytes, run_delay_ns ... (cumulative ones end in _total). ``gpu``: time_ns, index, utilization (0..1),
    memory_used_bytes, memory_total_bytes, power_watts, ...; both empty dicts when not measured.
    ``device``: ``DEVICE_COLUMNS`` of the window that was traced, empty without one. ``tasks``: of Spark.
    ``servers``: time_ns, server (number of a ``WatchedServer``), and the columns in ``servers/signals.py``, NaN where
    the server does not say it; empty if none was watched.
    ``full_steps``: rows of ``steps`` that were recorded in full, the others are estimates (``stretches``); None: all.
    ``totals``: (process, phase, enclosing) -> (count, inclusive ns); survive a wrapped ring.
    """

    run: dict[str, Any]
    facts: Facts
    steps: Table
    events: Records
    samples: Records
    stacks: Records
    requests: Records
    host: Table
    gpu: Table
    started_ns: int
    ended_ns: int
    dropped_records: int = 0
    written_records: int = 0
    full_steps: int | None = None
    totals: dict[tuple[int, int, int], tuple[int, int]] = field(default_factory=dict)
    device: Table = field(default_factory=dict)
    servers: Table = field(default_factory=dict)
    tasks: Records = field(default_factory=lambda: np.empty(0, TASK_DTYPE))
    threads: Records = field(default_factory=lambda: np.empty(0, RECORD_DTYPE))
    waits: Records = field(default_factory=lambda: np.empty(0, RECORD_DTYPE))
    looks: Records = field(default_factory=lambda: np.empty(0, RECORD_DTYPE))
    marks: Records = field(default_factory=lambda: np.empty(0, RECORD_DTYPE))

    @property
    def wall_seconds(self) -> float:
        return (self.ended_ns - self.started_ns) / 1e9

    def __post_init__(self) -> None:
        """Rows refer to processes by index, so make sure each one exists, even if it reported nothing."""
        for column in self._processes():
            if len(column):
                self.facts.ensure(int(column.max()))

    def _processes(self) -> list[npt.NDArray[Any]]:
        """The process of each row, table by table; a recording made elsewhere may lack the steps table."""
        steps = [self.steps["process"]] if self.steps else []
        return [*steps, *(getattr(self, name)["process"] for name in RECORD_TABLES)]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was recorded."""
        rows = sum(map(len, self._processes()))
        return not (rows or self.facts.notes or self.facts.processes)

    @property
    def imported(self) -> bool:
        """Whether another tool recorded it, which shows a few steps in detail: all of them count."""
        return bool(self.run.get("imported"))

    @property
    def host_name(self) -> str:
        """The machine of the supervisor."""
        return str(self.run.get("machine", {}).get("hostname", ""))

    def is_root(self, process: int) -> bool:
        """Whether the host's ``main_...`` columns describe this process; not under an agent such as torchrun's."""
        pid, known = self.run.get("pid"), self.facts.processes
        return process >= len(known) or pid is None or (known[process].host, known[process].pid) in (
            ("", pid), (self.host_name, pid),
        )  # fmt: skip


#: Which table each kind of record goes to. Kinds for "steps" that no row covers go to "events".
TABLE_OF = {
    **dict.fromkeys((*range(len(signals.PHASES)), signals.LOOP, signals.STAGE, signals.STEP, signals.MARK), "steps"),
    signals.SKIPPED: "steps",
    **dict.fromkeys(range(signals.SAMPLE, signals.SAMPLE_TRANSFORM + 1), "samples"),
    **dict.fromkeys((signals.GIL_HELD, signals.SAMPLE_KEY, signals.PICKLED), "samples"),
    **dict.fromkeys((signals.STACK_CPU, signals.STACK_BLOCKED), "stacks"),
    **dict.fromkeys((signals.THREAD_CPU, signals.THREAD_BLOCKED), "threads"),
    signals.WAIT: "waits",
    signals.MAIN_RUNS: "looks",
    signals.DEVICE_MARK: "marks",
    **dict.fromkeys((signals.REQUEST, signals.LAG, signals.MODEL_CALL, signals.POOL, signals.EXECUTOR), "requests"),
    signals.QUEUED: "requests",
    signals.LIKENESS: "requests",
}
