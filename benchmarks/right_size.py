"""Right-size advice, tried: does the smaller machine take as long as the report says?

    python benchmarks/right_size.py [--only NAME ...] [--cores N] [--rounds N] [--markdown FILE]

Each pipeline runs under ``bottleneck run`` on all cores, and again on N of them (``taskset``), with as much memory as
the report calls enough where a cgroup may be made. The time of a step on the smaller machine, in times of that on the
whole one, is compared with the range that the first report gives; of a pipeline without steps, the time of the run.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bottleneck_profiler as bp
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.training.steps import Steps
from bottleneck_profiler.diagnosis.cost.model import Size
from bottleneck_profiler.recording.read import load

PIPELINES = Path(__file__).resolve().parent.parent / "sample_pipelines"
#: Those that wait, that use one thread, that use both cores with threads, and with processes.
CHOSEN = (
    "slow-storage", "per-sample-fetch", "step-jitter", "loop-waits-for-input", "worker-respawn", "hot-logging",
    "sync-checkpoint", "residual-python", "too-few-workers", "allocator-churn",
)  # fmt: skip
CGROUPS = (  # of version 1 and 2: the folder, the file with the limit
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
    (Path("/sys/fs/cgroup"), "memory.max"),
)


@dataclass(frozen=True)
class Measured:
    """One recorded run: seconds of a step (of the run, where it has none), and what the report says of its size."""

    seconds: float
    size: Size
    exit_code: int


@contextlib.contextmanager
def limited(memory_bytes: float | None) -> Iterator[Path | None]:
    """A cgroup with so much memory; None where that is not permitted, or nothing is to be limited."""
    for base, name in CGROUPS if memory_bytes else ():
        group = base / f"bottleneck-{os.getpid()}"
        try:
            group.mkdir()
            (group / name).write_text(str(int(memory_bytes or 0)))
        except OSError:
            with contextlib.suppress(OSError):
                group.rmdir()
            continue
        try:
            yield group
        finally:
            with contextlib.suppress(OSError):
                group.rmdir()
        return
    yield None


def run(pipeline: str, cores: int | None = None, memory_bytes: float | None = None) -> Measured:
    """Record one run on so many cores, with so much memory."""
    with tempfile.TemporaryDirectory() as folder, limited(memory_bytes) as group:
        command = [sys.executable, "-m", "bottleneck_profiler.cli", "run", "-q", "--no-probe"]
        command += ["--run-dir", f"{folder}/run", "--", sys.executable, "slow.py"]
        if cores is not None:
            chosen = sorted(os.sched_getaffinity(0))[:cores]
            command = ["taskset", "-c", ",".join(map(str, chosen)), *command]

        def join() -> None:
            if group is not None:
                (group / "cgroup.procs").write_text(str(os.getpid()))

        done = subprocess.run(command, cwd=PIPELINES / pipeline, capture_output=True, preexec_fn=join, check=False)
        recording = load(Path(folder) / "run")
        steps = Artifacts(recording).find(Steps)
        seconds = steps.total_seconds / steps.count if steps is not None and steps.count else recording.wall_seconds
        return Measured(seconds, bp.read(f"{folder}/run").diagnosis.size, done.returncode)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=CHOSEN)
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--markdown", type=Path)
    arguments = parser.parse_args()
    table = [
        "| pipeline | cores busy at most | enough | memory enough | predicted on "
        f"{arguments.cores} | range | obtained |",
        "|" + " --- |" * 7,
    ]
    inside = []
    for pipeline in arguments.only:
        whole, small = list[Measured](), list[Measured]()
        for _ in range(arguments.rounds):
            whole.append(run(pipeline))
            small.append(run(pipeline, arguments.cores, whole[0].size.memory_enough))
        size = whole[0].size
        said = next((each for each in size.fewer_cores if each.cores == arguments.cores), None)
        if said is None or size.cores_peak is None:
            print(f"{pipeline}: {' '.join(size.missing) or 'nothing is said of so many cores'}", flush=True)
            continue
        obtained = statistics.median(b.seconds / a.seconds for a, b in zip(whole, small, strict=True))
        hit = said.low <= obtained <= said.high and not any(each.exit_code for each in small)
        inside.append(hit)
        memory = "-" if size.memory_enough is None else f"{size.memory_enough / (1 << 30):.0f} GiB"
        table.append(
            f"| {pipeline} | {size.cores_peak:.2f} | {size.cores_enough} | {memory} | {said.factor:.2f} | "
            f"{said.low:.2f} to {said.high:.2f} | {obtained:.2f}{'' if hit else ' **outside**'} |"
        )
        print(table[-1], flush=True)
    print(f"{sum(inside)} of {len(inside)} inside the range")
    if arguments.markdown:
        arguments.markdown.write_text("\n".join(table) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
