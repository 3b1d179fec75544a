"""Turns a Recording and its Diagnosis into plain spans: one trace for the run, and one per request shown.

Built after the run, with at most ``MAX_SPANS`` per trace, which Jaeger's interface can still show smoothly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import signals
from ...artifacts import Artifacts, Missing
from ...artifacts.etl.dask import Dask
from ...artifacts.etl.reads import Reads
from ...artifacts.etl.stages import Etl
from ...artifacts.run.main_process import main_process
from ...artifacts.spark.application import Spark
from ...artifacts.training.steps import Steps
from ...diagnosis.model import Diagnosis
from ...recording.model import Recording, Records, Table
from . import names, requests
from . import steps as step_spans
from .attributes import of_finding, of_process, of_run
from .tree import Attributes, Builder, Event, Span, code

MAX_SPANS = 2000
MAX_STAGES = 100
MAX_SPARK_STAGES = 500
MAX_GRAPHS = 200
MAX_PIECES = 300  # reads, transformations and writes with a span each
MAX_RANKS = 64
MAX_EVENTS = 200  # phases outside the steps
_OUTER = 0xFF
_ETL = (signals.READ, signals.TRANSFORM, signals.WRITE)


@dataclass(frozen=True)
class Spans:
    """``spans``: the run's trace first, with its root at index 0. ``processes``: resource attributes by process."""

    spans: list[Span]
    processes: dict[int, Attributes]
    service: str


def build(recording: Recording, diagnosis: Diagnosis, run_id: str = "", artifacts: Artifacts | None = None) -> Spans:
    """All spans of a run. ``run_id``: the name of the run folder, for the backend. Ids depend only on the run."""
    run = recording.run
    host = str(run.get("machine", {}).get("hostname", ""))
    seed = f"{host}/{run.get('pid')}/{run.get('started_wall_ns')}/{run.get('name')}"
    builder = Builder(seed, int(run.get("started_wall_ns") or 0) - recording.started_ns)
    artifacts = artifacts or Artifacts(recording)
    steps = _get(artifacts, Steps)
    main = main_process(recording, steps) if recording.facts.processes else 0
    start, end = recording.started_ns, max(recording.started_ns, recording.ended_ns)
    root = builder.root(names.RUN, start, end, main, of_run(recording, diagnosis))
    code = run.get("exit_code")
    root.failed = code not in (0, None)
    root.events = [Event(names.FINDING, root.end_ns, of_finding(ranked)) for ranked in diagnosis.findings]
    _startup(builder, root, recording, main)
    left_out: dict[str, int] = {}
    _etl(builder, root, artifacts, recording, left_out)
    _spark(builder, root, _get(artifacts, Spark), left_out)
    _dask(builder, root, _get(artifacts, Dask), left_out)
    epochs: list[Span] = []
    if steps is not None:
        taken = len(builder.spans) + min(MAX_EVENTS, len(_outside(recording.events, main, steps))) + requests.BLOCKS
        epochs = _steps(builder, root, recording, diagnosis, steps, MAX_SPANS - taken, left_out)
    _events(builder, root, recording, main, steps, epochs, left_out)
    requests.add(builder, root, artifacts, left_out)
    if left_out:
        root.attributes[names.LEFT_OUT] = ", ".join(f"{count} {kind}" for kind, count in sorted(left_out.items()))
    for key in {span.process for span in builder.spans}:
        builder.processes[key] = of_process(recording, key, host, run_id)
    return Spans(builder.spans, builder.processes, str(run.get("name") or "run"))


def _get(artifacts: Artifacts, kind: type[Any]) -> Any:
    try:
        return artifacts.get(kind)
    except Missing:
        return None


def _startup(builder: Builder, root: Span, recording: Recording, main: int) -> None:
    """Add the span from exec until the program's own code can run."""
    if main < len(recording.facts.processes):
        process = recording.facts.processes[main]
        ready = process.ready_ns or process.hello_ns
        if ready > recording.started_ns:
            builder.child(root, names.STARTUP, recording.started_ns, ready, {})


