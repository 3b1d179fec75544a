"""Memory over the steps: how fast it grows, whether it levels off, and which container grows with it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ...recording import facts
from ...recording.model import Recording, Site
from .. import Missing
from ..run.host import Host, late_slope, r_squared, theil_sen
from ..run.machine import Machine
from ..training.steps import Steps

Floats = npt.NDArray[np.float64]
_MIN_SAMPLES = 12
_MIN_LOOKS = 3


_PARTS = 6  # equal parts of the steps; memory must grow in each
_MIN_RISE = 0.4  # least rise from one part to the next, relative to the mean rise


@dataclass(frozen=True)
class Container:
    """A container that grew during the loop, named as in the source: ``losses``, ``self.history['loss']``.

    ``item_bytes``: size of its newest element, None if unknown. ``linear_r2``: r squared of its length over the steps.
    ``site``: the statement that grows it, or None.
    """

    name: str
    kind: str
    item: str
    item_bytes: int | None
    first_length: int
    last_length: int
    items_per_step: float
    linear_r2: float
    site: Site | None


@dataclass(frozen=True)
class Memory:
    """RSS of the training process over its steps, without warm-up.

    ``slope``: bytes per step (Theil-Sen); ``late_slope``: slope of the last third; ``r2`` of the line;
    ``growth_bytes``: from the first to the last tenth; ``largest_fall_bytes``: the largest drop from a peak to any
    later point. ``headroom_bytes``: still free for this run when it ended, None if unknown.
    """

    step: Floats = field(repr=False)  # step number at each sample, fractions allowed
    rss_bytes: Floats = field(repr=False)
    slope: float
    late_slope: float
    r2: float
    growth_bytes: float
    largest_fall_bytes: float
    median_bytes: tuple[float, ...]  # of equal parts of the steps
    headroom_bytes: float | None
    containers: tuple[Container, ...]
    steps_per_second: float

    @property
    def keeps_growing(self) -> bool:
        """Each part of the loop is above the one before, the last third still rises at half the overall pace, and
        nothing was given back. Memory cached by an allocator rises in jumps and then stays flat."""
        rises = np.diff(self.median_bytes)
        return bool(
            self.slope > 0
            and len(rises) >= _PARTS // 2
            and (rises >= _MIN_RISE * rises.mean()).all()
            and self.late_slope >= 0.5 * self.slope
            and self.largest_fall_bytes < 0.5 * self.growth_bytes
        )

    @property
    def steps_left(self) -> float | None:
        """Steps until the headroom is used up at this pace; None if memory does not grow or the headroom is unknown."""
        if self.headroom_bytes is None or self.slope <= 0:
            return None
        return self.headroom_bytes / self.slope

    @property
    def seconds_left(self) -> float | None:
        """``steps_left`` in seconds at the pace of the loop."""
        return None if self.steps_left is None else self.steps_left / max(self.steps_per_second, 1e-9)

    @classmethod
    def compute(cls, recording: Recording, steps: Steps, host: Host, machine: Machine) -> Memory:
        # Under an agent (torchrun), the root process does not train; only the whole process tree was measured then.
        rss = host.column("main_rss_bytes" if recording.is_root(steps.process) else "rss_bytes")
        if rss is None:
            raise Missing("Process memory was not sampled.")
        if not steps.count:
            raise Missing("No steps after warm-up to measure memory growth over.")
        times = host.time_ns
        inside = (times >= steps.start_ns[0]) & (times <= steps.end_ns[-1]) & ~np.isnan(rss) & (rss > 0)
        if inside.sum() < _MIN_SAMPLES:
            raise Missing("The loop is too short to measure memory growth.")
        times, rss = times[inside], rss[inside]
        at = np.interp(times.astype(float), steps.end_ns.astype(float), np.arange(1.0, steps.count + 1.0))
        slope, intercept = theil_sen(at, rss)
        parts = np.minimum(((at - at[0]) / max(at[-1] - at[0], 1e-9) * _PARTS).astype(int), _PARTS - 1)
        tenth = max(1, len(rss) // 10)
        peaks = np.maximum.accumulate(rss)
        loop_seconds = float(steps.end_ns[-1] - steps.start_ns[0]) / 1e9
        return cls(
            step=at,
            rss_bytes=rss,
            slope=slope,
            late_slope=late_slope(at, rss),
            r2=r_squared(at, rss, slope, intercept),
            growth_bytes=float(np.median(rss[-tenth:]) - np.median(rss[:tenth])),
            largest_fall_bytes=float((peaks - rss).max()),
            median_bytes=tuple(float(np.median(rss[parts == part])) for part in np.unique(parts)),
            headroom_bytes=_headroom_bytes(host, machine, rss),
            containers=_containers(recording, steps),
            steps_per_second=steps.count / max(loop_seconds, 1e-9),
        )


def _headroom_bytes(host: Host, machine: Machine, rss: Floats) -> float | None:
    available = host.column("memory_available_bytes")
    if available is not None:
        known = available[~np.isnan(available)]
        return float(np.median(known[-5:]))
    return float(machine.memory_bytes - rss[-1]) if machine.memory_bytes else None


def _containers(recording: Recording, steps: Steps) -> tuple[Container, ...]:
    """Containers that grew throughout, largest first; those that keep autograd graphs alive come before all others."""
    looks: dict[tuple[str, str, str], list[facts.Container]] = {}
    for look in recording.facts.of_process(facts.Container, steps.process):
        looks.setdefault((look.name, look.key, look.file), []).append(look)
    lines = recording.facts.of_process(facts.GrowthLine, steps.process)
    sites = {(line.name, line.container_file): line.place for line in lines}
    found = []
    for (name, key, file), series in looks.items():
        times = np.array([look.time_ns for look in series], dtype=float)
        lengths = np.array([look.length for look in series], dtype=float)
        if len(series) < _MIN_LOOKS:
            continue
        at = np.interp(times, steps.end_ns.astype(float), np.arange(1.0, steps.count + 1.0))
        slope, intercept = theil_sen(at, lengths)
        sizes = [look.item_bytes for look in series if look.item_bytes is not None]
        last = series[-1]
        found.append(
            Container(
                name=name + key,
                kind=last.container,
                item=last.item,
                item_bytes=int(np.median(sizes)) if sizes else None,
                first_length=int(lengths[0]),
                last_length=int(lengths[-1]),
                items_per_step=slope,
                linear_r2=r_squared(at, lengths, slope, intercept),
                site=sites.get((name, file)),
            )
        )

    def weight(container: Container) -> tuple[bool, float]:
        held = container.items_per_step * (container.item_bytes or 0)
        return container.item != "tensor with graph", -held

    return tuple(sorted(found, key=weight))
