"""The optimizers of the main loop, and how much of their time loops over the parameters one by one. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ... import signals
from ...recording.facts import Optimizer
from ...recording.model import Frame, Recording, Site
from .. import Absent, Missing
from .loop_samples import stacks_in_steps
from .steps import Steps

_ONE_BY_ONE = "_single_tensor_"  # prefix of each optimizer's looping function in torch
_CPU_FUSED_SINCE = (2, 4)  # torch version that first has fused optimizers on the CPU


@dataclass(frozen=True)
class MadeOptimizer:
    """``sizes``: (number of values, number of tensors with a gradient of about that size). ``site``: its constructor.

    ``name``: torch's name of its class, "" for other classes. ``can_fuse``: torch can run it there as one operation.
    """

    name: str
    site: Site | None
    momentum: bool
    fused: bool
    can_fuse: bool
    foreach: bool
    groups: int
    device: str
    sizes: tuple[tuple[float, int], ...]

    @property
    def tensors(self) -> int:
        return sum(count for _, count in self.sizes)

    @property
    def value_count(self) -> float:
        return sum(size * count for size, count in self.sizes)


@dataclass(frozen=True)
class Optimizers:
    """``share``: share of the step time spent in optimizers; ``looping_share``: sampled share of that in per-parameter
    loops.

    ``sampled_seconds``: time in optimizers by the call stacks.
    """

    made: tuple[MadeOptimizer, ...]
    share: float
    looping_share: float
    sampled_seconds: float

    @classmethod
    def compute(cls, recording: Recording, steps: Steps) -> Optimizers:
        notes = recording.facts.of_process(Optimizer, steps.process)
        if not notes:
            raise Absent("No torch optimizer was recorded.")
        if "stacks" not in recording.facts.attached:
            raise Missing("Call stacks were not sampled.")
        made = tuple(
            MadeOptimizer(
                fact.name,
                recording.facts.site(steps.process, fact.site),
                fact.momentum,
                fact.fused,
                fact.can_fuse and (fact.device != "cpu" or _version(fact.torch) >= _CPU_FUSED_SINCE),
                fact.foreach,
                fact.groups,
                fact.device,
                tuple((0.75 * 2.0**bits, count) for bits, count in fact.sizes),  # middle of the size bin
            )
            for fact in notes
        )
        rows = stacks_in_steps(recording, steps)
        rows = rows[(rows["flags"] & 0xFF) == signals.OPTIMIZER]
        spent = (rows["t1"] - rows["t0"]) / 1e9
        one_by_one = [
            key[1] for key, frames in recording.facts.stacks.items() if key[0] == steps.process and _loops(frames)
        ]
        total = float(spent.sum())
        looping = float(spent[np.isin(rows["arg"], one_by_one)].sum())
        return cls(made, steps.share("optimizer"), looping / max(total, 1e-9), total)


def _loops(frames: tuple[Frame, ...]) -> bool:
    return any(frame.function.startswith(_ONE_BY_ONE) and "/torch/optim/" in frame.file for frame in frames)


def _version(text: str) -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)
