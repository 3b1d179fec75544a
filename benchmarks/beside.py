"""What recording a training loop costs beside other profilers, at steps of about 0.1, 1, 10 and 100 ms.

    beside.py [--rounds N] [--steps MS ...] [--tools TOOL ...] [--markdown FILE]

Per tool and step length, child processes run the same loop with and without the tool in turn; the cheapest round of
each counts. Prints the additional CPU time of the training thread per step, its share of the step, the additional wall
time per step, and the additional CPU time of all processes over the run, start and end included. Tools that are not
installed are left out.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

#: Step in ms -> (width of the layer, rows of a batch, steps).
SIZES = {0.1: (8, 2, 30_000), 1: (256, 192, 5_000), 10: (512, 512, 500), 100: (1024, 1152, 50)}
MOST_TRACED = 3_000  # steps under torch.profiler, which keeps each event

LOOP = """
import contextlib, json, os, sys, time
import torch
torch.set_num_threads(1)
torch.manual_seed(0)
WIDTH, ROWS, STEPS, TOOL = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
model = torch.nn.Linear(WIDTH, WIDTH)
optimizer = torch.optim.SGD(model.parameters(), 0.01)
batch = torch.randn(ROWS, WIDTH)
around, each = contextlib.nullcontext(), contextlib.nullcontext
if TOOL == "pyinstrument":
    import pyinstrument
    around = pyinstrument.Profiler()
elif TOOL == "torch.profiler":
    around = torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU])
elif TOOL == "TraceML":
    import traceml_ai as traceml
    traceml.init(mode="auto")
    each = lambda: traceml.trace_step(model)

def steps(count):
    for _ in range(count):
        with each():
            optimizer.zero_grad()
            model(batch).square().mean().backward()
            optimizer.step()

steps(3)
with around:
    cpu, wall = time.thread_time(), time.perf_counter()
    steps(STEPS)
    cpu, wall = time.thread_time() - cpu, time.perf_counter() - wall
with open(sys.argv[5], "w") as file:  # TraceML takes standard output away
    json.dump({"cpu": cpu / STEPS, "wall": wall / STEPS}, file)
"""


@dataclass
class Cost:
    """Seconds: CPU of the training thread and wall time per step, and CPU of all processes over the run."""

    cpu: float
    wall: float
    whole: float

    def cheaper(self, other: Cost | None) -> Cost:
        if other is None:
            return self
        return Cost(min(self.cpu, other.cpu), min(self.wall, other.wall), min(self.whole, other.whole))


def program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def command(tool: str, script: Path, folder: Path, arguments: list[str]) -> list[str]:
    """The loop under ``tool``; profilers that are called from the program start in the loop itself."""
    plain = [sys.executable, str(script), *arguments]
    if tool == "bottleneck":
        return [program("bottleneck"), "run", "--quiet", "--run-dir", tempfile.mkdtemp(dir=folder) + "/run", *plain]
    if tool == "py-spy":
        return [program("py-spy"), "record", "--nonblocking", "-o", str(folder / "py-spy.svg"), "--", *plain]
    if tool == "TraceML":
        return [program("traceml"), "run", str(script), "--args", *arguments]
    return plain


def versions() -> dict[str, str]:
    """The tools that are installed, and their versions."""
    names = {"pyinstrument": "pyinstrument", "py-spy": "py-spy", "torch.profiler": "torch", "TraceML": "traceml-ai"}
    found = {"bottleneck": importlib.metadata.version("bottleneck-profiler")}
    for tool, package in names.items():
        try:
            found[tool] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            print(f"{tool} is not installed; it is left out", file=sys.stderr)
    return found


def measure(tool: str, step_ms: float, script: Path, folder: Path) -> Cost | None:
    """One child; None if it failed."""
    width, rows, count = SIZES[step_ms]
    if tool == "torch.profiler":
        count = min(count, MOST_TRACED)
    told = folder / "told.json"
    told.unlink(missing_ok=True)
    arguments = [str(width), str(rows), str(count), tool, str(told)]
    before = os.times()
    done = subprocess.run(command(tool, script, folder, arguments), capture_output=True, text=True, cwd=folder)
    after = os.times()
    whole = after.children_user + after.children_system - before.children_user - before.children_system
    if not told.exists():
        print(f"{tool} failed: {done.stderr.strip()[-500:]}", file=sys.stderr)
        return None
    return Cost(**json.loads(told.read_text()), whole=whole)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=float, nargs="*", choices=list(SIZES), default=list(SIZES), metavar="MS")
    parser.add_argument("--tools", nargs="*", metavar="TOOL")
    parser.add_argument("--markdown", type=Path, help="write the table to this file")
    arguments = parser.parse_args()
    installed = versions()
    tools = {name: version for name, version in installed.items() if name in (arguments.tools or installed)}
    rows = [
        f"On {datetime.date.today()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}, "
        + ", ".join(f"{name} {version}" for name, version in tools.items()) + ".",
        "",
        "| step | tool | CPU per step, training thread | share | wall time per step | CPU, all processes, whole run |",
        "| --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        script = folder / "loop.py"
        script.write_text(LOOP)
        for step in arguments.steps:
            best: dict[str, Cost] = {}
            for _ in range(arguments.rounds):
                for tool in ("plain", *tools):
                    cost = measure(tool, step, script, folder)
                    if cost is not None:
                        best[tool] = cost.cheaper(best.get(tool))
            plain = best["plain"]
            for tool in tools:
                if tool in best:
                    extra = best[tool].cpu - plain.cpu
                    # torch.profiler runs fewer of the short steps, so its whole run cannot be compared there.
                    same = tool != "torch.profiler" or SIZES[step][2] <= MOST_TRACED
                    whole = f"{best[tool].whole - plain.whole:+.1f} s" if same else "-"
                    wall, share = (best[tool].wall - plain.wall) * 1e6, 100 * extra / plain.cpu
                    rows.append(
                        f"| {plain.wall * 1e3:.2f} ms | {tool} | {extra * 1e6:+.0f} µs | {share:+.1f} % | "
                        f"{wall:+.0f} µs | {whole} |"
                    )
                    print(rows[-1], flush=True)
    if arguments.markdown:
        arguments.markdown.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
