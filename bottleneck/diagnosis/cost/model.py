"""What the diagnosis says about money, and about the size of the machine. Amounts are in the currency of the prices."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class FewerCores:
    """The time on so few cores, in times of the time on this machine's: expected, and between which bounds.

    ``step_seconds``: the typical step then; None without steps.
    """

    cores: int
    factor: float
    low: float
    high: float
    step_seconds: float | None


@dataclass(frozen=True)
class Size:
    """What the run needed of its machine at its peak, and what would do with 20 % of head-room.

    ``*_have``: of this machine (of the fullest device); ``*_peak``; ``*_enough``: the peak with head-room, None where
    the peak was not measured. ``cores_per_accelerator``: that keep the steps supplied by the pipeline law, of
    ``cores_per_accelerator_have``. ``fewer_cores``: what they would cost. ``missing``: why a peak is not known.
    """

    cores_have: float | None = None
    cores_peak: float | None = None
    cores_enough: int | None = None
    memory_have: float | None = None
    memory_peak: float | None = None
    memory_enough: float | None = None
    device_memory_have: float | None = None
    device_memory_peak: float | None = None
    device_memory_enough: float | None = None
    cores_per_accelerator: float | None = None
    cores_per_accelerator_have: float | None = None
    fewer_cores: tuple[FewerCores, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class FindingCost:
    """What a finding costs: of this run, with a range, and of each hour of such a run.

    ``capacity``: the fix makes the run no shorter, but fewer servers are enough for the same requests.
    """

    detector: str
    amount: float
    low: float
    high: float
    per_hour: float
    capacity: bool = False
    location: str = ""


@dataclass(frozen=True)
class IdleCost:
    """Money paid for ``what`` ("accelerators" or "cores") while it was idle, and why it was."""

    what: str
    cause: str
    seconds: float
    amount: float


@dataclass(frozen=True)
class RequestCost:
    """What 1,000 requests (or 1,000,000 tokens, None if they are not counted) cost at a rate.

    ``at``: "this run", "this watch", "knee" or "highest throughput" of a load test.
    """

    at: str
    requests_per_second: float | None
    per_1000_requests: float | None
    per_million_tokens: float | None = None


@dataclass(frozen=True)
class SpotCost:
    """A machine that may be taken away every ``hours_between``, by Daly's law.

    ``interval_seconds``: the best time between two checkpoints; ``factor``: time with it, in times of the time without
    checkpoints and interruptions; ``factor_now``: the same with the interval of this run, None if it saved once.
    ``pays_below_share``: of the price of a machine that stays; ``pays_below_per_hour``: that price.
    ``saves_per_hour``: by the user's price of such a machine, of an hour of the run as it is now.
    """

    hours_between: float
    interval_seconds: float
    factor: float
    factor_now: float | None
    pays_below_share: float
    pays_below_per_hour: float
    saves_per_hour: float | None = None


@dataclass(frozen=True)
class StorageCost:
    """``bytes`` of ``what`` ("checkpoints", "other files" that were written, "data set" that was read).

    ``per_month``: tier -> what keeping all of them for a month costs. ``bytes_per_month``: if runs like this followed
    each other for a month; None for what is not written.
    """

    what: str
    bytes: float
    bytes_per_month: float | None
    per_month: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Cost:
    """Money. ``per_hour``: of all ``machines`` of the run; ``assumption``: where the price comes from, unless the user
    gave it. ``run``: what this run cost; ``saved``: of that, by all fixes of the plan.

    ``smaller_per_hour``: of a machine as large as ``Size`` advises; None if no price of its parts is known.
    """

    per_hour: float
    currency: str
    assumption: str
    machines: int
    run: float
    saved: float
    findings: tuple[FindingCost, ...] = ()
    idle: tuple[IdleCost, ...] = ()
    requests: tuple[RequestCost, ...] = ()
    spot: tuple[SpotCost, ...] = ()
    storage: tuple[StorageCost, ...] = ()
    smaller_per_hour: float | None = None
