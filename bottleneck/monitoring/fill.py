"""Puts the samples of a source into a recording, where it measured nothing. What was measured stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..recording.model import Recording, Table
from .samples import Floats, HostSamples, NoSamples, Samples, Times

_WORDS = {
    "idle_cores": "idle cores", "iowait_cores": "cores that wait for the disk", "other_cores": "other programs' cores",
    "memory_available_bytes": "available memory", "swap_in_bytes_total": "swapping",
    "utilization": "utilization", "memory_used_bytes": "memory", "power_watts": "power",
    "energy_joules_total": "energy", "sm_clock_hz": "clock", "temperature_celsius": "temperature",
}  # fmt: skip
Ints = npt.NDArray[np.int64]


def fill(recording: Recording, samples: Samples) -> Recording:
    """The recording with what it lacks, and notes on where that comes from. Raises NoSamples if it gains nothing."""
    notes: list[str] = []
    host, gpu, run = recording.host, recording.gpu, dict(recording.run)
    if samples.host is not None:
        host, added = _host(recording, samples.host)
        if added:
            notes.append(f"Not measured in the run, but by {samples.host.source}: {_named(added)}.")
    if samples.devices:
        gpu, added = _devices(recording, samples)
        if added:
            notes.append(f"Not measured in the run, but by {samples.devices[0].source}: {_named(added)} of the GPUs.")
        if added and not run.get("gpus"):
            run["gpus"] = [{"index": each.index, "name": each.name, "uuid": each.uuid} for each in samples.devices]
    if not notes:
        raise NoSamples("has nothing that this run did not measure itself, or no sample from its time")
    run["notes"] = [*run.get("notes", ()), *notes]
    return replace(recording, run=run, host=host, gpu=gpu)


def _named(columns: list[str]) -> str:
    return ", ".join(words for column, words in _WORDS.items() if column in columns)


def _monotonic(recording: Recording, times: Times) -> Ints:
    """On the run's clock."""
    found: Ints = times - int(recording.run.get("started_wall_ns", 0)) + recording.started_ns
    return found


def _host(recording: Recording, samples: HostSamples) -> tuple[Table, list[str]]:
    """(the table with more columns, their names)."""
    times = _monotonic(recording, samples.times)
    inside = (times >= recording.started_ns) & (times <= recording.ended_ns)
    if not inside.any():
        return recording.host, []
    columns = dict(samples.columns)
    busy_share, idle_share = columns.pop("busy_share", None), columns.pop("idle_share", None)
    cores = recording.run.get("machine", {}).get("cores") or samples.cores
    whole = samples.cores or cores
    if cores and whole and idle_share is not None:
        columns["idle_cores"] = np.minimum(idle_share * whole, cores)  # of those that the run may use
    ours = _known(recording.host, "busy_cores")
    if cores and whole and busy_share is not None and ours is not None:
        own = np.interp(times, recording.host["time_ns"][~np.isnan(ours)], ours[~np.isnan(ours)])
        columns["other_cores"] = np.clip(busy_share * whole - own, 0.0, cores)
    if not len(recording.host.get("time_ns", ())):
        kept = {name: values[inside] for name, values in columns.items() if not np.isnan(values[inside]).all()}
        return {"time_ns": times[inside], **kept}, list(kept)
    added = {
        name: _at(recording.host["time_ns"], times, values)
        for name, values in columns.items()
        if _known(recording.host, name) is None
    }
    added = {name: values for name, values in added.items() if not np.isnan(values).all()}
    return {**recording.host, **added}, list(added)


def _devices(recording: Recording, samples: Samples) -> tuple[Table, list[str]]:
    """(the table with more columns or rows, the columns that are new)."""
    table = recording.gpu
    names = list(dict.fromkeys(name for each in samples.devices for name in each.columns))
    new = [name for name in names if _known(table, name) is None]
    if len(table.get("time_ns", ())):
        added = {name: np.full(len(table["time_ns"]), np.nan) for name in new}
        for each in samples.devices:
            mine = table["index"] == each.index
            for name in set(new) & set(each.columns):
                added[name][mine] = _at(table["time_ns"][mine], _monotonic(recording, each.times), each.columns[name])
        added = {name: values for name, values in added.items() if not np.isnan(values).all()}
        return {**table, **added}, list(added)
    times, index, columns = list[Ints](), list[Ints](), {name: list[Floats]() for name in names}
    for each in samples.devices:
        at = _monotonic(recording, each.times)
        inside = (at >= recording.started_ns) & (at <= recording.ended_ns)
        times.append(at[inside])
        index.append(np.full(int(inside.sum()), each.index, np.int64))
        for name in names:
            columns[name].append(each.columns.get(name, np.full(len(at), np.nan))[inside])
    made: Table = {"time_ns": np.concatenate(times), "index": np.concatenate(index)}
    if not len(made["time_ns"]):
        return table, []
    made |= {name: np.concatenate(parts) for name, parts in columns.items()}
    return made, [name for name in names if not np.isnan(made[name]).all()]


def _known(table: Table, name: str) -> Floats | None:
    """A column that was measured at least once."""
    values = table.get(name)
    if values is None or not len(values):
        return None
    found = np.asarray(values, float)
    return None if np.isnan(found).all() else found


def _at(wanted: Ints, times: Ints, values: Floats) -> Floats:
    """The values between the first and the last sample; elsewhere nothing is known."""
    use = ~np.isnan(values)
    if not use.any():
        return np.full(len(wanted), np.nan)
    found: Floats = np.interp(wanted, times[use], values[use], left=np.nan, right=np.nan)
    return found
