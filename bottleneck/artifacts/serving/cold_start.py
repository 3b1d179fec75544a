"""The first requests of a server, where they take far longer than the later ones. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from ...recording.model import Recording, Site
from ..run.every_thread import by_thread
from ..run.servers import answers
from .requests import Requests

_TIMES = 5.0  # the median of all requests: from there on, a request counts as slow
_P99 = 99.0


@dataclass(frozen=True)
class ColdStart:
    """The slow requests at the start: those that began before the first one had ended, with the first one.

    ``first_seconds``: of the first request; ``requests``: that were slow at the start; ``usual_seconds``: median of the
    later ones; ``p99_seconds``, ``later_p99_seconds``: of all requests, and without those; ``site``: the line in which
    the first ones spent most of their time, None if it was not seen.
    """

    first_seconds: float
    requests: int
    usual_seconds: float
    p99_seconds: float
    later_p99_seconds: float
    site: Site | None

    @classmethod
    def compute(cls, recording: Recording, requests: Requests) -> ColdStart:
        seconds, first = requests.seconds, float(requests.seconds[0])
        usual = float(np.median(seconds))
        slow = (requests.start_ns <= requests.end_ns[0]) & (seconds >= _TIMES * usual)
        later = seconds[~slow] if not slow.all() else seconds
        begins, ends = int(requests.start_ns[0]), int(requests.end_ns[0])
        return cls(
            first,
            int(slow.sum()),
            float(np.median(later)),
            requests.p99_seconds,
            float(np.percentile(later, _P99)),
            _site(recording, requests.process, begins, ends),
        )


def _site(recording: Recording, process: int, begins: int, ends: int) -> Site | None:
    """The innermost line of the user's, below a handler, with most time between two moments."""
    spent: Counter[Site] = Counter()
    for of, _, rows in by_thread(recording):
        inside = rows[(rows["t1"] > begins) & (rows["t0"] < ends)] if of == process else rows[:0]
        for row in inside:
            frames = recording.facts.stacks.get((process, int(row["arg"])), ())
            user = next((frame for frame in frames if frame.user), None)
            if user is not None and (answers(frames) or any("/anyio/" in frame.file for frame in frames)):
                length = min(int(row["t1"]), ends) - max(int(row["t0"]), begins)
                spent[Site(user.file, user.line, user.function)] += length
    return spent.most_common(1)[0][0] if spent else None
