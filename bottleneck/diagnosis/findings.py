"""The results a detector can return: Finding(s) with Evidence, Gain, Fix and Location, and the other outcomes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .schedule import ScheduleChanges

Basis = Literal["run", "step", "p99", "capacity"]
TrialBasis = Literal["step", "pace", "run"]
Stage = Literal["etl", "data loading", "training", "serving", "machine"]
Severity = Literal["critical", "warning", "info"]
Effort = Literal[1, 2, 4, 8]

#: CPU of a batch through a worker queue, sender and receiver together: pickling, shared memory, pipe, wake-ups.
#: Measured: 0.7 to 1.0 ms below 0.3 MB, 5 ms at 3 MB; 1.6 to 1.9 ms in real loops. Batch sizes are not recorded.
QUEUE_SECONDS = 0.0016


def is_cell(file: str) -> bool:
    """Whether this is a notebook cell (named "cell [2]" in the recording) and not a file."""
    return file.startswith("cell [")


@dataclass(frozen=True)
class Location:
    """A line of the user's code; as text ``train.py:41``, or ``cell [2], line 3`` in a notebook."""

    file: str
    line: int
    function: str = ""

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}" if is_cell(self.file) else f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Evidence:
    """One measured number. ``unit``: s, share (0 to 1), B, B/s, count, 1/s, cores, or "" for text."""

    label: str
    value: float | int | str
    unit: str = ""


@dataclass(frozen=True)
class Gain:
    """Predicted saving; ``share``, ``low`` (P10) and ``high`` (P90) are shares of ``basis``.

    ``step_share`` is the same saving as a share of the typical step. ``seconds`` is wall time saved in
    this run (0 when the basis is p99 or capacity). ``method`` is one sentence: the law and its terms.
    ``confidence`` is c_predict of the catalogue: 0.95 counterfactual measured, 0.8 model with measured
    terms, 0.6 local probe, 0.4 published factor, 0.2 rule of thumb. ``ceiling``: the gain is only an upper bound; no
    law predicts how much of it the fix saves. ``whose``: what a capacity is of; a cluster has jobs instead of steps.
    """

    share: float
    low: float
    high: float
    seconds: float
    method: str
    basis: Basis = "run"
    step_share: float | None = None
    confidence: float = 0.8
    ceiling: bool = False
    whose: Literal["server", "cluster"] = "server"


@dataclass(frozen=True)
class Obtained:
    """The saving that `bottleneck try` measured, with its 95 % interval, as shares of what ``basis`` names.

    ``basis``: step, pace (the time per step, pauses between steps included) or run.
    """

    share: float
    low: float
    high: float
    basis: TrialBasis


@dataclass(frozen=True)
class Arguments:
    """A change of one call's arguments: ``values`` is keyword -> its value as Python source.

    ``function``: the library's full name (``pandas.read_csv``); the line in the file contains the name of the call.
    ``gone``: table columns that the change no longer reads.
    """

    file: str
    line: int
    function: str
    values: dict[str, str]
    gone: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Cadence:
    """A change of N in the ``step % N == 0`` that guards a line: multiplied by ``factor``, at most ``most``."""

    file: str
    line: int
    factor: int
    most: int


@dataclass(frozen=True)
class Fix:
    """What to change. ``snippet``: code to paste. ``risk``: from 0 (none) to 0.5 (changes the program's results).

    ``edit``: the same change as data, if it is mechanical. ``patch``: the edit applied to the user's file, as a unified
    diff. Detectors read no files: they return the edit, and ``patching`` makes the patch.
    """

    summary: str
    snippet: str
    effort: Effort
    risk: float = 0.0
    patch: str | None = None
    edit: Arguments | Cadence | None = None  # for the patch; no report shows it


@dataclass(frozen=True)
class StepModel:
    """Terms of the pipeline law in seconds per step: work C, load L, the CPU part of each; and the available cores.

    ``queue_seconds``: CPU time to send one batch through a worker queue, both ends. ``own_crowding_factor``: slowdown
    of the work because the program's own processes compete for cores. ``workers``, ``steps``: measured in this run.
    """

    work_seconds: float
    load_seconds: float
    load_cpu_seconds: float
    work_cpu_seconds: float
    cores: float
    queue_seconds: float = QUEUE_SECONDS
    workers: int = 0
    steps: int = 0
    own_crowding_factor: float = 1.0


@dataclass(frozen=True)
class Changes:
    """What a fix changes in the step model ``of``: seconds per step to add to each term (negative: to subtract).

    ``workers``: the number to set; None leaves it unchanged.
    """

    of: StepModel
    work_seconds: float = 0.0
    work_cpu_seconds: float = 0.0
    load_seconds: float = 0.0
    load_cpu_seconds: float = 0.0
    workers: int | None = None


@dataclass(frozen=True)
class QueueChange:
    """What a fix changes in the queue of a server, at what sets its capacity.

    "shorter": each request keeps its place for the gain's share less; "skipped": that share of the requests needs
    none; "places": there are ``factor`` times as many, on more cores; "threads": the same within the process, on its
    cores; "batched": up to ``factor`` requests share one place.
    """

    kind: Literal["shorter", "skipped", "places", "threads", "batched"]
    factor: float = 1.0


@dataclass(frozen=True)
class Finding:
    """One problem worth acting on. ``changes``: the effect of the fix on the steps, for the plan. ``removes``: phase
    name -> seconds of the run, for a fix that only removes time. For findings without a time gain,
    ``exhaustion_seconds``: time until the run dies (out of memory); ``headroom_share``: share of memory that is free
    at the peak, if usage does not grow with time. ``hint``: true but not a fault in the user's code; it is shown
    separately, never ranked, and the run still counts as healthy. ``obtained``: what a trial of the fix saved."""

    detector: str
    title: str
    stage: Stage
    evidence: tuple[Evidence, ...]
    fix: Fix
    location: Location | None = None
    gain: Gain | None = None
    detected_by: float = 1.0  # c_detect: 1.0 decisive discriminator seen, 0.6 symptom only
    after: str = ""  # a clause: the bottleneck after this fix
    removes: dict[str, float] = field(default_factory=dict)
    exhaustion_seconds: float | None = None
    headroom_share: float | None = None
    hint: bool = False
    changes: Changes | None = None  # for the plan; no report shows it
    replay: ScheduleChanges | None = None  # the same for the stages of a Spark application
    queue: QueueChange | None = None  # the same for the requests of a server, under load
    explains: tuple[str, ...] = ()  # parents that this finding silences, in addition to its detector's
    general: bool = False  # a more specific detector takes precedence at the same line
    obtained: Obtained | None = None


@dataclass(frozen=True)
class Findings:
    """One or more problems from a single detector, each with a separate id."""

    all: tuple[Finding, ...]


@dataclass(frozen=True)
class Fine:
    """Checked and fine: the measured value and the threshold, in ``unit``."""

    value: float | None
    threshold: float | None
    unit: str = ""
    reason: str = ""


@dataclass(frozen=True)
class NotApplicable:
    """The program does not have what the detector judges (no workers, no loader); ``reason`` names it."""

    reason: str


@dataclass(frozen=True)
class NotMeasured:
    """A signal is missing or too short to judge; ``reason`` names it. Never report this as fine or as zero.

    ``suspect``: what may hold much of the run all the same, as a clause; "" without a suspicion.
    """

    reason: str
    suspect: str = ""


Outcome = Finding | Findings | Fine | NotApplicable | NotMeasured
