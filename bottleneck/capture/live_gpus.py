"""All GPUs of this machine at one moment, and who uses them."""

from __future__ import annotations

import math
from collections.abc import Set
from dataclasses import dataclass
from typing import Any

import psutil

from ..collectors.host.nvml import GpuSampler, Holder, Reason

_NO_GPUS: dict[Reason, str] = {
    "no-library": "NVML is not installed here",
    "no-driver": "the NVIDIA driver is not running",
    "no-device": "NVML finds none",
    "no-permission": "NVML may not be used by this user",
    "driver-mismatch": "NVML and the driver have different versions",
    "lost": "NVML has lost every one",
}


@dataclass(frozen=True)
class GpuUser:
    """A process on a GPU. ``recorded``: by us; ``name``: of its program, "" if it cannot be seen from here."""

    pid: int
    name: str
    memory_bytes: int | None
    recorded: bool


@dataclass(frozen=True)
class GpuNow:
    """A GPU, or a MIG slice of the GPU with the UUID ``slice_of``; None: the driver does not say.

    ``id``: the number of the GPU in bus order, "1:0" for its first slice. ``partitioned``: it has MIG slices.
    ``users``: the processes on it; several share its time.
    """

    id: str
    uuid: str
    name: str
    slice_of: str
    partitioned: bool
    utilization_share: float | None
    memory_used_bytes: int | None
    memory_total_bytes: int | None
    power_watts: float | None
    power_limit_watts: float | None
    sm_clock_hz: float | None
    sm_clock_max_hz: float | None
    temperature_celsius: float | None
    users: list[GpuUser] | None


class LiveGpus:
    """``look()`` as often as you like, then ``close()``."""

    def __init__(self) -> None:
        self._sampler = GpuSampler(every=True)

    @property
    def problem(self) -> str:
        """Why there are none, in a sentence."""
        why = _NO_GPUS.get(self._sampler.reason) or self._sampler.detail or self._sampler.reason
        return f"GPUs are not shown: {why}."

    def look(self, recorded: Set[int]) -> list[GpuNow]:
        """Every GPU that answers, each followed by its MIG slices. ``recorded``: the pids of our processes."""
        rows = {int(row["index"]): row for row in self._sampler.sample()}
        if not rows:
            return []
        holders, facts = self._sampler.holders(), self._sampler.facts()
        partitioned = {fact["slice_of"] for fact in facts}
        return [
            _gpu(known_as, fact, rows[fact["index"]], _users(holders[fact["index"]], recorded), partitioned)
            for known_as, fact in zip(_ids(facts), facts, strict=True)
            if fact["index"] in rows
        ]

    def close(self) -> None:
        """Close NVML."""
        self._sampler.close()


def _ids(facts: list[dict[str, Any]]) -> list[str]:
    """The number of each GPU, and of each slice behind that of its GPU: "0", "1", "1:0", "1:1"."""
    found: list[str] = []
    gpu, part = -1, -1
    for fact in facts:
        gpu, part = (gpu, part + 1) if fact["slice_of"] else (gpu + 1, -1)
        found.append(f"{gpu}:{part}" if fact["slice_of"] else f"{gpu}")
    return found


def _users(holders: list[Holder] | None, recorded: Set[int]) -> list[GpuUser] | None:
    return None if holders is None else [GpuUser(pid, _program(pid), held, pid in recorded) for pid, held in holders]


def _gpu(
    known_as: str,
    fact: dict[str, Any],
    row: dict[str, float | int],
    users: list[GpuUser] | None,
    partitioned: Set[str],
) -> GpuNow:
    def number(column: str) -> float | None:
        value = row[column]
        return None if math.isnan(value) else value

    def count(column: str) -> int | None:
        value = number(column)
        return None if value is None else int(value)

    return GpuNow(
        id=known_as,
        uuid=fact["uuid"],
        name=fact["name"],
        slice_of=fact["slice_of"],
        partitioned=fact["uuid"] in partitioned,
        utilization_share=number("utilization"),
        memory_used_bytes=count("memory_used_bytes"),
        memory_total_bytes=count("memory_total_bytes"),
        power_watts=number("power_watts"),
        power_limit_watts=number("power_limit_watts"),
        sm_clock_hz=number("sm_clock_hz"),
        sm_clock_max_hz=number("sm_clock_max_hz"),
        temperature_celsius=number("temperature_celsius"),
        users=users,
    )


def _program(pid: int) -> str:
    try:
        return str(psutil.Process(pid).name())
    except psutil.Error:
        return ""
