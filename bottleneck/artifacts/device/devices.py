"""What each traced device did: busy and idle, computing, copying and communicating. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ... import signals
from ...recording.facts import DeviceTrace, DeviceWindow
from ...recording.model import DEVICE_KINDS, Recording, Table
from .. import Missing
from ..run.breakdown import Spans, seconds_of, spans_of, union
from .window import overlap

_COPIES = {"h2d": "memcpy_h2d", "d2h": "memcpy_d2h", "d2d": "memcpy_d2d"}
_WORK = DEVICE_KINDS[: DEVICE_KINDS.index("launch")]


@dataclass(frozen=True)
class TracedDevice:
    """One device as one process used it. Shares are of ``window_seconds``; None: not known.

    ``window_seconds``: the traced steps, without marks of steps the whole trace. ``exposed_communication_seconds``:
    communication while no other kernel runs. ``sync_seconds``: host calls that wait for the device to finish.
    ``basis``: what the figures come from, "trace" (of another tool) or "window" (of ours).
    """

    host: str
    rank: int | None
    index: int
    name: str
    window_seconds: float
    busy_share: float
    idle_share: float
    compute_seconds: float
    copy_seconds: dict[str, float]
    communication_seconds: float
    exposed_communication_seconds: float
    sync_seconds: float
    data_wait_seconds: float | None
    steps: int | None
    step_seconds_median: float | None
    basis: str


@dataclass(frozen=True)
class Devices:
    """All traced devices, by rank and index."""

    devices: tuple[TracedDevice, ...]

    @classmethod
    def compute(cls, recording: Recording) -> Devices:
        """Raises Missing without a trace, or if no trace holds work of a device."""
        found = [
            use
            for process, window in recording.facts.of(DeviceWindow)
            if (trace := next(iter(recording.facts.of_process(DeviceTrace, process)), None)) is not None
            for use in _of_process(recording, process, window, trace)
        ]
        if not found:
            raise Missing("No work of a device was traced.")
        return cls(tuple(sorted(found, key=lambda use: (use.rank or 0, use.host, use.index))))


def _of_process(recording: Recording, process: int, window: DeviceWindow, trace: DeviceTrace) -> list[TracedDevice]:
    table = {name: column[recording.device["process"] == process] for name, column in recording.device.items()}
    begin, end = window.t0, window.t1
    if end <= begin:
        return []
    inside = (table["t1"] > begin) & (table["t0"] < end)
    facts = recording.facts.processes[process]
    steps = (recording.steps["process"] == process) & (recording.steps["t0"] >= begin) & (recording.steps["t1"] <= end)
    walls = (recording.steps["t1"] - recording.steps["t0"])[steps] / 1e9
    waits = recording.events
    waits = waits[(waits["process"] == process) & (waits["kind"] == signals.DATA_WAIT)]
    waited = _within(waits["t0"], waits["t1"], begin, end) if window.imported else None
    host_waits = inside & (table["kind"] == DEVICE_KINDS.index("sync"))
    found = []
    for index in np.unique(table["device"][inside & _are(table, *_WORK)]).tolist():
        mine = inside & (table["device"] == index)
        of = {kind: _spans(table, mine & _are(table, kind), begin, end) for kind in _WORK}
        busy = seconds_of(union(list(of.values())))
        hidden = float(overlap(of["collective"], of["kernel"]).sum()) / 1e9
        length = (end - begin) / 1e9
        found.append(
            TracedDevice(
                host=facts.host or recording.host_name,
                rank=facts.rank,
                index=int(index),
                name=trace.devices[index].name if 0 <= index < len(trace.devices) else "",
                window_seconds=length,
                busy_share=busy / length,
                idle_share=max(0.0, 1.0 - busy / length),
                compute_seconds=seconds_of(of["kernel"]),
                copy_seconds={name: seconds_of(of[kind]) for name, kind in _COPIES.items()},
                communication_seconds=seconds_of(of["collective"]),
                exposed_communication_seconds=seconds_of(of["collective"]) - hidden,
                sync_seconds=float((table["t1"] - table["t0"])[host_waits].sum()) / 1e9,
                data_wait_seconds=None if waited is None else seconds_of(waited),
                steps=len(walls) or None,
                step_seconds_median=float(np.median(walls)) if len(walls) else None,
                basis="trace" if window.imported else "window",
            )
        )
    return found


def _are(table: Table, *kinds: str) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = np.isin(table["kind"], [DEVICE_KINDS.index(kind) for kind in kinds])
    return found


def _spans(table: Table, rows: npt.NDArray[np.bool_], begin: int, end: int) -> Spans:
    return _within(table["t0"][rows], table["t1"][rows], begin, end)


def _within(t0: npt.NDArray[np.int64], t1: npt.NDArray[np.int64], begin: int, end: int) -> Spans:
    return union([spans_of(t0.clip(min=begin, max=end), t1.clip(min=begin, max=end))])
