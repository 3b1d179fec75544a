"""Recordings made in memory: a loop of equal steps with host and GPU samples beside it."""

from __future__ import annotations

import numpy as np
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.run.machine import Settings
from bottleneck_profiler.prices import Prices
from bottleneck_profiler.recording.model import RECORD_DTYPE, Facts, Process, Recording, Site, empty_steps
from typed import add

SECOND = 1_000_000_000
MiB = 1 << 20


def steps_table(count, seconds, wait_share=0.0):
    table = empty_steps()
    start = SECOND + (np.arange(count) * seconds * SECOND).astype("i8")
    table["t0"], table["t1"] = start, start + int(seconds * SECOND)
    for name, column in table.items():
        if len(column) != count:
            table[name] = np.zeros(count, column.dtype)
    table["loader"] += 1
    table["trained"] |= True
    table["data_wait"] += int(wait_share * seconds * 1e6)
    table["forward"] += int((1 - wait_share) * seconds * 1e6)
    return table


def recording(count=400, seconds=0.02, wait_share=0.0, host=None, gpu=None, run=None):
    """``host``: column -> function of the share of the loop that is done (0 to 1), sampled every 100 ms."""
    end = SECOND + int(count * seconds * SECOND)
    times = np.arange(SECOND, end, SECOND // 10)
    done = (times - SECOND) / (end - SECOND)
    table = {"time_ns": times}
    table.update({name: np.array([value(share) for share in done], float) for name, value in (host or {}).items()})
    nothing = np.empty(0, RECORD_DTYPE)
    facts = Facts(processes=[Process(0, 77)])
    return Recording(
        {"pid": 77, "machine": {"cores": 2, "memory_bytes": 32 << 30}, **(run or {})},
        facts,
        steps_table(count, seconds, wait_share),
        nothing,
        nothing,
        nothing,
        nothing,
        table if host else {},
        gpu or {},
        0,
        end + SECOND,
    )


def with_container(made, name="losses", item="tensor with graph", item_bytes=4, looks=10, grows=True, key=""):
    """Notes as the child writes them, and the line that the loader of recordings adds."""
    t0, t1 = int(made.steps["t0"][0]), int(made.steps["t1"][-1])
    for look in range(1, looks + 1):
        fields = {
            "name": name,
            "key": key,
            "container": "list",
            "length": look * 40 if grows else 40 + look % 2,
            "step": look * 40,
            "time_ns": t0 + (t1 - t0) * look // looks,
            "rss_bytes": 0,
            "site": 1,
            "scope": "local",
            "file": "/user/train.py",
            "item": item,
            "item_bytes": item_bytes,
        }
        add(made.facts, "container", **fields)
    line = {"name": name, "container_file": "/user/train.py", "file": "/user/train.py", "line": 42, "function": "train"}
    add(made.facts, "growth_line", **line)
    made.facts.sites[0, 1] = Site("/user/train.py", 10, "train")
    return made


def judge(detector, made, price=None):
    """The outcome as the runner gives it."""
    from bottleneck_profiler.detectors import run_all

    artifacts = Artifacts(made)
    artifacts.put(Settings(None if price is None else Prices(machine=price)))
    return run_all([detector], artifacts)[detector.id]


def gpu_table(made, utilization, every=0.1, devices=1):
    """``utilization(share of the loop done, device) -> 0..1``."""
    start, end = int(made.steps["t0"][0]), int(made.steps["t1"][-1])
    times = np.arange(start, end, int(every * SECOND))
    rows = [(t, d, utilization((t - start) / (end - start), d)) for t in times for d in range(devices)]
    made.gpu = {
        "time_ns": np.array([row[0] for row in rows]),
        "index": np.array([row[1] for row in rows]),
        "utilization": np.array([row[2] for row in rows], float),
    }
    made.run["gpu_simulated"] = True
    return made
