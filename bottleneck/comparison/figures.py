"""What one run contributes to a comparison: its figures, its phases and lines, and the facts about it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from ..artifacts import Artifacts, Missing
from ..artifacts.etl.reads import Reads
from ..artifacts.loading.loader import Loader
from ..artifacts.memory.headroom import MemoryHeadroom
from ..artifacts.run.breakdown import Breakdown
from ..artifacts.run.stacks import Hot, Stacks
from ..artifacts.serving.requests import Requests
from ..artifacts.training.steps import Steps
from ..diagnosis.findings import Finding
from ..diagnosis.model import Diagnosis, Ranked
from ..recording.model import STEP_PHASES, Recording
from .statistics import Interval, mean_of_steps

T = TypeVar("T")
FindingKey = tuple[str, str, str]  # detector, file name, function

#: key -> (label, unit). Seconds and bytes are better when lower, rates when higher.
FIGURES = {
    "step": ("mean step", "s"),
    "sample": ("time per sample", "s"),
    "samples_per_second": ("samples per second", "1/s"),
    "data_wait": ("waiting for data, per step", "s"),
    "request": ("mean request", "s"),
    "request_p50": ("request, median", "s"),
    "request_p99": ("request, 99th percentile", "s"),
    "requests_per_second": ("requests per second", "1/s"),
    "run": ("run", "s"),
    "memory": ("peak memory", "B"),
    "device_memory": ("peak accelerator memory", "B"),
    "gpu_busy": ("accelerator busy", "share"),
}
_LEAST_FOR_P99 = 459  # requests: the 95 % interval of p99 then ends below the largest value
_MAX_READS = 20


@dataclass(frozen=True)
class RunFigures:
    """``figures``: by the keys of FIGURES. ``step_phases``, ``run_phases``: seconds per step, and of the run.

    ``hot``: user functions of the main process by sampled seconds. ``machine``: what must be alike in order to
    compare. ``facts``: the rest of what the run was given, by label.
    """

    name: str
    command: str
    finished: bool
    steps: int
    figures: dict[str, float]
    within: dict[str, Interval]
    step_phases: dict[str, float]
    run_phases: dict[str, float]
    step_hot: tuple[Hot, ...]
    run_hot: tuple[Hot, ...]
    machine: dict[str, str]
    facts: dict[str, str]
    findings: dict[FindingKey, Ranked] = field(repr=False)


def program_of(run: RunFigures) -> str:
    """The run's command without folders, which differ between checkouts of one program."""
    return " ".join(Path(word).name for word in run.command.split())


def figures_of(path: Path, recording: Recording, diagnosis: Diagnosis) -> RunFigures:
    """The figures of a recording and its diagnosis. ``path``: names the run."""
    artifacts = Artifacts(recording)
    steps, loader, stacks = _find(artifacts, Steps), _find(artifacts, Loader), _find(artifacts, Stacks)
    if steps is not None and not steps.judgeable:
        steps = None
    figures = {"run": recording.wall_seconds}
    within: dict[str, Interval | None] = {}
    if steps is not None:
        figures.update(_step_figures(steps, loader))
        within["step"] = mean_of_steps(steps.wall_seconds)
    requests = _find(artifacts, Requests)
    if requests is not None and requests.count:
        figures.update(_request_figures(requests))
        within["request"] = mean_of_steps(requests.seconds)
    figures.update(_resources(recording, _find(artifacts, MemoryHeadroom)))
    breakdown = _find(artifacts, Breakdown)
    return RunFigures(
        name=path.name,
        command=diagnosis.run.command,
        finished=diagnosis.run.finished,
        steps=0 if steps is None else steps.count,
        figures=figures,
        within={key: found for key, found in within.items() if found is not None},
        step_phases={} if steps is None else _step_phases(steps),
        run_phases={} if breakdown is None else dict(breakdown.seconds),
        step_hot=() if stacks is None or steps is None else tuple(stacks.hot(within=steps.spans)),
        run_hot=() if stacks is None else tuple(stacks.hot()),
        machine=_machine(recording, diagnosis),
        facts=_facts(recording, diagnosis, loader, _find(artifacts, Reads)),
        findings={key_of(row.finding): row for row in diagnosis.findings},
    )


