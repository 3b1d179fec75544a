"""The cost of moving a batch from a worker to the loop: pickling it there, and reading and unpickling it here. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ... import signals
from ...recording.model import Frame, Recording
from .. import Absent, Missing
from ..training.steps import Steps
from .loader import Loader

_QUEUE = "/multiprocessing/queues.py"
_CPU_UNIT_SECONDS = 1e-4  # CPU seconds per unit of a record's flags
_MIN_BATCHES = 5  # sampled batches; fewer say nothing


@dataclass(frozen=True)
class Handover:
    """Costs per batch. ``pickled_bytes``: sent through the pipe, not counting shared memory. ``pickle_seconds``,
    ``pickle_cpu_seconds``: spent in the worker. ``receive_seconds``: the part of the loop's wait spent reading the pipe
    and unpickling, estimated from ``samples`` call stacks taken in such waits."""

    pickled_bytes: float
    pickle_seconds: float
    pickle_cpu_seconds: float
    receive_seconds: float
    samples: int

    @classmethod
    def compute(cls, recording: Recording, steps: Steps, loader: Loader) -> Handover:
        if not loader.num_workers:
            raise Absent("The loader has no workers.")
        workers = [p.index for p in recording.facts.processes if p.role == signals.WORKER and p.loader == loader.id]
        sent = recording.samples[recording.samples["kind"] == signals.PICKLED]
        sent = sent[np.isin(sent["process"], workers)]
        if len(sent) < _MIN_BATCHES:
            raise Missing("Fewer than 5 batches were recorded being pickled in the workers.")
        share, samples = _receiving(recording, steps)
        wait = float(steps.phase("data_wait").sum()) / max(steps.count, 1)
        return cls(
            float(sent["arg"].astype(float).mean()),
            float((sent["t1"] - sent["t0"]).mean()) / 1e9,
            float(sent["flags"].mean()) * _CPU_UNIT_SECONDS,
            share * wait,
            samples,
        )


def _receiving(recording: Recording, steps: Steps) -> tuple[float, int]:
    """(share of the sampled wait that is spent receiving, number of samples)."""
    stacks = recording.stacks
    stacks = stacks[(stacks["process"] == steps.process) & (stacks["flags"] & 0xFF == signals.DATA_WAIT)]
    if steps.count:
        stacks = stacks[(stacks["t1"] > steps.start_ns[0]) & (stacks["t0"] < steps.end_ns[-1])]
    if not len(stacks):
        raise Missing("No call stack was sampled while the loop waited for data.")
    seconds = (stacks["t1"] - stacks["t0"]) / 1e9
    ids = stacks["arg"].tolist()
    frames = [recording.facts.stacks.get((steps.process, number), ()) for number in ids]
    receives = np.array([
        _receives(stack, kind == signals.STACK_BLOCKED) for stack, kind in zip(frames, stacks["kind"], strict=True)
    ])  # fmt: skip
    return float(seconds[receives].sum()) / max(float(seconds.sum()), 1e-9), len(stacks)


def _receives(frames: tuple[Frame, ...], blocked: bool) -> bool:
    """Whether a batch is being received. A loop still waiting for one is in the poll, or at the queue's lock."""
    at = next((i for i, frame in enumerate(frames) if frame.file.endswith(_QUEUE)), None)
    if at is None or (blocked and at == 0):
        return False
    return not any(frame.function.rpartition(".")[2] in ("poll", "_poll") for frame in frames[:at])
