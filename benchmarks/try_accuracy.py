"""What `bottleneck try` says against what whole runs say, empty patches, and processes that are killed.

    python benchmarks/try_accuracy.py [--pairs [ID ...]] [--rounds N] [--empty N] [--kills N] [--json FILE]

``--pairs``: each pair of ``sample_pipelines`` (default: twelve of them) is recorded once, its patch is tried, and the
program as it is and with the same patch then run to their ends in turn; the obtained interval should hold the change of
the same figure there. The patch is the finding's own, else the difference between ``slow.py`` and ``fixed.py``.
``--empty N``: N trials of a patch that adds a comment; none may say "faster". ``--kills N``: at N random moments, one
random process of a trial is killed; after five seconds nothing may be left, and every file be as it was.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import hashlib
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from bottleneck_profiler.artifacts import Artifacts, Missing
from bottleneck_profiler.artifacts.training.steps import Steps
from bottleneck_profiler.recording.read import load
from bottleneck_profiler.trial.measure import Measure, value_of

PIPELINES = Path(__file__).resolve().parent.parent / "sample_pipelines"
BOTTLENECK = (sys.executable, "-m", "bottleneck_profiler.cli")
PAIRS = (
    "anomaly-detection-on", "eval-heavy", "hot-logging", "intra-op-threads", "optimizer-step", "padding-waste",
    "per-sample-fetch", "residual-python", "serial-collate", "step-jitter", "worker-respawn", "workers-zero",
)  # fmt: skip
MAX_HALF_POINTS, MAX_HALF_PART = 0.05, 0.25
LEFT_SECONDS = 5.0


def bottleneck(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*BOTTLENECK, *words], cwd=folder, capture_output=True, text=True)


@contextlib.contextmanager
def project_of(pair: str) -> Iterator[tuple[Path, str]]:
    """A folder with the slow program as train.py; and its difference to the fixed one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        slow, fixed = ((PIPELINES / pair / f"{which}.py").read_text() for which in ("slow", "fixed"))
        (folder / "train.py").write_text(slow)
        lines = (text.splitlines(keepends=True) for text in (slow, fixed))
        yield folder, "".join(difflib.unified_diff(*lines, "a/train.py", "b/train.py"))


def whole_run(folder: Path, name: str, measure: Measure) -> float:
    """The figure of one recorded run to its end."""
    bottleneck(folder, "run", "-q", "--no-probe", "--run-dir", name, "train.py")
    recording = load(folder / name)
    try:
        steps = Artifacts(recording).get(Steps)
        return value_of(measure, steps.start_ns, steps.end_ns, recording.wall_seconds)
    except Missing:
        return recording.wall_seconds
    finally:
        shutil.rmtree(folder / name)


def tried(folder: Path, *words: str) -> tuple[dict[str, Any] | None, float, str]:
    began = time.monotonic()
    done = bottleneck(folder, "try", "run", *words, "--json", "--max-minutes", "30")
    found = json.loads(done.stdout) if done.stdout else None
    return found, time.monotonic() - began, done.stderr.strip()


def pair(name: str, rounds: int) -> dict[str, Any]:
    with project_of(name) as (folder, diff):
        bottleneck(folder, "run", "-q", "--run-dir", "run", "train.py")
        diagnosis = json.loads((folder / "run" / "diagnosis.json").read_text())
        found = [each for each in (*diagnosis["findings"], *diagnosis["also_noticed"])]
        if not found:
            return {"pair": name, "problem": "no finding"}
        first = next((each for each in found if each["detector"] == name), found[0])
        own = first["fix"]["patch"]
        (folder / "my.diff").write_text(own or diff)
        words = [first["detector"]] if own else [first["detector"], "--patch", "my.diff"]
        result, seconds, said = tried(folder, *words)
        if result is None or result["obtained"] is None:
            return {"pair": name, "problem": said}
        measure = Measure(result["basis"], 1 << 40 if result["steps"] else 0, 0, 0.0)
        slow = (folder / "train.py").read_text()
        subprocess.run(["patch", "-p1", "-s", "-o", "fixed", "train.py", "my.diff"], cwd=folder, check=True)
        fixed = (folder / "fixed").read_text()
        ratios = []
        for _ in range(rounds):
            values = []
            for text in (slow, fixed):
                (folder / "train.py").write_text(text)
                values.append(whole_run(folder, "whole", measure))
            ratios.append(1.0 - values[1] / values[0])
    obtained = result["obtained"]
    basis, half = statistics.median(ratios), (obtained["high"] - obtained["low"]) / 2
    return {
        "pair": name,
        "own": bool(own),
        "answer": result["answer"],
        "basis": result["basis"],
        "steps": result["steps"],
        "pairs": result["pairs"],
        "obtained": obtained,
        "predicted": result["predicted"],
        "whole": basis,
        "inside": obtained["low"] <= basis <= obtained["high"],
        "half": half,
        "narrow": half <= max(MAX_HALF_POINTS, MAX_HALF_PART * abs(obtained["share"])),
        "seconds": seconds,
        "losses": result["losses"],
    }


