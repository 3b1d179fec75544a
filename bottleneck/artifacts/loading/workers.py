"""The cost of loading a batch: wall and CPU time per batch, from the workers or from the main process."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ... import signals
from ...recording.model import Recording, Records
from .. import Missing
from ..training.steps import Steps
from .loader import Loader

Floats = npt.NDArray[np.float64]
_MAX_AT_ONCE = 0.75  # of the usual number of batches in the making: these show how fast one is made with less company


@dataclass(frozen=True)
class Workers:
    """``batch_seconds``, ``batch_cpu_seconds``: one value per recorded batch (L and Lcpu of the law).

    ``read_share``, ``decode_share``: share of the sampled items' wall time blocked in timed readers, and in timed
    decoders. ``collate_seconds``: median per batch. ``item_seconds``: median of the sampled items.
    ``contention``: exponent by which a batch's time grows with the number loaded at once. 0: not at all (workers wait
    independently, or compute on cores of their own); 1: in proportion (a lock, a device at its limit); None if that
    number hardly changed.
    """

    count: int
    batch_seconds: Floats
    batch_cpu_seconds: Floats
    collate_seconds: Floats
    item_seconds: Floats
    item_cpu_seconds: Floats
    read_share: float
    decode_share: float
    per_worker_seconds: dict[int, float]
    contention: float | None = None

    @property
    def load_seconds(self) -> float:
        """L: mean seconds to load one batch (a mean, because throughput is the limit)."""
        return float(self.batch_seconds.mean())

    @property
    def cpu_seconds(self) -> float:
        """Lcpu: mean thread CPU seconds per batch."""
        return float(self.batch_cpu_seconds.mean())

    @property
    def cpu_share(self) -> float:
        """Share of the loading time spent on the CPU, 0..1."""
        return min(1.0, self.cpu_seconds / max(self.load_seconds, 1e-9))

    @property
    def collate_share(self) -> float:
        """Share of the loading time spent in collate."""
        return min(1.0, float(self.collate_seconds.mean()) / max(self.load_seconds, 1e-9))

    @classmethod
    def compute(cls, recording: Recording, steps: Steps, loader: Loader) -> Workers:
        samples = recording.samples
        mine = [
            p.index
            for p in recording.facts.processes
            if (p.role == signals.WORKER and p.loader == loader.id) or p.index == steps.process
        ]
        if loader.num_workers == 0:
            mine = [steps.process]
        samples = samples[np.isin(samples["process"], mine)]
        samples = samples[_during(samples, steps)]
        batches = samples[samples["kind"] == signals.BATCH]
        if len(batches) < 5:
            waits = steps.phase("data_wait")
            if loader.num_workers == 0 and len(waits) >= 5:
                # A dataset of a built-in type has no hook, so the wait itself is the loading.
                return cls(0, waits, waits, np.zeros(1), np.zeros(0), np.zeros(0), 0.0, 0.0, {})
            raise Missing("Fewer than 5 batches were recorded in the workers.")
        items = samples[samples["kind"] == signals.SAMPLE]
        collates = samples[samples["kind"] == signals.COLLATE]
        item_wall = max(float(_seconds(items).sum()), 1e-9)
        workers = {p.index: p.worker for p in recording.facts.processes}
        return cls(
            count=loader.num_workers,
            batch_seconds=_seconds(batches),
            batch_cpu_seconds=batches["arg"].astype(float) / 1e9,
            collate_seconds=_seconds(collates) if len(collates) else np.zeros(1),
            item_seconds=_seconds(items) / np.maximum(items["flags"], 1),
            item_cpu_seconds=items["arg"].astype(float) / 1e9 / np.maximum(items["flags"], 1),
            read_share=_blocked_seconds(samples[samples["kind"] == signals.SAMPLE_READ]) / item_wall,
            decode_share=float(_seconds(samples[samples["kind"] == signals.SAMPLE_DECODE]).sum()) / item_wall,
            per_worker_seconds={
                workers[int(p)]: float(_seconds(batches[batches["process"] == p]).mean())
                for p in np.unique(batches["process"])
            },
            contention=_contention(batches) if loader.num_workers > 1 else None,
        )


def _contention(batches: Records) -> float | None:
    """The exponent by which the time per sample grows with the number of batches loaded at once.

    That number falls at the start and end of a pass, and when workers have run ahead and pause.
    """
    start, end = batches["t0"].astype(float), batches["t1"].astype(float)
    edges = np.concatenate([start, end])
    order = np.argsort(edges, kind="stable")
    making = np.cumsum(np.repeat([1.0, -1.0], len(batches))[order])
    edges = edges[order]
    made = np.concatenate([[0.0], np.cumsum(making[:-1] * np.diff(edges))])
    seconds = np.maximum(end - start, 1.0)
    at_once = (np.interp(end, edges, made) - np.interp(start, edges, made)) / seconds
    few = at_once < _MAX_AT_ONCE * np.median(at_once)
    if few.sum() < 2:
        return None
    each = seconds / np.maximum(batches["flags"], 1)  # the last batch of a pass may be smaller
    slower, more = np.median(each[~few]) / np.median(each[few]), np.median(at_once[~few]) / np.median(at_once[few])
    return float(np.clip(np.log(slower) / np.log(more), 0.0, 1.0))


def _seconds(records: Records) -> Floats:
    seconds: Floats = (records["t1"] - records["t0"]).astype(float) / 1e9
    return seconds


def _blocked_seconds(records: Records) -> float:
    """Wall time of these records beyond their CPU time. A read from the page cache is CPU time, not storage."""
    return float(np.maximum(_seconds(records) - records["arg"].astype(float) / 1e9, 0.0).sum())


def _during(samples: Records, steps: Steps) -> npt.NDArray[np.bool_]:
    """Batches loaded for the judged steps: from shortly before the first step to the end of the last."""
    if not steps.count:
        return np.zeros(len(samples), bool)
    during: npt.NDArray[np.bool_] = (samples["t1"] > steps.start_ns[0]) & (samples["t0"] < steps.end_ns[-1])
    return during
