"""How imported traces compare with the figures that others computed from them.

    import_accuracy.py TRACES [--markdown FILE]

TRACES is a folder with ``kineto/`` (traces of torch.profiler), ``kineto.shared.json`` (their figures), ``gpu/``
(exports of Nsight Systems), ``xplane/``, and ``spark/`` (event logs) with ``spark.shared.json``. For each device it
compares the busy share, exposed communication and host waits for the device (within 2 points of the window), the number
of steps (equal) and their median (within 2 %); of a Spark log all figures (within 2 %), and the first finding or the
longest stage with that of its description. Exit code 1 if a figure differs by more or a file cannot be read.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.spark.application import Spark
from bottleneck_profiler.diagnosis.model import Diagnosis
from bottleneck_profiler.recording.facts.spark import SparkExecutor, SparkJob, SparkStage
from bottleneck_profiler.recording.folder import RunError
from bottleneck_profiler.recording.model import Recording
from bottleneck_profiler.session import analyse

LOGS = Path(__file__).resolve().parent.parent / "tests" / "spark" / "logs"
POINTS, RELATIVE, TINY_MS = 2.0, 2.0, 0.1
#: Part of a trace's name -> the figure that differs, and why.
KNOWN = {"Qwen1.5": ("sync ms", "their figure includes the profiler's own synchronize after the only step")}
#: Of the other formats, from INDEX.md there: file -> device -> (figure, its value), ms or % of the window. The waits of
#: the two processes of h100_2gpu_1s are given as their sum there.
OTHERS: dict[str, dict[int, dict[str, float]]] = {
    "gpu/h100_2gpu_1s.sqlite": {
        index: {"window ms": 969, "h2d ms": 921, "compute ms": 22, "sync ms": 428.5} for index in (0, 1)
    },
    "gpu/perlmutter-cloverleaf-cuda.sqlite": {0: {"window ms": 342, "compute %": 86, "h2d ms": 9.3, "sync ms": 302}},
    "xplane/jax08_gemm/tw003.xplane.pb": {0: {"window ms": 9.3, "busy %": 36.7}},
    "xplane/te_fused_attn/934987a2fc2f.xplane.pb": {0: {"window ms": 13.0, "busy %": 93.6}},
    "xplane/GPU-multi-worker/34.83.195.179_6003.xplane.pb": {4: {"window ms": 119, "busy %": 12.6, "steps": 1}},
}


#: What the description of each Spark log names first: a finding, or words of the headline of a log without one.
SPARK = {
    "spark/application_1506645932520_24630151": "idle-executors",
    "spark/application_1536831636016_59384_1": "spark-startup",
    "spark/nds_q72_dataproc_2_2.zstd": "stage 50",
    "spark/gpu_oom_eventlog.zstd": "failed-tasks",
    "spark/eventlog_v2_local-1623876083964": "stage 2",
    "spark/eventlog_4nodes_8cores_dynamic_alloc.zstd": "idle-executors",
    "spark/example_spark_event_log.txt": "python-udf",
    "spark/pandas_execs_eventlog.zstd": "python-udf",
    "spark/truncated_eventlog": "start-up",
}


@dataclass
class Compared:
    """One figure: ours and the computed one, and whether they agree."""

    what: str
    ours: float | None
    truth: float
    agrees: bool

    def __str__(self) -> str:
        shown = "-" if self.ours is None else f"{self.ours:g}"
        return f"{self.what} {shown} ({self.truth:g}){'' if self.agrees else ' **differs**'}"


def near(ours: float | None, truth: float) -> bool:
    return ours is not None and abs(ours - truth) <= RELATIVE / 100 * abs(truth)


def compare(diagnosis: Diagnosis, truth: dict[str, Any]) -> list[Compared]:
    """Every figure that both have; of a device that we do not report, what it should have been."""
    by_index = {str(use.index): use for use in diagnosis.devices}
    found = []
    for index, device in truth.get("dev", {}).items():
        use = by_index.get(index)
        busy = None if use is None else round(100 * use.busy_share, 1)
        expected = 100 * device["busy_of_window"]
        found.append(Compared("busy %", busy, round(expected, 1), busy is not None and abs(busy - expected) <= POINTS))
        exposed = None if use is None else round(use.exposed_communication_seconds * 1e3, 2)
        points = POINTS / 100 * device["window_ms"]
        agrees = exposed is not None and abs(exposed - device["nccl_exposed_ms"]) <= points
        if device["nccl_exposed_ms"]:
            found.append(Compared("exposed ms", exposed, device["nccl_exposed_ms"], agrees))
        if use is not None and truth.get("n_steps"):
            median = statistics.median(length for _, length in truth["steps"])
            ours = None if use.step_seconds_median is None else round(use.step_seconds_median * 1e3, 2)
            found.append(Compared("steps", use.steps, truth["n_steps"], use.steps == truth["n_steps"]))
            found.append(Compared("step ms", ours, round(median, 2), near(ours, median)))
            ours = round(use.sync_seconds * 1e3, 2)
            found.append(
                Compared("sync ms", ours, truth["sync_ms"], abs(ours - truth["sync_ms"]) <= max(points, TINY_MS))
            )
    if not truth.get("dev") and diagnosis.devices:
        found.append(Compared("devices", len(diagnosis.devices), 0, False))
    return found


def compare_others(diagnosis: Diagnosis, truth: dict[int, dict[str, float]]) -> list[Compared]:
    """The figures that are known of a trace in another format."""
    found = []
    for use in diagnosis.devices:
        ours = {
            "window ms": use.window_seconds * 1e3,
            "busy %": 100 * use.busy_share,
            "compute %": 100 * use.compute_seconds / use.window_seconds,
            "compute ms": use.compute_seconds * 1e3,
            "h2d ms": use.copy_seconds["h2d"] * 1e3,
            "sync ms": use.sync_seconds * 1e3,
            "steps": use.steps,
        }
        for what, expected in truth.get(use.index, {}).items():
            value = ours[what]
            close = value is not None and abs(value - expected) <= POINTS / 100 * max(
                expected, use.window_seconds * 1e3
            )
            agrees = close if what.endswith("ms") else value is not None and abs(value - expected) <= POINTS
            found.append(Compared(what, None if value is None else round(value, 1), expected, agrees))
    missing = truth.keys() - {use.index for use in diagnosis.devices}
    return [*found, *(Compared("device", None, index, False) for index in missing)]


def compare_spark(recording: Recording, truth: dict[str, Any]) -> list[Compared]:
    """The figures of an application and of its longest stages."""
    tasks, facts = recording.tasks, recording.facts
    seconds = (tasks["t1"] - tasks["t0"]) / 1e9
    ours: dict[str, tuple[float, float]] = {
        "s": (recording.wall_seconds, truth["dur_s"]),
        "tasks": (len(tasks), truth["tasks"]),
        "cores": (sum(each.cores for _, each in facts.of(SparkExecutor)), truth["cores"]),
        "failed jobs": (sum(each.failed for _, each in facts.of(SparkJob)), truth["failed_jobs"]),
        "task s": (seconds.sum(), truth["sum"]["dur"] / 1e3),
    }
    for what, column in (
        ("run", "run_ms"),
        ("gc", "gc_ms"),
        ("cpu", "cpu_ms"),
        ("deser", "start_ms"),
        ("fw", "fetch_ms"),
    ):
        ours[f"{what} s"] = tasks[column].sum() / 1e3, truth["sum"][what] / 1e3
    for what, column in (
        ("inb", "read"), ("outb", "written"), ("srb", "shuffle_read"), ("swb", "shuffle_write"),
        ("mspill", "spilled_memory"), ("dspill", "spilled_disk"),
    ):  # fmt: skip
        ours[f"{column} MB"] = tasks[column].sum() / 1e6, truth["bytes_"][what] / 1e6
    stages = {(each.id, each.attempt): each for _, each in facts.of(SparkStage)}
    for row in truth["top_wall"]:
        stage = stages[tuple(row["stage"])]
        mine = seconds[tasks["stage"] == stage.number]
        if stage.t1 is not None:
            ours[f"stage {stage.id} s"] = (stage.t1 - stage.t0) / 1e9, row["wall_s"]
        ours[f"stage {stage.id} longest task s"] = mine.max(), row["max_ms"] / 1e3
    return [
        Compared(w, round(float(a), 2), round(b, 2), abs(a - b) <= 0.02 * abs(b) + 0.006) for w, (a, b) in ours.items()
    ]


def spark(traces: Path) -> tuple[list[str], bool]:
    """Rows on each log, and whether all figures and first answers agree."""
    rows, agree = ["| log | figures within 2 % | first answer |", "| --- | --- | --- |"], True
    truths = json.loads((traces / "spark.shared.json").read_text(encoding="utf-8"))
    for name, wanted in SPARK.items():
        recording, diagnosis = analyse(traces / name)
        figures = compare_spark(recording, truths[name])
        off = [each for each in figures if not each.agrees]
        first = diagnosis.findings[0].finding.detector if diagnosis.findings else diagnosis.headline
        right = wanted in first
        agree &= not off and right
        said = f"{len(figures) - len(off)} of {len(figures)}" + "".join(f"; {each}" for each in off)
        rows.append(f"| {name.removeprefix('spark/')} | {said} | {first}{'' if right else ' **differs**'} |")
    return rows, agree


def spark_pairs(logs: Path) -> list[str]:
    """Of each cause that costs time in jobs: the share that the slow log predicts, and that the fixed one saves."""
    rows = ["| cause | predicted, of the jobs' time | obtained |", "| --- | --- | --- |"]
    for slow in sorted(logs.glob("*/slow.zst")):
        (before, diagnosis), (after, _) = (analyse(slow.with_name(name)) for name in ("slow.zst", "fixed.zst"))
        finding = next(each.finding for each in diagnosis.findings if each.finding.detector == slow.parent.name)
        gain, first, last = finding.gain, Artifacts(before).get(Spark), Artifacts(after).get(Spark)
        if gain is None or gain.basis != "run" or slow.parent.name == "spark-startup":
            continue
        share, low, high = (
            100 * each * first.run_seconds / first.job_seconds for each in (gain.share, gain.low, gain.high)
        )
        obtained = 100 * (1 - last.job_seconds / first.job_seconds)
        rows.append(f"| {slow.parent.name} | {share:.0f} % ({low:.0f} to {high:.0f}) | {obtained:.0f} % |")
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("traces", type=Path, metavar="TRACES")
    parser.add_argument("--markdown", type=Path)
    arguments = parser.parse_args()
    truths: dict[str, Any] = json.loads((arguments.traces / "kineto.shared.json").read_text(encoding="utf-8"))
    truths |= OTHERS
    rows = ["| trace | ours (computed by others) | first finding |", "| --- | --- | --- |"]
    agree = True
    for name, truth in truths.items():
        try:
            _, diagnosis = analyse(arguments.traces / name)
        except RunError as error:
            rows.append(f"| {name} | {error} | |")
            agree = False
            continue
        figures = compare_others(diagnosis, truth) if name in OTHERS else compare(diagnosis, truth)
        known_one = next((figure for part, (figure, _) in KNOWN.items() if part in name), None)
        agree &= all(each.agrees or each.what == known_one for each in figures)
        first = diagnosis.findings[0].finding.detector if diagnosis.findings else "nothing"
        rows.append(f"| {name.removeprefix('kineto/')} | {'; '.join(map(str, figures)) or 'no device'} | {first} |")
    rows += ["", *(f"{part}: {figure}: {why}." for part, (figure, why) in KNOWN.items())]
    of_spark, right = spark(arguments.traces)
    rows += ["", *of_spark, "", *spark_pairs(LOGS)]
    agree &= right
    print("\n".join(rows))
    if arguments.markdown:
        arguments.markdown.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
