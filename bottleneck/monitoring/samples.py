"""What a source gives: columns over wall-clock time, named as in the tables ``host`` and ``gpu`` of a recording."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]  # wall-clock nanoseconds


class NoSamples(Exception):
    """The source has nothing to give; the text says why, as the end of a sentence that begins with its name."""


@dataclass(frozen=True, eq=False)
class HostSamples:
    """Of the whole machine. ``idle_share``: of its cores, since the sample before."""

    source: str
    times: Times
    columns: dict[str, Floats]
    cores: float | None = None


@dataclass(frozen=True, eq=False)
class DeviceSamples:
    """Of one GPU."""

    source: str
    index: int
    name: str
    uuid: str
    times: Times
    columns: dict[str, Floats]


@dataclass(frozen=True, eq=False)
class Samples:
    """``host``: None if the source has none of the machine."""

    host: HostSamples | None = None
    devices: tuple[DeviceSamples, ...] = field(default=())