def _etl(builder: Builder, root: Span, artifacts: Artifacts, recording: Recording, left_out: dict[str, int]) -> None:
    etl, reads = _get(artifacts, Etl), _get(artifacts, Reads)
    if etl is None or reads is None or not etl.stretches:
        return
    stretches = sorted(etl.stretches, key=lambda s: -s.seconds)
    _count(left_out, "etl.stage", len(stretches) - MAX_STAGES)
    pieces: list[tuple[int, int, str, Attributes]] = [
        (r.t0, r.t1, "etl.read", {names.READ_FORMAT: r.format, **code(r.site)})
        for r in reads.reads
        if not r.in_step and r.count == 1
    ]
    events = recording.events
    events = events[(events["process"] == reads.process) & np.isin(events["kind"], _ETL[1:])]
    for record in events:
        site = recording.facts.sites.get((reads.process, int(record["arg"])))
        pieces.append((int(record["t0"]), int(record["t1"]), signals.PHASES[int(record["kind"])], code(site)))
    _count(left_out, "etl pieces", len(pieces) - MAX_PIECES)
    pieces = sorted(sorted(pieces, key=lambda p: p[0] - p[1])[:MAX_PIECES], key=lambda p: p[:2])
    for stretch in sorted(stretches[:MAX_STAGES], key=lambda s: s.start_ns):
        span = builder.child(
            root, names.ETL_STAGE, stretch.start_ns, stretch.end_ns, {names.STAGE_NAME: stretch.name}, reads.process
        )
        for start, end, name, attributes in pieces:
            if start >= stretch.start_ns and end <= stretch.end_ns:
                builder.child(span, name, start, end, attributes)


def _spark(builder: Builder, root: Span, spark: Spark | None, left_out: dict[str, int]) -> None:
    """Add the longest stages of a Spark application, each from its first task to its last."""
    stages = () if spark is None else spark.stages
    _count(left_out, names.SPARK_STAGE, len(stages) - MAX_SPARK_STAGES)
    shown = [(int(s.tasks["t0"].min()), int(s.tasks["t1"].max()), s) for s in stages[:MAX_SPARK_STAGES]]
    for start, end, stage in sorted(shown, key=lambda each: each[:2]):
        attributes: Attributes = {
            names.STAGE_NAME: str(stage),
            names.SPARK_STAGE_ID: stage.fact.id,
            names.SPARK_TASKS: len(stage.tasks),
            **code(stage.site),
        }
        builder.child(root, names.SPARK_STAGE, start, end, attributes)


def _dask(builder: Builder, root: Span, dask: Dask | None, left_out: dict[str, int]) -> None:
    """Add the longest graphs that Dask computed, each from the call to its end."""
    graphs = () if dask is None else tuple(graph for graph in dask.graphs if graph.count == 1)
    longest = sorted(graphs, key=lambda graph: -graph.wall_seconds)[:MAX_GRAPHS]
    _count(left_out, names.DASK_GRAPH, sum(graph.count for graph in dask.graphs) - len(longest) if dask else 0)
    for graph in sorted(longest, key=lambda graph: (graph.t0, graph.t1)):
        attributes: Attributes = {
            names.DASK_TASKS: graph.tasks,
            names.DASK_WORK: graph.work_seconds,
            **code(graph.site),
        }
        builder.child(root, names.DASK_GRAPH, graph.t0, graph.t1, attributes)


def _count(left_out: dict[str, int], kind: str, count: int) -> None:
    if count > 0:
        left_out[kind] = left_out.get(kind, 0) + count


