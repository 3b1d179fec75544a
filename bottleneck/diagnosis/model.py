"""The result of analysing one run, and the only input of the reports."""

from __future__ import annotations

from dataclasses import dataclass, field

from .cost.model import Cost, Size
from .findings import Finding, Severity
from .load_tests import LoadTested, LoadUse

SCHEMA = "bottleneck.diagnosis/2"
READABLE = (SCHEMA, "bottleneck.diagnosis/1")  # version 1 had no "not-applicable"


@dataclass(frozen=True)
class PhaseShare:
    """``seconds`` of the main process's wall time spent in ``phase``."""

    phase: str
    seconds: float
    share: float


@dataclass(frozen=True)
class Ranked:
    """A finding with its severity (by gain) and its score (see docs/gains.md)."""

    finding: Finding
    severity: Severity
    confidence: float
    score: float
    explains: tuple[str, ...] = ()


@dataclass(frozen=True)
class Checked:
    """One detector that did not fire. outcome: "fine", "not-applicable" or "not-measured".

    ``needs_accelerator``: the detector judges an accelerator.
    """

    detector: str
    outcome: str
    value: float | None = None
    threshold: float | None = None
    unit: str = ""
    reason: str = ""
    needs_accelerator: bool = False


@dataclass(frozen=True)
class PlanStep:
    """Predicted wall seconds after this fix and all earlier ones."""

    detector: str
    wall_seconds_after: float


@dataclass(frozen=True)
class DeviceUse:
    """One device as one process used it. Shares are of ``window_seconds``; None: not known.

    ``window_seconds``: the traced steps, without marks of steps the whole trace. ``exposed_communication_seconds``:
    communication while no other kernel runs. ``sync_seconds``: host calls that wait for the device to finish.
    ``basis``: what the figures come from: "trace" (of another tool), "window" (of ours), or "events" at the borders of
    the phases of timed steps, which say how long it was idle at least, by cause, and busy at most. The causes of a
    trace are those of ``artifacts/device/window.py``. ``kept_up_seconds``: of timed steps, the host launched, and the
    device kept up: for how much of that it was idle, no event says. ``busy_at_least_share``: there was work in its
    queue. ``nvml_share``: of the steps' time, in which NVML saw a kernel run, of whatever program and stream. A device
    that the process uses beside the one that is timed has no other figures: its ``basis`` is "nvml", or "not-measured".
    ``batch_bytes``, ``batch_pinned``: of a batch as the loader delivers it; ``copy_non_blocking``: at the line that
    copies it. ``model_bytes``: parameters of models that were copied to it before training.
    """

    host: str
    rank: int | None
    index: int
    name: str
    window_seconds: float
    busy_share: float | None
    idle_share: float | None
    compute_seconds: float | None
    copy_seconds: dict[str, float] | None
    communication_seconds: float | None
    exposed_communication_seconds: float | None
    sync_seconds: float | None
    data_wait_seconds: float | None
    steps: int | None
    step_seconds_median: float | None
    basis: str
    idle_seconds_by_cause: dict[str, float] | None = None
    kept_up_seconds: float | None = None
    busy_at_least_share: float | None = None
    nvml_share: float | None = None
    batch_bytes: int | None = None
    batch_pinned: bool | None = None
    copy_non_blocking: bool | None = None
    model_bytes: int | None = None


@dataclass(frozen=True)
class ServerUse:
    """A server, model or device that was watched by its metrics for ``seconds``, at so many ``looks``.

    ``signals``: means over the watch, with the unit at the end of each name; what it does not say is not there. Of one
    page alone (1 look), totals and means since the server's start.
    """

    url: str
    server: str
    model: str
    seconds: float
    looks: int
    signals: dict[str, float]


@dataclass(frozen=True)
class RouteUse:
    """Requests of one "METHOD route" that a recorded server answered, or of all of them (``route`` is empty).

    ``failures``: status 500 and above, or no answer. ``latency``: seconds inside the application by "mean", "p50", and
    "p95" and "p99" where there are enough requests. ``queue_seconds``: mean time before, in which the request waited
    for the server; ``answer_bytes``: mean size; both None where not measured.
    """

    route: str
    requests: int
    failures: int
    per_second: float
    latency: dict[str, float]
    queue_seconds: float | None
    answer_bytes: float | None


@dataclass(frozen=True)
class CacheUse:
    """What ``functools.lru_cache`` counted for a function of the user's, over all processes."""

    function: str
    file: str
    line: int
    hits: int
    misses: int


@dataclass(frozen=True)
class ServedUse:
    """The service that was recorded: ``processes``, and its ``routes``, the first of which are all together.

    ``at_once``: requests inside, as counted whenever one arrives; ``at_once_by_law``: rate times latency (Little's
    law). They differ if requests come in bursts, or together: many clients that wait for each other's turn.
    ``batch_rows``: mean rows of a call of the model; ``batch_share``: of the requests that were inside at the call.
    ``repeat_share``: requests that the same process had answered before. None: not measured.
    """

    processes: int
    seconds: float
    routes: tuple[RouteUse, ...]
    at_once: float
    at_once_by_law: float
    batch_rows: float | None = None
    batch_share: float | None = None
    repeat_share: float | None = None
    caches: tuple[CacheUse, ...] = ()


@dataclass(frozen=True)
class WhatIf:
    """A served model in another way, measured on a copy with recorded inputs; None: not known.

    ``seconds``: of a call. ``ratio``, ``ratio_low``, ``ratio_high``: its time per row by that of the model as it is.
    ``size_bytes``: of the weights. ``max_drift``: the largest difference of an output; ``relative_drift``: by the
    largest output; ``agreement``: share of rows whose largest output stays the same one. ``how``: as code.
    """

    name: str
    threads: int
    rows: int
    seconds: float
    ratio: float
    ratio_low: float
    ratio_high: float
    size_bytes: int
    max_drift: float | None
    relative_drift: float | None
    agreement: float | None
    how: str
    compile_seconds: float | None


