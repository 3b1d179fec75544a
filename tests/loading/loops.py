"""Recordings of a loop over a DataLoader, made in memory: batches, call stacks and host samples as told."""

from __future__ import annotations

import numpy as np
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.loading.loading import Loading
from bottleneck_profiler.artifacts.training.steps import Steps
from bottleneck_profiler.detectors import run_all
from bottleneck_profiler.recording.model import RECORD_DTYPE, Facts, Frame, Process, Recording, Site, empty_steps
from typed import add

SECOND = 1_000_000_000
FILE = "/user/train.py"
TORCH = "/lib/torch/utils/data"
FETCH = Frame("fetch", f"{TORCH}/_utils/fetch.py", 54, False)
INDEX = Frame("TensorDataset.__getitem__", f"{TORCH}/dataset.py", 206, False)


def user(function, line=20):
    return Frame(function, FILE, line, True)


def loop(
    work,
    wait,
    workers=0,
    load=None,
    load_cpu=0.0,
    steps=400,
    stacks=(),
    batches=None,
    busy=1.0,
    idle=1.0,
    delay=0.0,
    read_bytes=0,
    run_seconds=None,
    facts=None,
    ranks=1,
):
    """Seconds per step. ``stacks``: (share of the loading, kind, frames innermost first); ``batches``: (worker, start,
    end, samples) in seconds, else equal ones side by side; ``delay``: waiting for a core, per second of CPU;
    ``read_bytes``: per step."""
    load = wait if load is None else load
    table = empty_steps()
    start = SECOND + (np.arange(steps) * (work + wait) * SECOND).astype("i8")
    for name, column in table.items():
        table[name] = np.zeros(steps, column.dtype)
    table["t0"], table["t1"] = start, start + int((work + wait) * SECOND)
    table["loader"] += 1
    table["trained"] |= True
    table["data_wait"] += int(wait * 1e6)
    table["forward"] += int(work * 1e6)
    end = int(table["t1"][-1])
    table = {name: np.concatenate([column] * ranks) for name, column in table.items()}
    table["process"] = np.repeat(np.arange(ranks), steps).astype(table["process"].dtype)
    made = Facts(processes=[Process(i, 70 + i) for i in range(ranks)])
    made.processes += [Process(ranks + i, 90 + i, role="worker", loader=1, worker=i) for i in range(workers)]
    add(made, "loader", id=1, **{"site": 1, "iter_site": 2, "num_workers": workers, "batch_size": 8, **(facts or {})})
    made.sites[0, 1], made.sites[0, 2] = Site(FILE, 5, "main"), Site(FILE, 10, "main")
    made.sites[0, 3] = Site(FILE, 30, "pad")
    places = list(range(ranks, ranks + workers)) or [0]
    samples = []
    if batches is None:
        each = max(1, len(places))
        batches = [(i % each, i * load / each, i * load / each + load, 8) for i in range(steps)]
    for worker, begins, ends, count in batches:
        t0, t1 = int(begins * SECOND) + SECOND, int(ends * SECOND) + SECOND
        samples.append((places[worker], 1, signals.BATCH, count, t0, t1, int(load_cpu * SECOND)))
    rows = []
    flag = signals.NONE if workers else signals.DATA_WAIT
    for number, (share, kind, *frames) in enumerate(stacks, 1):
        for place in places:
            made.stacks[place, number] = tuple(frames)
            for t0 in start.tolist():
                rows.append((place, 1, kind, flag, t0, t0 + int(share * load * SECOND), number))
    times = np.arange(SECOND // 2, end + SECOND, SECOND // 10)
    cpu = busy * (times - times[0])
    host = {
        "time_ns": times,
        "busy_cores": np.full(len(times), float(busy)),
        "idle_cores": np.full(len(times), float(idle)) if np.isscalar(idle) else idle(times, table),
        "cpu_ns_total": cpu,
        "run_delay_ns_total": delay * cpu,
        "read_bytes_total": read_bytes / (work + wait) * (times - times[0]) / SECOND,
    }
    none = np.empty(0, RECORD_DTYPE)
    length = int((run_seconds or (end / SECOND + 1)) * SECOND)
    return Recording(
        {"pid": 70, "machine": {"cores": 2, "memory_bytes": 32 << 30}},
        made,
        table,
        none,
        np.array(sorted(samples, key=lambda row: row[5]), RECORD_DTYPE),
        np.array(rows, RECORD_DTYPE) if rows else none,
        none,
        host,
        {},
        0,
        length,
    )


def judge(detector, made):
    """The outcome as the runner gives it."""
    return run_all([detector], Artifacts(made))[detector.id]


def terms(made):
    artifacts = Artifacts(made)
    return artifacts.get(Loading), artifacts.get(Steps)