def _find(artifacts: Artifacts, kind: type[T]) -> T | None:
    try:
        return artifacts.get(kind)
    except Missing:
        return None


def _step_figures(steps: Steps, loader: Loader | None) -> dict[str, float]:
    figures = {
        "step": float(steps.wall_seconds.mean()),
        "data_wait": float(steps.phase("data_wait", "loader_start").mean()),
    }
    if loader is not None and loader.facts.batch_size:
        figures["sample"] = figures["step"] / loader.facts.batch_size
        figures["samples_per_second"] = 1.0 / figures["sample"]
    return figures


def _request_figures(requests: Requests) -> dict[str, float]:
    figures = {
        "request": float(requests.seconds.mean()),
        "request_p50": requests.p50_seconds,
        "requests_per_second": requests.per_second,
    }
    if requests.count >= _LEAST_FOR_P99:
        figures["request_p99"] = requests.p99_seconds
    return figures


def _resources(recording: Recording, memory: MemoryHeadroom | None) -> dict[str, float]:
    figures = {}
    if memory is not None:
        figures["memory"] = memory.used_bytes
        if memory.device_share is not None:
            figures["device_memory"] = memory.device_bytes
    busy = np.asarray(recording.gpu.get("utilization", ()), float)
    if not np.isnan(busy).all():
        figures["gpu_busy"] = float(np.nanmean(busy))
    return figures


def _step_phases(steps: Steps) -> dict[str, float]:
    found = {name: float(steps.phase(name).mean()) for name in STEP_PHASES[1:]}
    found["other"] = float(steps.wall_seconds.mean()) - sum(found.values())
    return {name: seconds for name, seconds in found.items() if seconds > 0}


def _machine(recording: Recording, diagnosis: Diagnosis) -> dict[str, str]:
    """Not the host's name, which changes with every container."""
    machine = recording.run.get("machine", {})
    gpus = Counter(diagnosis.run.gpus)
    return {
        "processor": str(machine.get("cpu_model") or "unknown"),
        "cores": f"{diagnosis.run.cores:g}",
        "memory": f"{int(machine.get('memory_bytes', 0)) >> 30} GiB",
        "accelerators": ", ".join(f"{count} × {name}" for name, count in gpus.items()) or "none",
    }


def _facts(recording: Recording, diagnosis: Diagnosis, loader: Loader | None, reads: Reads | None) -> dict[str, str]:
    run = diagnosis.run
    facts = {f"{name} version": version for name, version in run.versions.items() if name != "bottleneck"}
    facts["python version"] = run.python or facts.get("python version", "")
    facts["operating system"] = str(recording.run.get("machine", {}).get("kernel", ""))
    facts["processes in the job"] = str(run.ranks)
    if loader is not None:
        given = loader.facts
        for name in ("batch_size", "num_workers", "prefetch_factor", "persistent_workers", "pin_memory", "drop_last"):
            facts[f"DataLoader({name})"] = str(getattr(given, name))
        facts["samples in the dataset"] = "unknown" if given.samples is None else f"{given.samples:,}"
    sizes = Counter[str]()
    for read in () if reads is None else reads.reads:
        if read.path and read.size_bytes is not None:
            sizes[Path(read.path).name] = max(sizes[Path(read.path).name], read.size_bytes)
    for name, size in sizes.most_common(_MAX_READS):
        facts[f"size of {name}"] = f"{size:,} B"
    facts["exit code"] = str(run.exit_code)
    return {label: value for label, value in facts.items() if value}


def key_of(finding: Finding) -> FindingKey:
    """The same finding in another version of the program, whose lines may have moved."""
    place = finding.location
    return finding.detector, "" if place is None else Path(place.file).name, "" if place is None else place.function
