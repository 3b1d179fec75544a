"""Requests that were asked before, and whether they got the same answer again. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np

from ... import signals
from ...recording.model import Recording, Records, Site
from .. import Absent
from ..run.every_thread import by_thread
from ..run.frames import HANDLERS, through
from ..run.servers import answers
from .requests import NAME_MASK, Requests

_PERSONAL = 1  # flag of a record
_HALF = np.uint64(32)


@dataclass(frozen=True)
class Repeated:
    """Requests of one route of which it is known what was asked and answered; those of one user are left out.

    ``repeats``: that the same process had answered before; ``same``: those of them with the same answer as before.
    ``inputs``, ``answers``: how many different ones there were. ``saved_seconds``: of the requests in ``same``;
    ``pace``: their median time relative to that of requests that came for the first time.
    ``site``: the line of the handler in which the route's requests spend most time; None if it was not seen.
    """

    route: str
    count: int
    repeats: int
    same: int
    inputs: int
    answers: int
    saved_seconds: float
    pace: float
    site: Site | None

    @property
    def repeat_share(self) -> float:
        """Of the requests."""
        return self.repeats / max(self.count, 1)

    @property
    def is_function(self) -> bool:
        """Whether the answer depends on what is asked, and on nothing else, as far as was seen."""
        return self.same == self.repeats and self.answers > 1


@dataclass(frozen=True)
class Repeats:
    """All routes, those that repeat most time first. ``personal``: requests that belong to one user."""

    routes: tuple[Repeated, ...]
    personal: int

    @property
    def count(self) -> int:
        return sum(route.count for route in self.routes)

    @property
    def repeat_share(self) -> float:
        """Of all requests of which it is known."""
        return sum(route.repeats for route in self.routes) / max(self.count, 1)

    @classmethod
    def compute(cls, recording: Recording, requests: Requests) -> Repeats:
        """Raises Absent where no request was long enough, or its server's answers are not seen."""
        rows = recording.requests[recording.requests["kind"] == signals.LIKENESS]
        rows = rows[np.isin(rows["process"], requests.processes)]
        if not len(rows):
            raise Absent("It is not known which requests were the same: their answers came fast, or were not seen.")
        public = rows[(rows["flags"] & _PERSONAL) == 0]
        of: dict[str, list[int]] = defaultdict(list)
        for index, route in enumerate(_routes(recording, public)):
            of[route].append(index)
        found = [_repeated(recording, route, public[indexes]) for route, indexes in of.items()]
        return cls(tuple(sorted(found, key=lambda each: -each.saved_seconds)), len(rows) - len(public))


def _routes(recording: Recording, rows: Records) -> list[str]:
    """The route of each row, without the status: that of the request with the same times."""
    served = recording.requests[recording.requests["kind"] == signals.REQUEST]
    keys = zip(served["process"].tolist(), served["t0"].tolist(), served["t1"].tolist(), strict=True)
    names = dict(zip(keys, (served["arg"] & np.uint64(NAME_MASK)).tolist(), strict=True))
    found = []
    for key in zip(rows["process"].tolist(), rows["t0"].tolist(), rows["t1"].tolist(), strict=True):
        name = recording.facts.strings.get((key[0], names.get(key, -1)), "(unnamed)")
        found.append(name.rpartition(" ")[0] or name)
    return found


def _repeated(recording: Recording, route: str, rows: Records) -> Repeated:
    rows = rows[np.argsort(rows["t1"], kind="stable")]  # an answer that is not there yet is in no cache
    asked, given = (rows["arg"] >> _HALF).tolist(), (rows["arg"] & np.uint64(NAME_MASK)).tolist()
    known: dict[tuple[int, int], tuple[int, int]] = {}  # process, input -> when first answered, and how
    repeats = 0
    again: list[float] = []  # seconds of requests that got the same answer again, and of all that are new
    new: list[float] = []
    for row, process, what, answer in zip(rows, rows["process"].tolist(), asked, given, strict=True):
        first, before = known.setdefault((process, what), (int(row["t1"]), answer))
        seconds = int(row["t1"] - row["t0"]) / 1e9
        if first > int(row["t0"]):
            new.append(seconds)
            if before != answer:
                known[process, what] = first, -1  # two at once, and not the same: no later answer is "the same"
            continue
        repeats += 1
        if before == answer:
            again.append(seconds)
    pace = float(np.median(again) / max(np.median(new), 1e-9)) if again and new else 0.0
    inputs, answers_given = len(set(asked)), len(set(given))
    return Repeated(
        route, len(rows), repeats, len(again), inputs, answers_given, sum(again), pace, _site(recording, rows)
    )


def _site(recording: Recording, rows: Records) -> Site | None:
    """The outermost line of the user's below the handlers with most time, while such requests were being answered."""
    spent: Counter[Site] = Counter()
    for process in np.unique(rows["process"]).tolist():
        mine = rows[rows["process"] == process]
        begins, ends = int(mine["t0"].min()), int(mine["t1"].max())
        for of, _, samples in by_thread(recording):
            inside = samples[(samples["t1"] > begins) & (samples["t0"] < ends)] if of == process else samples[:0]
            stacks, which = np.unique(inside["arg"], return_inverse=True)
            for stack, seconds in zip(stacks.tolist(), np.bincount(which, inside["t1"] - inside["t0"]), strict=False):
                frames = recording.facts.stacks.get((process, stack), ())
                pooled = any("/anyio/" in frame.file for frame in frames)
                outer = max((i for i, frame in enumerate(frames) if through((frame,), HANDLERS)), default=0)
                within = frames if pooled else frames[:outer] if answers(frames) else ()
                below = [frame for frame in within if frame.user]
                if below:
                    spent[Site(below[-1].file, below[-1].line, below[-1].function)] += int(seconds)
    return spent.most_common(1)[0][0] if spent else None
