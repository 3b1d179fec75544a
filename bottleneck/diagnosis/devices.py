"""What each traced device did: busy and idle, computing, copying and communicating. Pure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .. import signals
from ..artifacts.device.gpu import Gpu
from ..artifacts.device.timed import Timed
from ..artifacts.device.window import idle_by_cause
from ..artifacts.loading.carried import Carried
from ..recording.facts import DeviceTrace, DeviceWindow, ModelMoved
from ..recording.intervals import Spans, overlap, seconds_of, spans_of, union
from ..recording.model import DEVICE_KINDS, DEVICE_WORK, Recording, Table
from .model import DeviceUse

_COPIES = {"h2d": "memcpy_h2d", "d2h": "memcpy_d2h", "d2d": "memcpy_d2d"}


def device_uses(recording: Recording) -> tuple[DeviceUse, ...]:
    """Each traced device, by rank and index; none without a trace that holds work of a device."""
    found = [
        use
        for process, window in recording.facts.of(DeviceWindow)
        if (trace := next(iter(recording.facts.of_process(DeviceTrace, process)), None)) is not None
        for use in _of_process(recording, process, window, trace)
    ]
    return tuple(sorted(found, key=lambda use: (use.rank or 0, use.host, use.index)))


def _of_process(recording: Recording, process: int, window: DeviceWindow, trace: DeviceTrace) -> list[DeviceUse]:
    begin, end = window.t0, window.t1
    if end <= begin or not recording.device or process >= len(recording.facts.processes):
        return []
    table = {name: column[recording.device["process"] == process] for name, column in recording.device.items()}
    inside = (table["t1"] > begin) & (table["t0"] < end)
    facts = recording.facts.processes[process]
    steps = (recording.steps["process"] == process) & (recording.steps["t0"] >= begin) & (recording.steps["t1"] <= end)
    walls = (recording.steps["t1"] - recording.steps["t0"])[steps] / 1e9
    waits = recording.events
    waits = waits[(waits["process"] == process) & (waits["kind"] == signals.DATA_WAIT)]
    waited = _within(waits["t0"], waits["t1"], begin, end) if recording.imported and len(waits) else None
    host_waits = inside & _are(table, "sync")
    found = []
    for index in np.unique(table["device"][inside & _are(table, *DEVICE_WORK)]).tolist():
        mine = inside & (table["device"] == index)
        of = {kind: _spans(table, mine & _are(table, kind), begin, end) for kind in DEVICE_WORK}
        busy = seconds_of(union(list(of.values())))
        hidden = float(overlap(of["collective"], of["kernel"]).sum()) / 1e9
        length = (end - begin) / 1e9
        _, _, causes = idle_by_cause(table, index, begin, end, waiting_of(recording, process))
        found.append(
            DeviceUse(
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
                basis="trace" if recording.imported else "window",
                idle_seconds_by_cause=causes,
            )
        )
    return found


def waiting_of(recording: Recording, process: int) -> Spans:
    """When the loop of a process waited for data; in our own runs at the end of its steps, where it asks for it."""
    if recording.imported:
        events = recording.events
        events = events[(events["process"] == process) & (events["kind"] == signals.DATA_WAIT)]
        return union([spans_of(events["t0"], events["t1"])])
    mine = recording.steps["process"] == process
    ends, waited = recording.steps["t1"][mine], recording.steps["data_wait"][mine].astype("i8") * 1000
    return union([spans_of(ends - waited, ends)])


def timed_devices(
    recording: Recording, timed: Timed | None, gpu: Gpu | None, carried: Carried | None
) -> tuple[DeviceUse, ...]:
    """The device of a default run, as far as the marks of the timed steps show it, and those that the process uses
    beside it; none without any marks."""
    if timed is None:
        return ()
    facts = recording.facts.processes[timed.process]
    length = timed.steps * timed.step_seconds
    seen = {} if gpu is None else dict(zip(gpu.devices, gpu.utilization, strict=True))
    return (
        DeviceUse(
            host=facts.host or recording.host_name,
            rank=facts.rank,
            index=timed.index,
            name=timed.name,
            window_seconds=length,
            busy_share=1.0 - timed.idle_share,
            idle_share=timed.idle_share,
            compute_seconds=None,
            copy_seconds=None,
            communication_seconds=None,
            exposed_communication_seconds=None,
            sync_seconds=timed.waited_seconds * timed.steps,
            data_wait_seconds=timed.idle_seconds_by_cause["input"] * timed.steps,
            steps=timed.steps,
            step_seconds_median=timed.step_seconds,
            basis="events",
            idle_seconds_by_cause={cause: each * timed.steps for cause, each in timed.idle_seconds_by_cause.items()},
            kept_up_seconds=timed.kept_up_seconds * timed.steps,
            busy_at_least_share=min(1.0, timed.busy_seconds / timed.step_seconds),
            nvml_share=seen.get(timed.index),
            batch_bytes=None if carried is None else carried.batch_bytes,
            batch_pinned=None if carried is None else carried.pinned,
            copy_non_blocking=timed.copy_queued,
            model_bytes=_moved(recording, timed.process, timed.index),
        ),
        *(_untimed(recording, index, timed, seen) for index in timed.others),
    )


def _moved(recording: Recording, process: int, index: int) -> int | None:
    """Bytes of the models that were copied to a device; None where none was seen."""
    found = [fact.bytes for fact in recording.facts.of_process(ModelMoved, process) if fact.index == index]
    return sum(found) if found else None


def _untimed(recording: Recording, index: int, timed: Timed, seen: dict[int, float]) -> DeviceUse:
    """A device of which at most NVML says something."""
    facts = recording.facts.processes[timed.process]
    return DeviceUse(
        host=facts.host or recording.host_name,
        rank=facts.rank,
        index=index,
        name=timed.name,
        window_seconds=timed.steps * timed.step_seconds,
        busy_share=None,
        idle_share=None,
        compute_seconds=None,
        copy_seconds=None,
        communication_seconds=None,
        exposed_communication_seconds=None,
        sync_seconds=None,
        data_wait_seconds=None,
        steps=None,
        step_seconds_median=None,
        basis="nvml" if index in seen else "not-measured",
        nvml_share=seen.get(index),
        model_bytes=_moved(recording, timed.process, index),
    )


_DOES = {"compute": "computes", "h2d": "copies from the host", "d2h": "copies to the host",
         "d2d": "copies within or between devices", "communication": "communicates", "idle": "is idle"}  # fmt: skip


def largest_use(devices: tuple[DeviceUse, ...]) -> str:
    """What the device with the longest window does most of it: "GPU 0 copies from the host for 95 % of 969 ms"."""
    if not devices:
        return ""
    use = max(devices, key=lambda each: (each.window_seconds, -each.index))
    seconds = {
        "compute": use.compute_seconds or 0.0,
        **(use.copy_seconds or {}),
        "communication": use.exposed_communication_seconds or 0.0,
        "idle": (use.idle_share or 0.0) * use.window_seconds,
    }
    most = max(seconds, key=lambda name: seconds[name])
    share = min(1.0, seconds[most] / max(use.window_seconds, 1e-9))
    window = f"{use.window_seconds:.1f} s" if use.window_seconds >= 10 else f"{use.window_seconds * 1e3:.4g} ms"
    return f"GPU {use.index} {_DOES[most]} for {100 * share:.0f} % of {window}"


def _are(table: Table, *kinds: str) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = np.isin(table["kind"], [DEVICE_KINDS.index(kind) for kind in kinds])
    return found


def _spans(table: Table, rows: npt.NDArray[np.bool_], begin: int, end: int) -> Spans:
    return _within(table["t0"][rows], table["t1"][rows], begin, end)


def _within(t0: npt.NDArray[np.int64], t1: npt.NDArray[np.int64], begin: int, end: int) -> Spans:
    return union([spans_of(t0.clip(min=begin, max=end), t1.clip(min=begin, max=end))])
