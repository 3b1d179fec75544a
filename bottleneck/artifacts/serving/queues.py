"""Tasks of a server's event loop that queue at one line for a lock, a semaphore or a connection. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ... import signals
from ...recording.model import Frame, Recording, Records, Site
from .. import Absent
from ..run.frames import through
from ..run.servers import servers
from .processes import cores_of
from .requests import Requests

_LONGEST_NS = 1_000_000_000  # for which a look stands
_LOCKS = ("/asyncio/locks.py", "/anyio/")
_COUNTING = ("Semaphore", "BoundedSemaphore", "CapacityLimiter")


@dataclass(frozen=True)
class TaskQueue:
    """One line at which requests queue. ``waiting``: tasks in the queue, on average over the serving time; ``at_once``:
    requests in the process; ``library``: the file of the pool, for connections; ``cores``: that the process used."""

    kind: Literal["connections", "semaphore", "lock"]
    process: int
    site: Site
    library: str
    waiting: float
    at_once: float
    samples: int
    cores: float

    @property
    def share(self) -> float:
        """Share of a request's time that it queues here: by Little's law, that of the requests that queue."""
        return min(1.0, self.waiting / max(self.at_once, 1e-9))


@dataclass(frozen=True)
class TaskQueues:
    """The queues of all serving processes, the longest first."""

    queues: tuple[TaskQueue, ...]

    @classmethod
    def compute(cls, recording: Recording, requests: Requests | None) -> TaskQueues:
        """Raises Absent when no process serves requests."""
        serving = servers(recording)
        if not serving:
            raise Absent("No requests were served.")
        rows = recording.requests[recording.requests["kind"] == signals.QUEUED]
        found = []
        for process in serving:
            mine = rows[rows["process"] == process]
            of_requests = requests if requests is not None and requests.process == process else None
            if len(mine):
                found += _queues(recording, process, mine[np.argsort(mine["t0"], kind="stable")], of_requests)
        return cls(tuple(sorted(found, key=lambda queue: -queue.waiting)))


def _queues(recording: Recording, process: int, rows: Records, requests: Requests | None) -> list[TaskQueue]:
    stacks = recording.stacks[recording.stacks["process"] == process]
    begins, ends = int(rows["t0"][0]), int(max(rows["t0"][-1], stacks["t1"].max() if len(stacks) else 0))
    if requests is not None:
        begins, ends = int(requests.start_ns.min()), int(requests.end_ns.max())
    rows = rows[(rows["t0"] >= begins) & (rows["t0"] <= ends)]
    lasted = np.minimum(np.diff(rows["t0"].astype("i8"), append=ends), _LONGEST_NS) if len(rows) else np.zeros(0)
    window = max(ends - begins, 1)
    places: dict[Site, list[int]] = {}
    known: dict[Site, tuple[Frame, ...]] = {}
    for index, stack in enumerate((rows["arg"] & signals.STACK_MASK).tolist()):
        frames = recording.facts.stacks.get((process, stack), ())
        user = next((frame for frame in frames if frame.user), None)
        if user is not None:
            site = Site(user.file, user.line, user.function)
            places.setdefault(site, []).append(index)
            known.setdefault(site, frames[: frames.index(user)])
    found = []
    for site, at in places.items():
        waiting = float((rows["flags"][at].astype(float) * lasted[at]).sum()) / window
        others = float(((rows["arg"][at] >> np.uint64(32)).astype(float) * lasted[at]).sum()) / window
        at_once = max(waiting + others, requests.concurrency if requests is not None else 0.0)
        kind, library = _kind(known[site])
        cores = cores_of(recording, process, begins, ends)
        found.append(TaskQueue(kind, process, site, library, waiting, at_once, len(at), cores))
    return found


def _kind(below: tuple[Frame, ...]) -> tuple[Literal["connections", "semaphore", "lock"], str]:
    """What the frames below the user's line wait for, and the library of a pool of connections."""
    for frame in below:
        if not through((frame,), ("/asyncio/", "/anyio/", "/httpcore/_synchronization.py")):
            return "connections", frame.file
    counting = any(frame.function.partition(".")[0] in _COUNTING for frame in below if through((frame,), _LOCKS))
    return ("semaphore" if counting else "lock"), ""
