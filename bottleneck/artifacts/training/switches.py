"""torch's debugging switches that were still on once training had settled, and what they cost the steps. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ... import signals
from ...recording import facts
from ...recording.model import Frame, Recording, Site
from .. import Missing
from .loop_samples import stacks_in_steps
from .steps import Steps

_KEEPS = "/traceback.py", "format_stack"  # what torch calls for each operation in anomaly mode
_PHASES = (signals.NONE, signals.FORWARD, signals.EVAL)  # phases in which operations are created


@dataclass(frozen=True)
class Switches:
    """``anomaly``: autograd's anomaly detection; ``site``: the line that switches it on, if only one line can be it.

    ``seconds``: step time, by phase, spent recording each operation's call stack for it; empty if no stacks were
    sampled. Checking each backward for NaN cannot be told apart from the backward itself.
    """

    anomaly: bool
    site: Site | None
    seconds: dict[str, float] = field(default_factory=dict)
    share: float = 0.0

    @classmethod
    def compute(cls, recording: Recording, steps: Steps) -> Switches:
        seen = recording.facts.of_process(facts.Switches, steps.process)
        if not seen:
            raise Missing("torch's debugging switches were not recorded: an old recording, or too few backward passes.")
        line = next((fact for _, fact in recording.facts.of(facts.SwitchLine)), None)
        site = None if line is None else line.place
        anomaly = any(fact.anomaly for fact in seen)
        seconds = _keeping(recording, steps) if anomaly else {}
        return cls(anomaly, site, seconds, sum(seconds.values()) / max(steps.total_seconds, 1e-9))


def _keeping(recording: Recording, steps: Steps) -> dict[str, float]:
    rows = stacks_in_steps(recording, steps)
    spent = (rows["t1"] - rows["t0"]) / 1e9
    kept = [key[1] for key, frames in recording.facts.stacks.items() if key[0] == steps.process and _keeps(frames)]
    keeps = np.isin(rows["arg"], kept)
    found = {}
    for phase in _PHASES:
        inside = (rows["flags"] & 0xFF) == phase
        if (inside & keeps).any():
            name = signals.PHASES[phase]
            part = float(spent[inside & keeps].sum() / spent[inside].sum())
            found[name] = part * float(steps.phase(name).sum())
    return found


def _keeps(frames: tuple[Frame, ...]) -> bool:
    """Whether torch, not a line of the user's, is recording the call stack."""
    for index, frame in enumerate(frames[:-1]):
        if frame.function == _KEEPS[1] and frame.file.endswith(_KEEPS[0]):
            return "/torch/" in frames[index + 1].file
        if frame.user:
            return False
    return False
