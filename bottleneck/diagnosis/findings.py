"""What a detector can say: Finding(s), Evidence, Gain, Fix, Location, and the outcomes of a check."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Basis = Literal["run", "step", "p99", "capacity"]
Stage = Literal["etl", "data loading", "training", "serving", "machine"]
Severity = Literal["critical", "warning", "info"]
Effort = Literal[1, 2, 4, 8]

#: CPU of a batch through a worker queue, sender and receiver together: pickling, shared memory, pipe, wake-ups.
#: Measured: 0.7 to 1.0 ms below 0.3 MB, 5 ms at 3 MB; 1.6 to 1.9 ms in real loops. Batch sizes are not recorded.
QUEUE_SECONDS = 0.0016


def is_cell(file: str) -> bool:
    """Whether this is a notebook's cell, which the recording calls "cell [2]", and no file."""
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
    terms, 0.6 local probe, 0.4 published factor, 0.2 rule of thumb. ``ceiling``: only the most that can go is known,
    and no law says how much of it does.
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


@dataclass(frozen=True)
class Arguments:
    """A change of one call's arguments: ``values`` is keyword -> its value as Python source.

    ``function`` as its library names it (``pandas.read_csv``); the call's name stands in this line of the file.
    ``gone``: columns of a table that this leaves out.
    """

    file: str
    line: int
    function: str
    values: dict[str, str]
    gone: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Cadence:
    """A change of the N in the ``step % N == 0`` that a line waits for: ``factor`` times as much, ``most`` at most."""

    file: str
    line: int
    factor: int
    most: int


@dataclass(frozen=True)
class Fix:
    """What to change. ``snippet`` is code to paste; ``risk`` 0 none .. 0.5 changes what the program means.

    ``edit``: the same change as data, where it is mechanical; ``patch``: what that makes of the user's file, as a
    unified diff. Detectors read no files: they give the edit, and ``patching`` the patch.
    """

    summary: str
    snippet: str
    effort: Effort
    risk: float = 0.0
    patch: str | None = None
    edit: Arguments | Cadence | None = None  # for the patch; no report shows it


@dataclass(frozen=True)
class StepModel:
    """Terms of the pipeline law, seconds per step: C work, L load, their CPU parts, and the cores to be had.

    ``queue_seconds``: CPU of one batch on its way through a worker queue, both ends. ``own_crowding_factor``: how much
    longer the work takes because the program's own processes want the same cores. ``workers``, ``steps``: of this run.
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
    """What a fix changes in the step model ``of``: seconds per step added to its terms, or taken away where negative.

    ``workers``: the number to set, None to leave it.
    """

    of: StepModel
    work_seconds: float = 0.0
    work_cpu_seconds: float = 0.0
    load_seconds: float = 0.0
    load_cpu_seconds: float = 0.0
    workers: int | None = None


@dataclass(frozen=True)
class Finding:
    """One problem worth acting on. ``changes`` tells the plan what the fix does to the steps; ``removes``, which part
    of the run it takes away where that is all: phase name -> seconds of the run. ``exhaustion_seconds``: time until
    the run would end by itself (memory), for findings without a time gain; ``headroom_share``: of the memory, what is
    left before it ends, where it does not grow with time. ``hint``: true, but no fault of the user's
    code: it is shown aside, never ranks, and leaves a run healthy."""

    detector: str
    title: str
    stage: Stage
    evidence: tuple[Evidence, ...]
    fix: Fix
    location: Location | None = None
    gain: Gain | None = None
    detected_by: float = 1.0  # c_detect: 1.0 decisive discriminator seen, 0.6 symptom only
    after: str = ""  # a clause: what the bottleneck is once this is applied
    removes: dict[str, float] = field(default_factory=dict)
    exhaustion_seconds: float | None = None
    headroom_share: float | None = None
    hint: bool = False
    changes: Changes | None = None  # for the plan; no report shows it
    explains: tuple[str, ...] = ()  # parents that this finding silences, besides those of its detector
    general: bool = False  # a detector that knows the library better has precedence at the same line


@dataclass(frozen=True)
class Findings:
    """Several problems that one detector tells apart, each under an id of its own; at least one."""

    all: tuple[Finding, ...]


@dataclass(frozen=True)
class Fine:
    """Looked at, nothing wrong: the measured value against the threshold, in ``unit``."""

    value: float | None
    threshold: float | None
    unit: str = ""
    reason: str = ""


@dataclass(frozen=True)
class NotApplicable:
    """The program has nothing of the kind that is judged (no workers, no loader); ``reason`` names it."""

    reason: str


@dataclass(frozen=True)
class NotMeasured:
    """A signal is missing, or there is too little of it to tell; ``reason`` names it. Never fine, never a zero."""

    reason: str


Outcome = Finding | Findings | Fine | NotApplicable | NotMeasured
