"""Pools of threads that answer requests: how many threads they have, and how many tasks wait for one. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ... import signals
from ...recording.facts import Executor
from ...recording.model import Recording, Records, Site
from .. import Absent
from ..run.frames import POOLED, through
from ..run.servers import servers
from ..run.user_lines import UserLine, UserLines
from .processes import cores_of

_LONGEST_NS = 300_000_000  # for which a sample stands: they are 50 or 100 ms apart
EXECUTOR_FILE, GTHREAD_FILE = "/concurrent/futures/thread.py", "/gunicorn/workers/gthread.py"
_MAIN = 0.5  # of a line's time


@dataclass(frozen=True)
class Pool:
    """One pool of one process. ``kind``: anyio's threads, gunicorn's, asyncio's default executor, or another one, which
    the line ``site`` made.

    ``waiting``: mean number of tasks in the queue while there is one; ``full_share``: share of the serving time in
    which there is one. ``work``: the line in which its threads spend most time, None if it is not the user's.
    ``cores``: cores that the process used meanwhile.
    """

    kind: Literal["anyio", "gthread", "default", "executor"]
    process: int
    threads: int
    waiting: float
    full_share: float
    samples: int
    cores: float
    site: Site | None
    work: UserLine | None

    @property
    def at_once(self) -> float:
        """Tasks that want a thread at once."""
        return self.threads + self.waiting


@dataclass(frozen=True)
class Pools:
    """The pools of the processes that serve requests, in which a task had to wait; the longest queue first."""

    pools: tuple[Pool, ...]

    @classmethod
    def compute(cls, recording: Recording, lines: UserLines) -> Pools:
        """Raises Absent when no process serves requests."""
        serving = servers(recording)
        if not serving:
            raise Absent("No requests were served.")
        found = []
        for process in serving:
            rows = recording.requests[recording.requests["process"] == process]
            anyio = rows[rows["kind"] == signals.POOL]
            if len(anyio):
                found.append(_pool(recording, lines, process, anyio, None))
            executors = rows[rows["kind"] == signals.EXECUTOR]
            numbers = executors["arg"] >> np.uint64(32)
            for number in np.unique(numbers).tolist():
                fact = next((f for f in recording.facts.of_process(Executor, process) if f.id == number), None)
                found.append(_pool(recording, lines, process, executors[numbers == number], fact or Executor(0, 0, 0)))
        # The threads of a client in the same program ask, and answer nobody.
        found = [pool for pool in found if pool.samples and not (pool.work and lines.asks_own_server(pool.work))]
        return cls(tuple(sorted(found, key=lambda pool: -pool.waiting * pool.full_share)))


def _pool(recording: Recording, lines: UserLines, process: int, rows: Records, made: Executor | None) -> Pool:
    """``made``: the executor, None for anyio's threads."""
    rows = rows[np.argsort(rows["t0"], kind="stable")]
    work = _work(lines, process, POOLED if made is None else EXECUTOR_FILE)
    begins, ends = int(rows["t0"][0]), int(rows["t0"][-1])
    if work is not None:
        begins, ends = min(begins, int(work.rows["t0"].min())), max(ends, int(work.rows["t1"].max()))
    lasted = np.minimum(np.diff(rows["t0"].astype("i8"), append=ends), _LONGEST_NS)
    waiting, full = rows["flags"].astype(float), rows["flags"] > 0
    full_ns = float(lasted[full].sum())
    limits = rows["arg"] & np.uint64(0xFFFFFFFF)
    gthread = work is not None and work.share_where(lambda way: through(way.above, (GTHREAD_FILE,))) > _MAIN
    return Pool(
        "anyio" if made is None else "gthread" if gthread else "default" if made.default else "executor",
        process,
        int(limits.max()),
        float((waiting * lasted)[full].sum()) / max(full_ns, 1.0),
        min(1.0, full_ns / max(ends - begins, 1)),
        int(full.sum()),
        cores_of(recording, process, begins, ends),
        None if made is None or gthread else recording.facts.site(process, made.site),
        work,
    )


def _work(lines: UserLines, process: int, file: str) -> UserLine | None:
    found = (
        line
        for line in lines.lines
        if process in line.processes
        and line.own_share >= _MAIN
        and line.share_where(lambda way: through(way.above, (file,))) > _MAIN
    )
    return max(found, key=lambda line: line.thread_seconds, default=None)
