"""Time that the kernel spends allocating and reclaiming memory during the steps, and where. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ... import signals
from ...recording.facts import Collections
from ...recording.model import STEP_PHASES, Frame, Recording, Records, Site
from .. import Missing
from ..loading.loader import Loader
from ..run.host import Host
from ..run.stacks import in_training_code
from ..training.evaluations import Evaluations
from ..training.steps import Steps

_PAGE, _HUGE_PAGE = 4096, 2 << 20
_ARRAYS = ("/torch/", "/numpy/")
_READERS = ("/torch/utils/data/", "/torch/serialization.py", "npyio", "/_format_impl.py", "/numpy/lib/format.py")


@dataclass(frozen=True)
class Thrash:
    """Page faults of the training process over its steps after warm-up, outside evaluations.

    ``huge_faults_per_step``: upper bound of those that map 2 MiB. ``system_seconds``: CPU time inside the kernel;
    ``lost_seconds``: the wall time that this costs the loop. ``site``: the hottest line among the user's own
    expressions; ``own_share``: share of the running time in such lines. ``collecting_seconds``: full collections that
    Python started by itself, None if unknown. ``phase_shares``: shares of the main thread's running time, for phases
    that may allocate.
    """

    faults_per_step: float
    major_faults_per_step: float
    system_seconds: float
    lost_seconds: float
    loop_seconds: float
    site: Site | None
    own_share: float
    huge_faults_per_step: float = 0.0
    collecting_seconds: float | None = None
    phase_shares: dict[str, float] = field(default_factory=dict)

    @property
    def fresh_bytes(self) -> float:
        """Memory that these faults map, per step."""
        return (self.faults_per_step - self.huge_faults_per_step) * _PAGE + self.huge_faults_per_step * _HUGE_PAGE

    @property
    def lost_share(self) -> float:
        """Lost wall time as a share of the loop."""
        return self.lost_seconds / max(self.loop_seconds, 1e-9)

    @classmethod
    def compute(
        cls, recording: Recording, steps: Steps, host: Host, loader: Loader | None, evaluations: Evaluations | None
    ) -> Thrash:
        if not steps.count:
            raise Missing("No steps after warm-up.")
        prefix = "main_" if recording.is_root(steps.process) else ""
        start, end = int(steps.start_ns[0]), int(steps.end_ns[-1])
        faults = _outside(host, prefix + "minor_faults_total", start, end, evaluations)
        system = _outside(host, prefix + "system_ns_total", start, end, evaluations)
        cpu = host.rise(prefix + "cpu_ns_total", start, end)
        if faults is None or system is None or cpu is None:
            raise Missing("Page faults and system time are not measured on this system.")
        wall = (end - start) / 1e9
        # Threads of one process can be in the kernel at the same time; only their share of the wall time is lost.
        parallel = max(1.0, cpu / 1e9 / max(wall, 1e-9))
        # When others keep the cores busy, a second of CPU takes more than a second of wall time, and so does the loss.
        delay = host.rise("run_delay_ns_total", start, end) or 0.0
        stretch = min((cpu + delay) / max(cpu, 1.0), wall * 1e9 / max(cpu, 1.0)) if cpu < wall * 1e9 else 1.0
        huge = host.rise("huge_faults_total", start, end) or 0.0  # counted for the whole machine
        site, share = _hot_line(recording, steps)
        return cls(
            faults_per_step=faults / steps.count,
            major_faults_per_step=(host.rise("major_faults_total", start, end) or 0.0) / steps.count,
            system_seconds=system / 1e9,
            lost_seconds=min(wall, system / 1e9 / parallel * stretch),
            loop_seconds=wall,
            site=site,
            own_share=share,
            huge_faults_per_step=min(huge, faults) / steps.count,
            collecting_seconds=_collecting_seconds(recording, steps),
            phase_shares=_phases(recording, steps, loader, evaluations),
        )


def _outside(host: Host, name: str, start: int, end: int, evaluations: Evaluations | None) -> float | None:
    """How much a column rose in a window, minus the part explained by its rate during evaluations."""
    whole, values = host.rise(name, start, end), host.column(name)
    if whole is None or values is None or evaluations is None or not evaluations.count:
        return whole
    known = ~np.isnan(values) & (host.time_ns >= start) & (host.time_ns <= end)
    if known.sum() < 3:
        return whole
    knots = np.array([moment for span in evaluations.spans for moment in span], float)
    done = np.cumsum(np.diff(knots, prepend=knots[0]) * (np.arange(len(knots)) % 2))
    times = host.time_ns[known].astype(float)
    evaluating = np.diff(np.interp(times, knots, done))
    beside = np.diff(times) - evaluating
    rates = np.linalg.lstsq(np.column_stack([beside, evaluating]), np.diff(values[known]), rcond=None)[0]
    parts = np.maximum(rates, 0.0) * (beside.sum(), evaluating.sum())
    return whole * float(parts[0] / max(parts.sum(), 1e-12))


def _collecting_seconds(recording: Recording, steps: Steps) -> float | None:
    """Seconds of the steps in full collections. The sum is noted when it has grown: nothing follows the last note."""
    notes = recording.facts.of_process(Collections, steps.process)
    if not notes:
        return None
    times = [float(fact.time_ns) for fact in notes]
    totals = [fact.total_ns for fact in notes]
    before, after = (np.interp(edges.astype(float), times, totals) for edges in (steps.start_ns, steps.end_ns))
    return float((after - before).sum()) / 1e9


def _running(recording: Recording, steps: Steps) -> Records:
    """Samples of the main thread on the CPU during the steps."""
    rows = recording.stacks
    mine = (rows["kind"] == signals.STACK_CPU) & (rows["process"] == steps.process)
    running: Records = rows[mine & (rows["t0"] >= steps.start_ns[0]) & (rows["t0"] <= steps.end_ns[-1])]
    return running


def _phases(
    recording: Recording, steps: Steps, loader: Loader | None, evaluations: Evaluations | None
) -> dict[str, float]:
    """Shares of the running time by phase; data waits count only if this process loads the batches itself."""
    rows = _running(recording, steps)
    weights = np.bincount(rows["flags"] & 0xFF, (rows["t1"] - rows["t0"]).astype(float), minlength=256)
    weights[[signals.IMPORT, signals.LOADER_START]] = 0.0
    if loader is not None and loader.num_workers:
        weights[signals.DATA_WAIT] = 0.0
    if evaluations is not None and evaluations.count:
        weights[signals.EVAL] = 0.0
    total = max(float(weights.sum()), 1e-9)
    return {name: float(weights[kind]) / total for kind, name in enumerate(STEP_PHASES) if weights[kind] > 0}


def _calculates(library: tuple[Frame, ...]) -> bool:
    """Whether the user's line allocates arrays itself, rather than through a reader or torch's collate."""
    files = [frame.file for frame in library]
    return all(any(p in f for p in _ARRAYS) and not any(p in f for p in _READERS) for f in files)


def _hot_line(recording: Recording, steps: Steps) -> tuple[Site | None, float]:
    """(the hottest line of the user's own expressions, the share of the loop's running time in all such lines).

    Allocations by a model's modules, the backward pass, the optimizer and readers are not the user's expressions.
    """
    rows = _running(recording, steps)
    seconds = (rows["t1"] - rows["t0"]).astype(float)
    own = ~np.isin(rows["flags"] & 0xFF, (signals.BACKWARD, signals.OPTIMIZER))
    weights: dict[Site, float] = {}
    for stack in np.unique(rows["arg"][own]):
        frames = recording.facts.stacks.get((steps.process, int(stack)), ())
        above = next((depth for depth, frame in enumerate(frames) if frame.user), None)
        if above is not None and _calculates(frames[:above]) and not in_training_code(frames):
            site = Site(frames[above].file, frames[above].line, frames[above].function)
            weights[site] = weights.get(site, 0.0) + float(seconds[own & (rows["arg"] == stack)].sum())
    if not weights:
        return None, 0.0
    return max(weights, key=lambda site: weights[site]), sum(weights.values()) / max(float(seconds.sum()), 1e-9)