@dataclass(frozen=True)
class WhatIfUse:
    """The served model as it is, measured on a copy, and ``variants``. ``left_out``: name -> why, as a clause."""

    model: str
    file: str
    line: int
    inputs: int
    rows: int
    threads: int
    seconds: float
    size_bytes: int
    dtype: str
    linear_share: float | None
    repeatable: bool
    variants: tuple[WhatIf, ...]
    left_out: dict[str, str]


@dataclass(frozen=True)
class GpuEnergy:
    """``joules`` that one accelerator of the run used; None: it reports neither energy nor power.

    ``whole_gpu``: the run used a MIG slice, and the figure is the whole GPU's. ``shared``: other programs used it too,
    and their energy is in the figure; None: not known.
    """

    index: int
    name: str
    joules: float | None
    basis: str | None
    whole_gpu: bool
    shared: bool | None


@dataclass(frozen=True)
class Energy:
    """What the accelerators that the run used have used in ``seconds``; None: not measured, never 0.

    ``basis``: "counter" (of the accelerator), "power" (an estimate from samples of the power), or "not-measured", with
    the ``reason``. ``joules_per_step``: of all of them during one step; ``joules_per_sample``: of that, by batch size.
    """

    joules: float | None = None
    joules_per_step: float | None = None
    joules_per_sample: float | None = None
    seconds: float | None = None
    basis: str = "not-measured"
    reason: str = ""
    gpus: tuple[GpuEnergy, ...] = ()


@dataclass(frozen=True)
class Overhead:
    """The overhead of recording: CPU ``seconds`` of all processes, and the same as a ``share`` of the wall time.

    ``phases_us``: CPU microseconds of the hooks per step; None if the cost of one hook was not measured.
    ``one_step_in``: one step in this many was recorded in full; the phases of the others are estimates.
    """

    seconds: float | None
    share: float | None
    phases_us: float | None
    sampler_share: float
    dropped_records: int
    one_step_in: int = 1


@dataclass(frozen=True)
class Bar:
    """One bar of the timeline: seconds from run start, ``track`` e.g. "rank 0", "worker 1", "requests"."""

    track: str
    phase: str
    start: float
    seconds: float


@dataclass(frozen=True)
class StackNode:
    """Call-tree node: ``seconds`` inclusive, ``blocked_seconds`` of them waiting.

    ``skipped``: number of library calls left out between its caller and this node.
    """

    function: str
    file: str
    line: int
    seconds: float
    children: tuple[StackNode, ...] = ()
    skipped: int = 0
    blocked_seconds: float = 0.0


@dataclass(frozen=True)
class ThreadCalls:
    """The call tree of one thread; ``process`` and ``thread`` are its names."""

    process: str
    thread: str
    calls: tuple[StackNode, ...]


@dataclass(frozen=True)
class Series:
    """A curve for the report: ``x`` seconds from run start, ``y`` in ``unit``."""

    name: str
    unit: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class KernelUse:
    """One kernel, copy or collective, on all traced devices; ``kind``: as in the table ``device``. ``share``: of all
    their work."""

    name: str
    kind: str
    count: int
    seconds: float
    longest_seconds: float
    share: float


@dataclass(frozen=True)
class View:
    """What the reports draw; at most 2,000 bars.

    ``calls``: the main thread. ``threads``: the other threads, longest running first. ``more_threads``: number of
    threads left out. ``kernels``: of traced devices, those with most time first; ``more_kernels``: left out.
    """

    bars: tuple[Bar, ...] = ()
    calls: tuple[StackNode, ...] = ()
    series: tuple[Series, ...] = ()
    threads: tuple[ThreadCalls, ...] = ()
    more_threads: int = 0
    kernels: tuple[KernelUse, ...] = ()
    more_kernels: int = 0


@dataclass(frozen=True)
class RunFacts:
    """``exit_code`` as a shell reports it; ``steps``: training or inference steps of all ranks."""

    command: str
    exit_code: int | None
    wall_seconds: float
    host: str
    ranks: int
    steps: int
    requests: int
    cores: float
    started: str  # ISO 8601 with zone
    python: str
    versions: dict[str, str] = field(default_factory=dict)
    gpus: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # what was not measured and why, in whole sentences
    named_share: float = 0.0  # share of the wall time that is attributed to a phase
    finished: bool = True  # False: the program was still running when the recording ended


@dataclass(frozen=True)
class Diagnosis:
    """Ranked findings, plan, breakdown and checks; ``headline`` is one sentence."""

    run: RunFacts
    breakdown: tuple[PhaseShare, ...]
    headline: str
    findings: tuple[Ranked, ...]
    also_noticed: tuple[Ranked, ...]
    checked: tuple[Checked, ...]
    plan: tuple[PlanStep, ...]
    overhead: Overhead
    devices: tuple[DeviceUse, ...] = ()
    servers: tuple[ServerUse, ...] = ()
    load: tuple[LoadUse, ...] = ()
    load_tests: tuple[LoadTested, ...] = ()  # of `bottleneck load`, the oldest first
    served: ServedUse | None = None
    what_ifs: WhatIfUse | None = None  # None: no model was copied and measured
    energy: Energy = field(default_factory=Energy)
    size: Size = field(default_factory=Size)
    cost: Cost | None = None  # None: no price was given
    view: View = field(default_factory=View)
    verdict: str = "fine"  # or "findings", "unexplained", "too short to judge", "nothing to judge", "nothing recorded"
