"""Samples of a file that ``aws cloudwatch get-metric-data`` wrote: of EC2 itself and of the CloudWatch agent.

Which metric a result is of, its label says (by default, CloudWatch writes the metric's name there), else its id.
"""

from __future__ import annotations

import datetime
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from ..files import reason
from .samples import DeviceSamples, Floats, HostSamples, NoSamples, Samples, Times

_MAX_BYTES = 64 << 20
#: Metric -> (column, factor to its unit). Shares and used memory are turned around below.
_HOST = {
    "cpuutilization": ("busy_share", 0.01),
    "cpu_usage_idle": ("idle_share", 0.01),
    "mem_available": ("memory_available_bytes", 1.0),
}
_GPU = {
    "utilization_gpu": ("utilization", 0.01),
    "memory_used": ("memory_used_bytes", 2.0**20),
    "memory_total": ("memory_total_bytes", 2.0**20),
    "power_draw": ("power_watts", 1.0),
    "temperature_gpu": ("temperature_celsius", 1.0),
    "clocks_current_sm": ("sm_clock_hz", 1e6),
}
_GPU_PREFIX = "nvidia_smi_"
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read(path: Path) -> Samples:
    """The samples of the file. Raises NoSamples."""
    try:
        with open(path, "rb") as file:
            text = file.read(_MAX_BYTES + 1)
        if len(text) > _MAX_BYTES:
            raise NoSamples(f"is larger than {_MAX_BYTES >> 20} MiB")
        results = json.loads(text)["MetricDataResults"]
        series = [(_metric(each), *_points(each)) for each in results]
    except OSError as error:
        raise NoSamples(f"cannot be read: {reason(error)}") from None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        raise NoSamples("is not what `aws cloudwatch get-metric-data` writes") from None
    source = f"CloudWatch ({path.name})"
    host, devices = dict[str, tuple[Times, Floats]](), list[dict[str, tuple[Times, Floats]]]()
    for metric, times, values in series:
        if not len(times):
            continue
        if metric in _HOST:
            column, factor = _HOST[metric]
            host.setdefault(column, (times, values * factor))
        elif metric.startswith(_GPU_PREFIX) and metric.removeprefix(_GPU_PREFIX) in _GPU:
            column, factor = _GPU[metric.removeprefix(_GPU_PREFIX)]
            free = next((each for each in devices if column not in each), None)  # the n-th of its kind is GPU n's
            if free is None:
                devices.append(free := {})
            free[column] = times, values * factor
    if not host and not devices:
        raise NoSamples("has no metric of EC2 or of the CloudWatch agent that is of use here")
    found = tuple(DeviceSamples(source, number, "GPU", "", *_together(each)) for number, each in enumerate(devices))
    return Samples(_host(source, host) if host else None, found)


def _host(source: str, host: dict[str, tuple[Times, Floats]]) -> HostSamples:
    times, columns = _together(host)
    if "busy_share" in columns and "idle_share" not in columns:
        columns["idle_share"] = 1.0 - columns["busy_share"]
    return HostSamples(source, times, columns)


def _metric(result: dict[str, Any]) -> str:
    """The name of the metric: the known word of the label, else of the id; else ""."""
    for text in (str(result.get("Label", "")), str(result.get("Id", ""))):
        for word in map(str.lower, _WORD.findall(text)):
            if word in _HOST or word.startswith(_GPU_PREFIX):
                return word
    return ""


def _points(result: dict[str, Any]) -> tuple[Times, Floats]:
    """In the order of time; CloudWatch writes the last one first."""
    times = np.array([_nanoseconds(each) for each in result["Timestamps"]], np.int64)
    values = np.array(result["Values"], float)
    if len(times) != len(values) or values.ndim != 1:
        raise ValueError
    order = np.argsort(times, kind="stable")
    return times[order], values[order]


def _nanoseconds(stamp: Any) -> int:
    if isinstance(stamp, (int, float)):
        return int(stamp * 1e9)
    moment = datetime.datetime.fromisoformat(str(stamp).replace("Z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    return int(moment.timestamp() * 1e9)


def _together(columns: dict[str, tuple[Times, Floats]]) -> tuple[Times, dict[str, Floats]]:
    """All columns at the times of any; NaN where one has no value."""
    times: Times = np.unique(np.concatenate([each for each, _ in columns.values()]))
    made = {}
    for name, (at, values) in columns.items():
        made[name] = np.full(len(times), np.nan)
        made[name][np.searchsorted(times, at)] = values
    return times, made
