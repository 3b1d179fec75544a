"""Checkpoints of the loop: their time inside and between steps, and the cold caches they leave behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ... import signals
from ...recording.model import Recording, Records, Site
from .. import Missing
from ..run.stacks import Stacks
from .steps import Floats, Steps

Function = tuple[str, str]  # (file, function)
_MIN_STEPS = 10  # fewer give no median worth comparing
_FINAL_SAVE = 1.5  # times the longest other save at its line: a longer save after the last step is a different thing
_FLUSH_NS = 1_000_000_000  # after a save that ends the loop, further work of its function belongs to it for this long


@dataclass(frozen=True)
class Checkpoints:
    """Saves on the main thread: ``seconds`` of each; ``site``: the line with most of the time.

    Saves before the first step or after the last are not part of a cadence, except one that ends it. Importing modules
    in the first save does not count as saving. A user call that writes several files is one save. ``inside_seconds``:
    the part within steps; ``around_seconds``: sampled in the functions that save, outside the save itself (flush,
    fsync, copying); ``after_seconds``: extra training time per save, in its own step and the next, due to cold caches.
    """

    seconds: tuple[float, ...]
    site: Site | None
    run_seconds: float
    around_seconds: float = 0.0
    functions: frozenset[Function] = frozenset()
    inside_seconds: float = 0.0
    after_seconds: float = 0.0

    @property
    def total_seconds(self) -> float:
        """Time during which training stood still for checkpoints."""
        return sum(self.seconds) + self.around_seconds

    @property
    def share(self) -> float:
        return self.total_seconds / max(self.run_seconds, 1e-9)

    @classmethod
    def compute(cls, recording: Recording, steps: Steps, stacks: Stacks | None) -> Checkpoints:
        if "training" not in recording.facts.attached:
            raise Missing("torch was not hooked.")
        events = recording.events
        mine = events[(events["process"] == steps.process) & (events["kind"] == signals.CHECKPOINT)]
        mine = mine[_in_the_loop(mine, steps)]
        if not len(mine):
            return cls((), None, recording.wall_seconds)
        ids, first, inverse = np.unique(mine["arg"], return_index=True, return_inverse=True)
        seconds = _without_imports(mine, first, stacks)
        sites = [recording.facts.sites.get((steps.process, int(number))) for number in ids]
        site = sites[int(np.argmax(np.bincount(inverse, weights=seconds)))]
        # A function written for saving includes its flush and fsync; one that trains is not such a function.
        at = recording.facts.loop_site(steps.process, steps.loader)
        functions = frozenset(
            (s.file, s.function) for s in sites if s is not None and (at is None or s.function != at.function)
        ) - _training_functions(recording, steps)
        until = max(int(steps.rows["t1"][-1]), int(mine["t1"].max()))
        around = _sampled_seconds_in(recording, steps, functions, until)
        step = np.searchsorted(steps.rows["t0"], mine["t0"], side="right")
        saves = np.unique(np.column_stack([step, inverse]), axis=0, return_inverse=True)[1].reshape(-1)
        each = np.bincount(saves, weights=seconds)
        within = float(steps.rows["checkpoint"].sum()) / 1e6
        after = _cold_seconds(steps)
        return cls(tuple(each.tolist()), site, recording.wall_seconds, around, functions, within, after)


def _in_the_loop(saves: Records, steps: Steps) -> npt.NDArray[np.bool_]:
    """Which saves, in time order, the loop repeats: those from its first step to its last, plus a final one.

    A final save counts if it is like the others: at a line that also saves in the loop, and no longer than there.
    """
    first, last = int(steps.rows["t0"][0]), int(steps.rows["t1"][-1])
    found: npt.NDArray[np.bool_] = (saves["t1"] > first) & (saves["t0"] < last)
    lengths = (saves["t1"] - saves["t0"]).astype(float)
    for site in np.unique(saves["arg"][found]).tolist():
        step = np.searchsorted(steps.rows["t0"], saves["t0"], side="right")
        here, after = found & (saves["arg"] == site), (saves["t0"] >= last) & (saves["arg"] == site)
        if lengths[after].sum() <= _FINAL_SAVE * np.bincount(step[here], lengths[here]).max():
            found |= after
    return found


def _without_imports(saves: Records, first: npt.NDArray[np.intp], stacks: Stacks | None) -> Floats:
    """Seconds of each save; the ``first`` save of each line is counted without the modules it imports."""
    seconds: Floats = (saves["t1"] - saves["t0"]) / 1e9
    if stacks is not None:
        for index in first.tolist():
            seconds[index] *= 1.0 - stacks.import_share(int(saves["t0"][index]), int(saves["t1"][index]))
    return seconds


def _cold_seconds(steps: Steps) -> float:
    saves = steps.phase("checkpoint") > 0
    following = np.append(False, saves[:-1]) & ~saves
    far = ~(saves | following)
    if min(saves.sum(), following.sum(), far.sum()) < _MIN_STEPS:
        return 0.0
    work = steps.phase("forward", "backward", "optimizer")
    warm = np.median(work[far])
    return max(0.0, float(np.median(work[saves]) - warm)) + max(0.0, float(np.median(work[following]) - warm))


def _training_functions(recording: Recording, steps: Steps) -> frozenset[Function]:
    """The user's functions that lead to a backward pass or an optimizer step."""
    rows = recording.stacks[recording.stacks["process"] == steps.process]
    numbers = np.unique(rows["arg"][np.isin(rows["flags"] & 0xFF, (signals.BACKWARD, signals.OPTIMIZER))])
    stacks = (recording.facts.stacks.get((steps.process, number), ()) for number in numbers.tolist())
    return frozenset((frame.file, frame.function) for stack in stacks for frame in stack if frame.user)


def _sampled_seconds_in(recording: Recording, steps: Steps, functions: frozenset[Function], until_ns: int) -> float:
    """Seconds sampled outside all phases since the first step with one of these as the innermost user function."""
    stacks = recording.stacks[(recording.stacks["process"] == steps.process) & (recording.stacks["flags"] & 0xFF == 0)]
    stacks = stacks[(stacks["t1"] > steps.rows["t0"][0]) & (stacks["t0"] < until_ns + _FLUSH_NS)]
    total = 0.0
    for stack, nanoseconds in zip(stacks["arg"].tolist(), (stacks["t1"] - stacks["t0"]).tolist(), strict=True):
        frame = next((f for f in recording.facts.stacks.get((steps.process, stack), ()) if f.user), None)
        if frame is not None and (frame.file, frame.function) in functions:
            total += nanoseconds / 1e9
    return total
