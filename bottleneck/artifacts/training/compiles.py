"""What torch.compile compiled again within the steps of the main loop. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from ...recording.model import Recording, Site
from .. import Missing
from .steps import Steps


@dataclass(frozen=True)
class Compiles:
    """``first``: compilations that were the first of their code; ``again``: not the first, in the main loop.

    ``late``: of those again, after warm-up. ``seconds``, ``late_seconds``: of them, with their backward parts;
    ``sizes``: how many of those again were for another size of an input; ``site``: the line of the user's that most of
    that time was called from.
    """

    first: int
    again: int
    late: int
    seconds: float
    late_seconds: float
    backward_seconds: float
    sizes: int
    site: Site | None

    @classmethod
    def compute(cls, recording: Recording, steps: Steps) -> Compiles:
        if "compile" not in recording.facts.attached:
            raise Missing("torch.compile was not loaded.")
        notes = recording.facts.of_process("compile", steps.process)
        begins, ends = int(steps.rows["t0"][0]), int(steps.rows["t1"][-1])
        warm = int(steps.start_ns[0]) if steps.count else ends
        again = [fields for fields in notes if fields["again"] and begins <= fields["t0"] <= ends]
        late = [fields for fields in again if fields["t0"] >= warm]
        forward = [fields for fields in again if not fields["backward"]]
        by_site: Counter[int] = Counter()
        for fields in forward:
            by_site[int(fields.get("site") or 0)] += fields["t1"] - fields["t0"]
        site = max(by_site, key=by_site.__getitem__, default=0)
        return cls(
            sum(not (fields["again"] or fields["backward"]) for fields in notes),
            len(forward),
            sum(not fields["backward"] for fields in late),
            _seconds(again),
            _seconds(late),
            _seconds([fields for fields in again if fields["backward"]]),
            sum(fields["sizes"] for fields in forward),
            recording.facts.sites.get((steps.process, site)),
        )


def _seconds(notes: list[dict[str, Any]]) -> float:
    return float(sum(fields["t1"] - fields["t0"] for fields in notes)) / 1e9
