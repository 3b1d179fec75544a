"""What bottleneck says of a real device, against what was planted, obtained, and seen by torch.profiler.

    python benchmarks/device.py [--device NAME] [--out FOLDER] [--limit SECONDS] [--only NAME ...] [--wheels FOLDER]

One command of at most eight minutes for a machine with a GPU and no network: it needs torch, and in ``--wheels`` the
wheels of our dependencies that are not installed there (OpenTelemetry and pyinstrument may be missing). Steps run in
the order of their value, each within what is left of the limit, and results are written after each: ``results.jsonl``,
``summary.md``, and ``recordings.tar`` with a golden of each recorded program. The programs are in ``on_device/``. On a
CPU (``--device cpu``), and on the simulated device of the tests (``sim``), they show that all of this works; what only
a real device has is not judged there.

Per pair: both programs plainly in one process (obtained), the slow one by default, and both with ``--device-window``;
the trace of the window is read by a second reader here, so that busy and idle are compared on the same steps.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from device_report import PAIRS, problems, summary

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PROGRAMS = HERE / "on_device"
CONTROLS = ("saturated", "item_every_step", "clip", "accumulate", "evaluate", "hidden_loader", "amp", "cuda_graph",
            "two_streams", "data_parallel", "compiled")  # fmt: skip
NEEDS_CUDA = ("amp", "cuda_graph", "two_streams", "data_parallel")
WINDOW = 10
WORK = ("kernel", "gpu_memcpy", "gpu_memset")  # categories of a Chrome trace that occupy the device
Result = dict[str, Any]  # of one step: filled as it goes
_PROGRAM_SECONDS = 120.0  # no program takes longer, unless it hangs


class NoTimeLeft(Exception):
    """The limit was reached: no fault of what was being measured."""


@dataclass
class Bench:
    """One run of the benchmark. ``deadline``: on the monotonic clock."""

    device: str
    out: Path
    deadline: float
    environ: dict[str, str]
    results: list[Result] = field(default_factory=list)

    @property
    def left(self) -> float:
        return self.deadline - time.monotonic()

    def run(self, *words: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
        """A Python program, at most until the deadline. RuntimeError when it fails, NoTimeLeft then."""
        limit = max(1.0, min(self.left, _PROGRAM_SECONDS))
        command = [sys.executable, *map(str, words)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=limit, env={**self.environ, **environ}, check=False
            )
        except subprocess.TimeoutExpired:
            if limit < _PROGRAM_SECONDS:
                raise NoTimeLeft from None
            raise RuntimeError(f"took longer than {limit:.0f} s: {' '.join(command[1:])}") from None
        if done.returncode:
            raise RuntimeError(f"{' '.join(command[1:])}: {(done.stderr.strip() or done.stdout).splitlines()[-1:]}")
        return done

    def plain(self, script: str, *words: str, **environ: str) -> dict[str, float]:
        """The numbers that a program prints."""
        found: dict[str, float] = {}
        for line in self.run(PROGRAMS / f"{script}.py", *words, **environ).stdout.splitlines():
            if line.startswith("RESULT "):
                found.update(json.loads(line[7:]))
        return found

    def recorded(self, name: str, script: str, *words: str, window: bool = False, **environ: str) -> Recorded:
        """A program under ``bottleneck run``, kept as a golden; with the trace of its window, if it has one."""
        with tempfile.TemporaryDirectory() as folder:
            run_dir, traces = Path(folder) / "run", Path(folder) / "traces"
            traces.mkdir()
            options = ["--device-window", str(WINDOW)] if window else []
            watch = _Traces(run_dir / "live", traces)
            with watch:
                self.run(
                    "-m", "bottleneck_profiler.cli", "run", "-q", "--run-dir", run_dir, *options, "--",
                    PROGRAMS / f"{script}.py", *words, **environ,
                )  # fmt: skip
            diagnosis = json.loads((run_dir / "diagnosis.json").read_text())
            trace = next(iter(traces.iterdir()), None)
            self._keep(name, run_dir, folder)
            return Recorded(diagnosis, None if trace is None else true_use(trace), energies(run_dir))

    def _keep(self, name: str, run_dir: Path, temporary: str) -> None:
        from goldens import regenerate

        golden = run_dir.parent / f"{name}.tar.gz"
        regenerate.pack(run_dir, golden, temporary, simulated=self.device == "sim")
        with tarfile.open(self.out / "recordings.tar", "a") as archive:
            archive.add(golden, golden.name)

    def write(self, result: Result) -> None:
        """Add a result to both files."""
        self.results.append(result)
        with open(self.out / "results.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
        (self.out / "summary.md").write_text(summary(self.device, self.results), encoding="utf-8")


@dataclass
class Recorded:
    """``truth``: what the second reader saw in the trace of the window. ``energy``: joules by basis."""

    diagnosis: dict[str, Any]
    truth: dict[str, float] | None
    energy: dict[str, float | None]

    @property
    def found(self) -> list[str]:
        return [finding["detector"] for finding in self.diagnosis["findings"]]

    @property
    def noticed(self) -> list[str]:
        """What would save too little of so short a run to be a finding."""
        return [finding["detector"] for finding in self.diagnosis["also_noticed"]]

    @property
    def phases(self) -> dict[str, float]:
        """Share of the run by phase."""
        return {row["phase"]: round(row["share"], 3) for row in self.diagnosis["breakdown"]}

    def shares(self, truth: dict[str, float] | None) -> dict[str, Any]:
        """Our busy and idle share of the device that did most, and their basis, beside the true ones."""
        use = max(self.diagnosis["devices"], key=lambda use: use["busy_share"] or 0.0, default={})
        ours = {name: use.get(name) for name in ("busy_share", "idle_share", "basis")}
        return {**ours, **{f"true_{name}": value for name, value in (truth or {}).items()}}


class _Traces:
    """Links every trace that appears in ``live`` into ``kept``: the recording deletes it once it has been read."""

    def __init__(self, live: Path, kept: Path) -> None:
        self._live, self._kept, self._over = live, kept, threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            for trace in self._live.glob("*.trace.json"):
                if not (self._kept / trace.name).exists():
                    os.link(trace, self._kept / trace.name)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def true_use(trace: Path) -> dict[str, float] | None:
    """Busy and idle share between the first mark of our clock and the last traced step; None without device work."""
    events = json.loads(trace.read_text(encoding="utf-8", errors="replace"))["traceEvents"]
    events = [e for e in events if e.get("cat") != "gpu_user_annotation"]  # the device's copy of a mark of the host
    marks = [e["ts"] + e["dur"] for e in events if e.get("name") == "bottleneck.clock" and "dur" in e]
    steps = [e["ts"] + e["dur"] for e in events if str(e.get("name")).startswith("ProfilerStep#") and "dur" in e]
    work = sorted((e["ts"], e["ts"] + e["dur"]) for e in events if e.get("cat") in WORK and "dur" in e)
    if not marks or not steps or not work:
        return None
    begin, end = min(marks), max(steps)
    busy, until = 0.0, begin
    for start, stop in work:
        busy += max(0.0, min(stop, end) - max(start, until))
        until = max(until, min(stop, end))
    return {"busy_share": busy / (end - begin), "idle_share": 1 - busy / (end - begin)}


def energies(run_dir: Path) -> dict[str, float | None]:
    """Joules by the counter, and by samples of the power; None where one is not measured."""
    from bottleneck_profiler.artifacts import Artifacts, Missing
    from bottleneck_profiler.artifacts.device.energy import Energy
    from bottleneck_profiler.recording.read import load

    found: dict[str, float | None] = {}
    for basis, without in (("counter", "power_watts"), ("power", "energy_joules_total")):
        recording = load(run_dir)
        recording.gpu.pop(without, None)
        try:
            found[basis] = Artifacts(recording).get(Energy).joules
        except Missing:
            found[basis] = None
    return found


# -- the steps ------------------------------------------------------------------------------------------------


def machine(bench: Bench, result: Result) -> None:
    """Versions, and what NVML says of each GPU while a program keeps the device busy."""
    script = "import platform, torch; print(platform.python_version(), torch.__version__, torch.version.cuda)"
    result["versions"] = bench.run("-c", script).stdout.split()
    words = [sys.executable, str(PROGRAMS / "controls.py"), "saturated"]
    with subprocess.Popen(words, env={**bench.environ, "STEPS": "1000000"}) as busy:
        try:
            time.sleep(min(8.0, bench.left / 4))
            top = bench.run("-m", "bottleneck_profiler.cli", "top", "--once", "--json", "--interval", "2")
        finally:
            busy.kill()
    look = json.loads(top.stdout)
    result.update(pid=busy.pid, gpus=look["gpus"], notes=look["notes"])


def pair(bench: Bench, result: Result, name: str) -> None:
    """Found against planted, predicted against obtained, busy and idle against the profiler's."""
    slow = bench.recorded(f"{name}-fires", name, "slow", window=True)
    found, rows = slow.found, slow.diagnosis["findings"]
    if bench.device != "cuda" and not found:  # importing torch is most of such a run
        found, rows = slow.noticed, slow.diagnosis["also_noticed"]
    first = next(iter(rows), {})
    gain = first.get("gain") or {}
    result.update(
        found=found,
        predicted=gain.get("step_share"),
        run_range=[gain.get("low"), gain.get("share"), gain.get("high")],
        right=found[:1] != [] and found[0] in PAIRS[name],
        line_right="# planted" in line_of(first.get("location") or {}),
        slow=slow.shares(slow.truth),
        energy=slow.energy,
    )
    result["step_seconds"] = plain = bench.plain(name, "slow", "fixed")
    result["obtained"] = 1 - plain["fixed"] / plain["slow"]
    fixed = bench.recorded(f"{name}-silent", name, "fixed", window=True)
    result.update(found_in_fixed=fixed.found, fixed=fixed.shares(fixed.truth))
    default = bench.recorded(f"{name}-default", name, "slow")
    result.update(found_by_default=default.found, default=default.shares(slow.truth))
    result.update(headline=default.diagnosis["headline"], phases=default.phases)


