"""Samples that are made again in every pass, and whether the same index yields the same sample each time. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ... import signals
from ...recording.model import Recording, Records
from .. import Missing
from ..run.machine import Machine
from ..training.steps import Floats, Steps
from .loader import Loader

MIN_COMPARED = 20  # if one sample in ten is augmented, this many pairs all match with a chance of 1.5 %
_MEMORY_SHARE = 0.5  # share of the machine's memory that all samples together may take (own)


@dataclass(frozen=True)
class SampleReuse:
    """Passes over the main loop's DataLoader. ``compared``: samples whose index was also looked at in an earlier pass;
    ``same``: those with identical output both times. ``output_bytes``: mean size of one output.

    For the passes after the first: ``item_seconds``, ``item_cpu_seconds``: mean time to make one sample;
    ``load_seconds``: to load one batch of ``items_per_batch`` samples; ``later``: which steps belong to these passes.
    ``whole_bytes``: size of all samples, None if their number is unknown; ``room_bytes``: memory available for them.
    """

    epochs: int
    compared: int
    same: int
    output_bytes: float
    item_seconds: float
    item_cpu_seconds: float
    load_seconds: float
    items_per_batch: float
    later: Floats
    whole_bytes: float | None = None
    room_bytes: float = 0.0

    @property
    def item_share(self) -> float:
        """Share of the loading time spent making samples, 0..1."""
        return min(1.0, self.item_seconds * self.items_per_batch / max(self.load_seconds, 1e-9))

    @property
    def fits(self) -> bool:
        """Whether all samples fit in memory."""
        return self.whole_bytes is not None and not 0 < self.room_bytes < self.whole_bytes

    @property
    def vary(self) -> bool:
        """Whether some sample is known to differ from pass to pass, as with random augmentation."""
        return self.same < self.compared

    @property
    def kept_share(self) -> float:
        """Share of all loading that remakes samples, provided they are shown to be reusable."""
        shown = self.compared >= MIN_COMPARED and self.same == self.compared and self.fits
        return self.item_share * float(self.later.mean()) if shown and len(self.later) else 0.0

    @classmethod
    def compute(cls, recording: Recording, steps: Steps, loader: Loader, machine: Machine) -> SampleReuse:
        events = recording.events
        mine = (events["process"] == steps.process) & (events["arg"] == loader.id)
        starts = np.sort(events["t0"][mine & (events["kind"] == signals.LOADER_START)])
        if len(starts) < 2:
            return cls(len(starts), 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, np.zeros(steps.count))
        samples = recording.samples
        workers = [p.index for p in recording.facts.processes if p.role == signals.WORKER and p.loader == loader.id]
        samples = samples[np.isin(samples["process"], workers or [steps.process])]
        after = samples[samples["t0"] >= starts[1]]
        batches, collates = (after[after["kind"] == kind] for kind in (signals.BATCH, signals.COLLATE))
        if not len(batches):
            raise Missing("No batch was recorded after the first epoch.")
        # Timed samples are not used: many are the first of their batch, which a busy machine interrupts least.
        load, collate = _means(batches), _means(collates)
        items = max(float(batches["flags"].mean()), 1.0)
        keys = samples[samples["kind"] == signals.SAMPLE_KEY]
        compared, same = _compared(keys, np.searchsorted(starts, keys["t0"], side="right"))
        each = float(keys["flags"].mean()) * 1024 if len(keys) else 0.0
        length = loader.facts.length
        return cls(
            len(starts),
            compared,
            same,
            each,
            max(0.0, load[0] - collate[0]) / items,
            max(0.0, load[1] - collate[1]) / items,
            load[0],
            items,
            (steps.start_ns >= starts[1]).astype(float),
            None if length is None else each * int(length) * loader.batch_size,
            _MEMORY_SHARE * machine.memory_bytes,
        )


def _means(records: Records) -> tuple[float, float]:
    """Mean (wall, CPU) seconds of one record."""
    if not len(records):
        return 0.0, 0.0
    return float((records["t1"] - records["t0"]).mean()) / 1e9, float(records["arg"].astype(float).mean()) / 1e9


def _compared(keys: Records, epochs: Floats) -> tuple[int, int]:
    """(samples whose index was seen in an earlier pass, how many of them had the same output there)."""
    first: dict[int, tuple[int, int]] = {}
    compared = same = 0
    for number, value in sorted(zip(epochs.tolist(), keys["arg"].tolist(), strict=True)):
        key, checksum = value >> 32, value & 0xFFFFFFFF
        seen = first.setdefault(key, (number, checksum))
        if seen[0] < number:
            compared += 1
            same += seen[1] == checksum
    return compared, same