def empty(number: int) -> dict[str, Any]:
    """A trial of a patch that changes nothing, of one pair after the other."""
    name = PAIRS[number % len(PAIRS)]
    with project_of(name) as (folder, _):
        text = (folder / "train.py").read_text()
        bottleneck(folder, "run", "-q", "--run-dir", "run", "train.py")
        lines = (each.splitlines(keepends=True) for each in (text, text + "# nothing\n"))
        (folder / "my.diff").write_text("".join(difflib.unified_diff(*lines, "a/train.py", "b/train.py")))
        result, seconds, said = tried(folder, "--patch", "my.diff")
    if result is None:
        return {"pair": name, "answer": said, "seconds": seconds}
    return {"pair": name, "answer": result["answer"], "obtained": result["obtained"], "seconds": seconds}


WRITER = """
import mmap, os, time, torch
from torch.utils.data import DataLoader
os.makedirs("out", exist_ok=True)
data = open("../data/data.mdb", "r+b")
pages = mmap.mmap(data.fileno(), 0)
torch.autograd.set_detect_anomaly(True)
layers = [layer for _ in range(20) for layer in (torch.nn.Linear(8, 8), torch.nn.ReLU())]
model = torch.nn.Sequential(*layers, torch.nn.Linear(8, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for epoch in range(4):
    for number, x in enumerate(DataLoader(torch.randn(1600, 8), batch_size=8, num_workers=1)):
        optimizer.zero_grad()
        model(x).sum().backward()
        optimizer.step()
        pages[number % len(pages)] = 120
        if number % 20 == 0:
            pages.flush()
            torch.save(model.state_dict(), "../checkpoints/last.pt")
            open(f"out/{epoch}-{number}", "w").write("log")
"""


def digest(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        found.update(repr((str(path), status.st_mode, status.st_size, status.st_mtime_ns)).encode())
        found.update(path.read_bytes() if path.is_file() else b"")
    return found.hexdigest()


def left_behind(processes: list[psutil.Process], mounts: str, temporary: set[str]) -> list[str]:
    found = [f"process {each.pid}" for each in processes if each.is_running() and each.status() != "zombie"]
    if Path("/proc/self/mountinfo").read_text() != mounts:
        found.append("mounts")
    return found + [name for name in set(os.listdir(tempfile.gettempdir())) - temporary if "bottleneck" in name]


def kills(count: int) -> list[dict[str, Any]]:
    rows = []
    chance = random.Random(7)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for folder in ("project", "data", "checkpoints"):
            (place / folder).mkdir()
        project = place / "project"
        (project / "train.py").write_text(WRITER)
        (place / "data" / "data.mdb").write_bytes(bytes(1 << 20))
        subprocess.run(["git", "init", "-q"], cwd=project, check=False)
        bottleneck(project, "run", "-q", "--run-dir", str(place / "run"), "train.py")
        before = digest(place)
        writable = [word for folder in ("data", "checkpoints") for word in ("--writable", str(place / folder))]
        for number in range(count):
            mounts, temporary = Path("/proc/self/mountinfo").read_text(), set(os.listdir(tempfile.gettempdir()))
            command = [*BOTTLENECK, "try", str(place / "run"), "anomaly-detection-on", *writable, "--max-minutes", "30"]
            trial = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            moment = chance.uniform(2.0, 30.0)
            time.sleep(moment)
            processes = [psutil.Process(trial.pid), *psutil.Process(trial.pid).children(recursive=True)]
            killed = processes[number % len(processes)]
            what = "the command itself" if killed.pid == trial.pid else killed.name()
            killed.kill()
            time.sleep(LEFT_SECONDS)
            if killed.pid != trial.pid:  # it says that the run failed, or has begun the next one
                with contextlib.suppress(psutil.Error):
                    processes += psutil.Process(trial.pid).children(recursive=True)
                trial.kill()
                time.sleep(LEFT_SECONDS)
            trial.wait()
            left = left_behind(processes, mounts, temporary)
            if digest(place) != before:
                left.append("files differ")
            rows.append({"moment": moment, "killed": what, "of": len(processes), "left": left})
            print(f"killed {what} after {moment:.1f} s: {', '.join(left) or 'nothing left'}", flush=True)
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", nargs="*", metavar="ID")
    parser.add_argument("--rounds", type=int, default=2, help="whole runs of each version (default 2)")
    parser.add_argument("--empty", type=int, default=0)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found: dict[str, list[dict[str, Any]]] = {"pairs": [], "empty": [], "kills": []}
    for name in () if arguments.pairs is None else arguments.pairs or PAIRS:
        found["pairs"].append(pair(name, arguments.rounds))
        print(json.dumps(found["pairs"][-1]), flush=True)
    for number in range(arguments.empty):
        found["empty"].append(empty(number))
        print(json.dumps(found["empty"][-1]), flush=True)
    found["kills"] = kills(arguments.kills)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1))
    measured = [row for row in found["pairs"] if "inside" in row]
    inside, narrow = (sum(row[key] for row in measured) for key in ("inside", "narrow"))
    faster = sum(row["answer"] == "faster" for row in found["empty"])
    left = sum(bool(row["left"]) for row in found["kills"])
    print(f"inside {inside} of {len(found['pairs'])}; narrow {narrow}; empty patch faster {faster} of "
          f"{len(found['empty'])}; something left {left} of {len(found['kills'])}")  # fmt: skip
    return int(inside < len(found["pairs"]) - 1 or narrow < len(measured) or faster > 0 or left > 0)


if __name__ == "__main__":
    sys.exit(main())
