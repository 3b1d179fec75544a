"""Collectives that the program calls itself: their share of the steps, their call sites and their sizes. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...recording.facts import Collective
from ...recording.model import Recording, Site
from .. import Absent, Missing
from ..training.steps import Floats, Steps

_Call = tuple[Collective, list[float]]  # a call, with the seconds each rank spent in it


@dataclass(frozen=True)
class Place:
    """Calls of one collective from one line. ``call_seconds``: shape (ranks, sampled calls). ``weights``: how many
    calls each sampled call stands for."""

    site: Site | None
    name: str
    call_seconds: Floats
    size_bytes: Floats
    weights: Floats
    calls_per_step: float

    @property
    def net_seconds(self) -> Floats:
        """Seconds of each call, the minimum over ranks: the last rank to arrive does not wait."""
        least: Floats = self.call_seconds.min(axis=0)
        return least

    @property
    def calls_seconds(self) -> float:
        """Seconds per step in these calls, estimated from the sampled ones."""
        return self.calls_per_step * float(np.average(self.net_seconds, weights=self.weights))

    @property
    def step_bytes(self) -> float:
        return self.calls_per_step * float(np.average(self.size_bytes, weights=self.weights))

    def latency_and_rate(self) -> tuple[float, float] | None:
        """(seconds per call, seconds per byte), fitted over calls of several sizes; None if all have the same size."""
        sizes = np.unique(self.size_bytes)
        if len(sizes) < 2:
            return None
        usual = np.array([np.median(self.net_seconds[self.size_bytes == size]) for size in sizes])
        weight = np.array([self.weights[self.size_bytes == size].sum() for size in sizes])
        mean_size, mean = np.average(sizes, weights=weight), np.average(usual, weights=weight)
        slope = float((weight * (sizes - mean_size) * (usual - mean)).sum() / (weight * (sizes - mean_size) ** 2).sum())
        slope = min(max(slope, 0.0), float(mean / mean_size))
        return max(0.0, float(mean - slope * mean_size)), slope  # rounding can make it negative; a call's time never is


@dataclass(frozen=True)
class Collectives:
    """``net_seconds``: time in collectives per step, the minimum over ranks. It includes waits that every rank takes a
    turn at, but not the wait for one slow rank. ``places``: largest first. ``device``: where the exchanged tensors
    live; on anything but the CPU, a call only starts the exchange."""

    net_seconds: Floats
    places: tuple[Place, ...]
    device: str

    def seconds(self, place: Place) -> Floats:
        """The part of ``net_seconds`` spent in the calls of one place."""
        of_all = place.calls_seconds / max(sum(other.calls_seconds for other in self.places), 1e-12)
        return self.net_seconds * of_all

    @classmethod
    def compute(cls, recording: Recording, steps: Steps) -> Collectives:
        if "collectives" not in recording.facts.attached:
            raise Missing("No collectives were recorded: torch.distributed was not used, or the recording is old.")
        if len(steps.rank_rows) < 2:
            raise Absent("The run has one rank.")
        count = min(steps.count, min(len(rows["t0"]) for rows in steps.rank_rows.values()))
        if not count:
            raise Missing("No steps after warm-up.")
        net = np.array([rows["sync"][-count:] / 1e6 for rows in steps.rank_rows.values()]).min(axis=0)
        calls = _calls_of_all(recording, steps)
        grouped: dict[tuple[int, str], list[_Call]] = {}
        for call, seconds in calls:
            grouped.setdefault((call.site, call.name), []).append((call, seconds))
        places = [
            Place(
                recording.facts.site(steps.process, site),
                name,
                np.array([seconds for _, seconds in found]).T,
                np.array([call.bytes for call, _ in found], float),
                np.array([call.stands_for for call, _ in found], float),
                sum(call.stands_for for call, _ in found) / _steps_seen(calls, steps),
            )
            for (site, name), found in grouped.items()
        ]
        devices = [call.device for call, _ in calls if call.device]
        return cls(net, tuple(sorted(places, key=lambda place: -place.calls_seconds)), devices[0] if devices else "cpu")


def _calls_of_all(recording: Recording, steps: Steps) -> list[_Call]:
    """The noted calls within the steps that match on every rank, with each rank's seconds."""
    noted: dict[int, dict[int, Collective]] = {process: {} for process in steps.rank_rows}
    for process, call in recording.facts.of(Collective):
        if process in noted:
            noted[process][call.call] = call
    found = []
    first, last = int(steps.start_ns[0]), int(steps.end_ns[-1])
    for number, mine in noted[steps.process].items():
        ranks = [noted[process].get(number) for process in noted]
        alike = [call for call in ranks if call and (call.name, call.bytes) == (mine.name, mine.bytes)]
        if len(alike) == len(noted) and first <= mine.t0 and mine.t1 <= last:
            found.append((mine, [call.seconds for call in alike]))
    return found


def _steps_seen(calls: list[_Call], steps: Steps) -> float:
    """Steps from the first noted call to the last: all the calls they stand for were made in these steps."""
    first, last = (min(call.t0 for call, _ in calls), max(call.t1 for call, _ in calls))
    return max(1.0, float(((steps.end_ns > first) & (steps.start_ns < last)).sum()))
