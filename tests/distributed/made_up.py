"""Ranks of one training on a made-up clock."""

from __future__ import annotations

import numpy as np
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.run.machine import Settings
from bottleneck_profiler.detectors import run_all
from bottleneck_profiler.recording.model import RECORD_DTYPE, STEP_PHASES, Facts, Process, Recording, Site, empty_steps
from typed import add

MS = 1_000_000


def ranks(*works, meet="backward", numbers=None, steps=100, exchange=0.0, host=None):
    """Works: (loading, forward, backward) in ms of each rank, numbers or one array a step; they meet in the phase
    ``meet``, if any, for ``exchange`` ms, so that a step takes as long as the slowest. ``host``: columns -> values a
    second apart."""
    works = [[np.broadcast_to(np.asarray(part, float), steps) for part in work] for work in works]
    longest = np.max([sum(work) for work in works], axis=0) + exchange
    rows = {name: [] for name in ("process", "loader", "loop", "t0", "t1", "trained", "optimized", *STEP_PHASES)}
    for process, (loading, forward, backward) in enumerate(works):
        wall = longest if meet else loading + forward + backward
        end = np.cumsum(wall * MS).astype("i8")
        rest = wall - loading - forward
        filled = {"data_wait": loading, "forward": forward, "backward": rest}
        if meet == "sync":
            filled |= {"backward": backward, "sync": rest - backward}
        rows["process"].append(np.full(steps, process, "i2"))
        rows["loader"].append(np.ones(steps, "i4"))
        rows["loop"].append(np.ones(steps, "i4"))
        rows["t0"].append(end - (wall * MS).astype("i8"))
        rows["t1"].append(end)
        rows["trained"].append(np.ones(steps, "?"))
        rows["optimized"].append(np.ones(steps, "?"))
        for name in STEP_PHASES:
            rows[name].append((filled.get(name, np.zeros(steps)) * 1000).astype("i4"))
    numbers = range(len(works)) if numbers is None else numbers
    facts = Facts(processes=[Process(index, 10 + index, rank=number) for index, number in enumerate(numbers)])
    for index in range(len(works)):
        add(facts, "loader", process=index, id=1, iter_site=1)
    facts.sites.update({(index, 1): Site("/user/train.py", 30, "train") for index in range(len(works))})
    facts.attached |= {"collectives", "parallel", "training"}
    table = {name: np.concatenate(parts) for name, parts in rows.items()}
    table = {name: table.get(name, column) for name, column in empty_steps().items()}
    empty = np.zeros(0, RECORD_DTYPE)
    end = int(table["t1"].max())
    columns = {} if host is None else {"time_ns": np.linspace(0, end, len(next(iter(host.values())))), **host}
    totals = {}
    for process in range(len(works)):
        totals[process, signals.BACKWARD, 0] = totals[process, signals.OPTIMIZER, 0] = (steps, 0)
    facts_of_run = {"machine": {"cores": 2, "memory_bytes": 32 << 30}}
    return Recording(facts_of_run, facts, table, empty, empty, empty, empty, columns, {}, 0, end, totals=totals)


def judge(made, detector):
    """The outcome of one detector."""
    artifacts = Artifacts(made)
    artifacts.put(Settings())
    return run_all([detector], artifacts)[detector.id]