def _steps(
    builder: Builder,
    root: Span,
    recording: Recording,
    diagnosis: Diagnosis,
    steps: Steps,
    most: int,
    left_out: dict[str, int],
) -> list[Span]:
    """Add the main process's loop under the run, and each other rank's under a separate span; ``most`` spans."""
    others = [rank for rank in steps.ranks if rank != steps.process]
    _count(left_out, "ranks", len(others) - MAX_RANKS)
    others = others[:MAX_RANKS]
    budget = (most - len(others)) // (1 + len(others))
    loop = step_spans.plan(steps.rows, steps.warm, steps.process, steps, diagnosis, budget)
    epochs = step_spans.add(builder, root, loop)
    for rank in others:
        rows = _rows_of(recording, steps, rank)
        if not len(rows["t0"]):
            continue
        warm = np.zeros(len(rows["t0"]), bool)
        warm[: int(steps.warm.sum())] = True
        place = recording.facts.processes[rank].rank if rank < len(recording.facts.processes) else None
        attributes: Attributes = {} if place is None else {names.RANK: place}
        parent = builder.child(root, names.RANK_SPAN, int(rows["t0"].min()), int(rows["t1"].max()), attributes, rank)
        step_spans.add(builder, parent, step_spans.plan(rows, warm, rank, steps, diagnosis, budget))
    return epochs


def _rows_of(recording: Recording, steps: Steps, process: int) -> Table:
    table = recording.steps
    mine = (table["process"] == process) & (table["loader"] == steps.loader)
    order = np.argsort(table["t0"][mine], kind="stable")
    return {name: column[mine][order] for name, column in table.items()}


def _events(
    builder: Builder,
    root: Span,
    recording: Recording,
    main: int,
    steps: Steps | None,
    epochs: list[Span],
    left_out: dict[str, int],
) -> None:
    """Add the main process's phases and marks outside all steps, under their epoch or else under the run."""
    chosen = _outside(recording.events, main, steps)
    _count(left_out, "phases outside the steps", len(chosen) - MAX_EVENTS)
    longest = np.sort(np.argsort(chosen["t0"] - chosen["t1"], kind="stable")[:MAX_EVENTS])
    for record in chosen[longest]:
        start, end, kind = int(record["t0"]), int(record["t1"]), int(record["kind"])
        a, b = start + builder.offset_ns, end + builder.offset_ns
        parent = next((e for e in epochs if e.start_ns <= a and b <= e.end_ns), root)
        attributes: Attributes = {}
        name = signals.PHASES[kind] if kind < len(signals.PHASES) else names.STAGE
        if kind == signals.STAGE:
            parent = root
            attributes[names.STAGE_NAME] = recording.facts.strings.get((main, int(record["arg"])), "stage")
        elif kind == signals.LOOP:
            name = signals.PHASES[signals.EVAL]
        elif kind in (signals.CHECKPOINT, *_ETL):
            attributes.update(code(recording.facts.sites.get((main, int(record["arg"])))))
        builder.child(parent, name, start, end, attributes)


def _outside(events: Records, main: int, steps: Steps | None) -> Records:
    kind = events["kind"]
    phase = (kind > 0) & (kind < len(signals.PHASES)) & ((events["flags"] & _OUTER) == 0)
    phase &= ~np.isin(kind, _ETL)  # these are under the etl stages
    loop = (kind == signals.LOOP) & ((events["flags"] & 1) == 0)
    if steps is not None:
        loop &= events["arg"].astype("i8") != steps.loader
    chosen = events[(events["process"] == main) & (phase | loop | (kind == signals.STAGE))]
    if steps is None or not steps.all_count or not len(chosen):
        return chosen  # type: ignore[no-any-return]
    starts = steps.rows["t0"]
    ends = np.maximum.accumulate(steps.rows["t1"])
    at = np.searchsorted(starts, chosen["t1"], side="left") - 1
    inside = (at >= 0) & (chosen["t1"] <= ends[np.maximum(at, 0)])
    return chosen[~inside | (chosen["kind"] == signals.STAGE)]  # type: ignore[no-any-return]