def line_of(place: dict[str, Any]) -> str:
    """The source of a location; "" if there is none."""
    path = Path(place.get("file", ""))
    lines = path.read_text().splitlines() if path.is_file() else []
    number = place.get("line", 0)
    return lines[number - 1] if 0 < number <= len(lines) else ""


def control(bench: Bench, result: Result, name: str) -> None:
    """What is found in a healthy program, by default and with the window."""
    if name in NEEDS_CUDA and bench.device != "cuda":
        result["skipped"] = "needs CUDA"
        return
    traced = bench.recorded(f"control-{name}", "controls", name, window=True)
    result.update(found=traced.found, window=traced.shares(traced.truth))
    default = bench.recorded(f"control-{name}-default", "controls", name)
    result.update(found=[*default.found, *traced.found], default=default.shares(traced.truth), energy=default.energy)


def cost(bench: Bench, result: Result) -> None:
    """Seconds of a step in several ways, in turn, the least of two rounds; those in the window itself do not count."""
    run = ("-m", "bottleneck_profiler.cli", "run", "-q", "--run-dir")
    ways: dict[str, dict[str, float]] = result.setdefault("ways", {})
    for _ in range(2):
        for way in ("alone", "recorded", "recorded without events", "recorded after a device window"):
            environ = {"NO_EVENTS": "1"} if way.endswith("without events") else {}
            window = ("--device-window", str(WINDOW)) if way.endswith("window") else ()
            with tempfile.TemporaryDirectory() as folder:
                recorded = () if way == "alone" else (*run, f"{folder}/run", *window, "--")
                done = bench.run(*recorded, PROGRAMS / "cost.py", **environ)
            printed = json.loads(done.stdout.rpartition("RESULT ")[2])
            best = ways.setdefault(way, dict(printed))
            best.update({unit: min(best[unit], seconds) for unit, seconds in printed.items()})


