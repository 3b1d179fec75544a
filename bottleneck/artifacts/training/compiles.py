"""What torch.compile recompiled within the steps of the main loop. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from ...recording.facts import Compile
from ...recording.model import Recording, Site
from .. import Absent
from .steps import Steps


@dataclass(frozen=True)
class Compiles:
    """``first``: compilations of code not compiled before; ``again``: recompilations within the main loop.

    ``late``: recompilations after warm-up. ``seconds``, ``late_seconds``: time of all and of late recompilations, with
    their backward parts. ``sizes``: recompilations caused by a new input size. ``site``: the user's line with most of
    that time.
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
            raise Absent("torch.compile was not loaded.")
        notes = recording.facts.of_process(Compile, steps.process)
        begins, ends = int(steps.rows["t0"][0]), int(steps.rows["t1"][-1])
        warm = int(steps.start_ns[0]) if steps.count else ends
        again = [fact for fact in notes if fact.again and begins <= fact.t0 <= ends]
        late = [fact for fact in again if fact.t0 >= warm]
        forward = [fact for fact in again if not fact.backward]
        by_site: Counter[int] = Counter()
        for fact in forward:
            by_site[fact.site or 0] += fact.t1 - fact.t0
        site = max(by_site, key=by_site.__getitem__, default=0)
        return cls(
            sum(not (fact.again or fact.backward) for fact in notes),
            len(forward),
            sum(not fact.backward for fact in late),
            _seconds(again),
            _seconds(late),
            _seconds([fact for fact in again if fact.backward]),
            sum(fact.sizes for fact in forward),
            recording.facts.site(steps.process, site),
        )


def _seconds(notes: list[Compile]) -> float:
    return sum(fact.t1 - fact.t0 for fact in notes) / 1e9
