"""Memory that forked DataLoader workers first shared with their parent and have since copied. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from ...recording.facts import Objects, ObjectsLine, Pages
from ...recording.model import Recording, Site
from .. import Absent, Missing
from ..loading.loader import Loader
from ..run.host import Host
from ..run.machine import Machine

_MIN_LOOKS = 2  # samples of one worker: a single one shows no growth


_F = TypeVar("_F", Objects, ObjectsLine)


@dataclass(frozen=True)
class Sharing:
    """Bytes of one worker of the main loop's loader: the worker that copied most.

    ``copied_bytes``: pages that became private since it began, or since the first sample, matched by an equal drop in
    shared pages, so they are copies rather than new memory. ``shared_bytes``: still shared at the last sample.
    ``name``, ``kind``, ``length``, ``objects_bytes``: the dataset attribute with the most Python objects, "" and 0 if
    there is none; ``site``: the line that fills it.
    ``free_bytes``, ``all_bytes``: memory of the machine or cgroup, the least that was free; None if unknown.
    """

    workers: int
    copied_bytes: float
    shared_bytes: float
    name: str
    kind: str
    length: int
    objects_bytes: int
    site: Site | None
    free_bytes: float | None
    all_bytes: float

    @property
    def coming_bytes(self) -> float:
        """Bytes of these objects that the workers would still copy if the run went on."""
        return self.workers * max(0.0, min(self.objects_bytes - self.copied_bytes, self.shared_bytes))

    @property
    def headroom_share(self) -> float | None:
        """Share of the memory that would then still be free."""
        if self.free_bytes is None or self.all_bytes <= 0:
            return None
        return max(0.0, self.free_bytes - self.coming_bytes) / self.all_bytes

    @classmethod
    def compute(cls, recording: Recording, loader: Loader, host: Host, machine: Machine) -> Sharing:
        if not loader.num_workers:
            raise Absent("The loader has no workers, so nothing is copied.")
        objects = _of_loader(recording.facts.of(Objects), loader)
        columns = [host.column("worker_" + name) for name in ("pid", "private_bytes", "shared_bytes")]
        if objects is None or any(column is None for column in columns):
            raise Missing("Worker memory was not recorded: not on Linux, too short, or an old recording.")
        pid, private, shared = (column for column in columns if column is not None)
        begun = {process: (pages.private_bytes, pages.shared_bytes) for process, pages in recording.facts.of(Pages)}
        found: list[tuple[float, float]] = []  # per worker: (copied, still shared)
        for process in recording.facts.workers(loader.process, loader.id):
            rows = np.flatnonzero(pid == process.pid)
            if not len(rows):
                continue
            first = begun.get(process.index)
            if first is None and len(rows) < _MIN_LOOKS:
                continue
            private_before, shared_before = first or (private[rows[0]], shared[rows[0]])
            last = rows[-1]
            copied = min(private[last] - private_before, shared_before - shared[last])
            found.append((float(max(0.0, copied)), float(shared[last])))
        if not found:
            raise Missing("No worker lived long enough to be measured twice.")
        copied_bytes, shared_bytes = max(found)
        line = _of_loader(recording.facts.of(ObjectsLine), loader)
        return cls(
            workers=loader.num_workers,
            copied_bytes=copied_bytes,
            shared_bytes=shared_bytes,
            name=objects.name,
            kind=objects.container,
            length=objects.length,
            objects_bytes=objects.bytes,
            site=None if line is None else line.place,
            free_bytes=host.least("memory_available_bytes"),
            all_bytes=host.most("memory_limit_bytes") or float(machine.memory_bytes),
        )


def _of_loader(facts: list[tuple[int, _F]], loader: Loader) -> _F | None:
    """The first fact about this loader's dataset."""
    mine = (loader.process, loader.id)
    return next((fact for process, fact in facts if (process, fact.loader) == mine), None)