def steps() -> dict[str, Callable[[Bench, Result], None]]:
    """Every step by name, the most valuable first."""
    first, *later = (f"control:{name}" for name in CONTROLS)
    controls = {f"control:{name}": partial(control, name=name) for name in CONTROLS}
    pairs = {name: partial(pair, name=name) for name in PAIRS}
    return {"machine": machine, **pairs, first: controls[first], "cost": cost, **{n: controls[n] for n in later}}


def environment(device: str, wheels: Path | None, folder: Path) -> dict[str, str]:
    """Where the programs find us and, from ``wheels``, what we need."""
    (folder / "bottleneck_profiler").symlink_to(ROOT / "bottleneck")
    paths = [str(folder)]
    if wheels is not None:
        target = folder / "site"
        files = map(str, sorted(wheels.glob("*.whl")))
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--target", str(target), *files]
        subprocess.run(pip, check=True)
        paths.append(str(target))
    if device == "sim":
        paths.append(str(ROOT / "tests" / "device" / "dist-packages"))
    sys.path[:0] = [*paths, str(ROOT / "tests")]
    before = [os.environ["PYTHONPATH"]] if os.environ.get("PYTHONPATH") else []
    threads = {} if device == "cuda" else {"OMP_NUM_THREADS": "1"}  # the host's work stands for the device's
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*paths, *before]), "DEVICE": device, **threads}


def best_device() -> str:
    script = "import torch; print('cuda' if torch.cuda.is_available() else 'cpu')"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", help="torch's name (default: cuda if there is one, else cpu)")
    parser.add_argument("--out", type=Path, default=Path("device-results"), help="folder for the results")
    parser.add_argument("--limit", type=float, default=470.0, metavar="SECONDS")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="names of steps: machine, a pair, cost, control:NAME")
    parser.add_argument("--wheels", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    deadline = time.monotonic() + arguments.limit
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        device = arguments.device or best_device()
        bench = Bench(device, arguments.out, deadline, environment(device, arguments.wheels, Path(folder)))
        for name, step in steps().items():
            if arguments.only and name not in arguments.only:
                continue
            began = time.monotonic()
            result: Result = {"step": name}
            try:
                if bench.left > 5:
                    step(bench, result)
                else:
                    result["skipped"] = "no time was left"
            except NoTimeLeft:  # what was measured before it stays, as after an error
                result["skipped"] = "the limit was reached"
            except Exception as error:
                result["error"] = f"{type(error).__name__}: {error}"
            result["seconds"] = round(time.monotonic() - began, 1)
            bench.write(result)
            print(f"{time.monotonic() - began:6.1f} s  {name}", flush=True)
    print((arguments.out / "summary.md").read_text())
    return 1 if problems(device, bench.results) else 0


if __name__ == "__main__":
    sys.exit(main())
