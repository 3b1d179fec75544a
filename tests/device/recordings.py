"""Recordings of made-up programs: a loop of equal steps, of which some were traced."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.run.machine import Settings
from bottleneck_profiler.detectors import run_all
from bottleneck_profiler.enrich.device_trace import TraceError, read_trace
from bottleneck_profiler.recording.facts import DeviceTrace
from bottleneck_profiler.recording.model import RECORD_DTYPE, Facts, Process, Recording, empty_steps
from typed import add

from .simulator import PROPERTIES, Program, as_json, play, step_time

BEFORE, AFTER, TRACED, SETTLING = 60, 200, 6, 6
SHIFT_NS = 31_000_000_000_000  # our clock is not the trace's


def recording(
    program: Program,
    waits: float = 0.0,
    typical: float | None = None,
    properties: Any = (PROPERTIES,),
    events: Any = lambda events: events,
    run_facts: dict[str, Any] | None = None,
    batch: list[dict[str, int]] | None = None,
) -> Recording:
    """``waits``: for data at the end of each step, ``typical``: a step that was not traced, both in microseconds."""
    simulator, begins = play(program, SETTLING + TRACED + 1)
    begins = begins[SETTLING:]
    typical = step_time(program) if typical is None else typical
    edges = [begins[0] - typical * back for back in range(BEFORE, 0, -1)]
    edges += [*begins, *(begins[-1] + typical * (ahead + 1) for ahead in range(AFTER))]
    ours = [SHIFT_NS + round(edge * 1000) for edge in edges]
    rows = empty_steps()
    for name, column in rows.items():
        rows[name] = np.zeros(len(ours) - 1, column.dtype)
    rows["t0"], rows["t1"] = np.array(ours[:-1]), np.array(ours[1:])
    rows["loader"] += 1
    rows["trained"] |= True
    rows["data_wait"] += int(waits)
    rows["forward"] = ((rows["t1"] - rows["t0"]) // 1000 - rows["data_wait"]).astype("i4")
    facts = Facts(processes=[Process(0, 77, hello_ns=ours[0], ready_ns=ours[0])])
    clocks = [(SHIFT_NS + round(t * 1000) - 900, SHIFT_NS + round(t * 1000) + 2900) for t in begins]
    window = {"began": clocks[0][0] - 5_000_000, "ended": clocks[-1][1] + 5_000_000, "clocks": clocks, "problem": ""}
    window.update(t0=clocks[0][0] - 1, t1=clocks[-1][1])
    add(facts, "device_window", **window)
    if batch:
        add(facts, "batch_parts", parts=batch)
    table = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "77.trace.json"
        path.write_text(as_json(events(simulator.events), begins, properties))
        try:
            table, trace = read_trace(path, 0, clocks)
        except TraceError as error:
            trace = DeviceTrace([], problem=str(error))
    facts.add(0, trace)
    nothing = np.empty(0, RECORD_DTYPE)
    facts_of_run = {"pid": 77, "machine": {"cores": 2}, "gpus": [{"index": 0, "name": "Simulated accelerator"}]}
    made = Recording(
        {**facts_of_run, "gpu_simulated": True, **(run_facts or {})},
        facts,
        rows,
        nothing,
        nothing,
        nothing,
        nothing,
        {},
        {},
        ours[0] - 1_000_000,
        ours[-1] + 1_000_000,
    )
    made.device = table
    return made


def artifact(kind: Any, made: Recording) -> Any:
    return Artifacts(made).get(kind)


def judge(detector: Any, made: Recording) -> Any:
    artifacts = Artifacts(made)
    artifacts.put(Settings())
    return run_all([detector], artifacts)[detector.id]
