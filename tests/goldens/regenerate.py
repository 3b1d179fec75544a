"""Records the goldens anew: ``python tests/goldens/regenerate.py [ID ...]``, or ``--expect`` for the JSON alone.

A golden is a pair: ``<id>/fires.tar.gz`` recorded from ``slow.py`` and ``<id>/silent.tar.gz`` from ``fixed.py``, each
with the expected judgement beside it; ``silent_<what>.py`` in the same folder gives ``silent_<what>.tar.gz``.
Paths of the recording machine are replaced; look at the diff of the JSON files. What needs an accelerator is recorded
from ``simulated_gpu.py`` or ``simulated_device.py`` with the fake NVML library, and what nobody does to a machine
from ``simulated_host.py``, which puts made-up readings in the place of the host's; they say so. What needs a CPU quota
is recorded from ``small_training.py`` in a control group of its own, which takes root. What servers show are results
that others recorded, imported.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import io
import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

GOLDENS = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path.insert(0, str(GOLDENS.parent))
from goldens import simulated_host  # noqa: E402

if TYPE_CHECKING:
    from bottleneck_profiler.diagnosis.model import Diagnosis

ROOT = GOLDENS.parent.parent
PIPELINES = ROOT / "sample_pipelines"
#: Signatures that only an accelerator shows -> the simulation and what it is called with: (fires, silent).
IDLING = (("simulated_gpu.py", "0.2"), ("simulated_gpu.py", "0.001"))
TRACED = (
    "wide-dtype-transfer",
    "fp32-matmul",
    "launch-bound",
    "many-small-copies",
    "no-copy-overlap",
    "pageable-copy",
    "device-allocator",
    "sync-point",
    "unfused-pointwise",
)
SIMULATED_GPU = {
    "starved-gpu": IDLING,
    "idle-accelerator": IDLING,
    **{name: (("simulated_device.py", name), ("simulated_device.py", name, "fixed")) for name in TRACED},
}
#: What nobody wants to do to a machine -> the same.
SIMULATED_HOST = {
    "swapping": (("simulated_host.py", "swap"), ("simulated_host.py", "mapped-file")),
    "memory-near-limit": (("simulated_host.py", "full"), ("simulated_host.py", "shared")),
}
SIMULATED = {**SIMULATED_GPU, **SIMULATED_HOST}
#: Signatures of a control group -> cores that the quota of its group allows: (fires, silent).
LIMITED = {"throttled": (0.25, 8.0)}
#: Signatures of servers that others watched or tested -> the results of their tools: (fires, silent).
RESULTS = ROOT / "tests" / "watch" / "load"
IMPORTED = {
    "kv-cache-pressure": (RESULTS / "aiperf_conc32", RESULTS / "aiperf_conc1"),
    "saturation": (RESULTS / "perf_analyzer", RESULTS / "llmperf"),
}
#: Signatures that a run shows only if it is asked to -> how.
OPTIONS = {"quantisable-model": ["--probe-model"], **{name: ["--device-window", "8"] for name in TRACED}}
PRICES = {"idle-accelerator": 2.5}  # per hour of the machine


def programs(name: str) -> dict[str, tuple[str | Path, ...]]:
    """Golden -> what is run for it: the pair, and any healthy programs beside it."""
    if name in SIMULATED:
        (fires, *how), (silent, *fixed) = SIMULATED[name]
        return {"fires": (GOLDENS / fires, *how), "silent": (GOLDENS / silent, *fixed)}
    if name in IMPORTED:
        return {kind: (path,) for kind, path in zip(("fires", "silent"), IMPORTED[name], strict=True)}
    if name in LIMITED:
        return dict.fromkeys(("fires", "silent"), (GOLDENS / "small_training.py",))
    folder = PIPELINES / name
    healthy = {script.stem: (script,) for script in sorted(folder.glob("silent_*.py"))}
    return {"fires": (folder / "slow.py",), "silent": (folder / "fixed.py",), **healthy}


def expectation(run_dir: Path, name: str) -> dict[str, Any]:
    """What the analysis says of the recording of ``name``, without what changes with the machine that analyses.

    Of the detectors only the golden's own: a new one changes no other golden.
    """
    from bottleneck_profiler.prices import Prices
    from bottleneck_profiler.session import Asked, analyse

    _, diagnosis = analyse(run_dir, Asked(Prices(machine=PRICES[name]) if name in PRICES else None))
    return {
        "own": _own(diagnosis, name),
        "verdict": diagnosis.verdict,
        "steps": diagnosis.run.steps,
        "named_share": round(diagnosis.run.named_share, 3),
        "findings": [
            {
                "detector": ranked.finding.detector,
                "line": ranked.finding.location and f"{ranked.finding.location.file}:{ranked.finding.location.line}",
                "severity": ranked.severity,
                "gain": ranked.finding.gain
                and [
                    round(v, 3) for v in (ranked.finding.gain.low, ranked.finding.gain.share, ranked.finding.gain.high)
                ],
                "fix": ranked.finding.fix.summary,
            }
            for ranked in diagnosis.findings
        ],
        "plan": [step.detector for step in diagnosis.plan],
    }


def _own(diagnosis: Diagnosis, name: str) -> str:
    """What the golden's own detector said: "finding", "noticed", or what it is checked as.

    A known slow pattern has the detector of them all.
    """
    from bottleneck_profiler.patterns.known import PATTERNS

    if any(ranked.finding.detector == name for ranked in diagnosis.findings):
        return "finding"
    if any(ranked.finding.detector == name for ranked in diagnosis.also_noticed):
        return "noticed"
    judge = "hot-python" if name in {pattern.id for pattern in PATTERNS} else name
    return next((row.outcome for row in diagnosis.checked if row.detector == judge), "folded")


def unpack(golden: Path, folder: Path) -> Path:
    """The recording of a golden as a run folder below ``folder``."""
    with tarfile.open(golden) as archive:
        archive.extractall(folder, filter="data")
    return folder


@contextlib.contextmanager
def quota(cores: float) -> Iterator[list[str]]:
    """Words that put a command into a new control group with this CPU quota, of version 1 or 2."""
    first = Path("/sys/fs/cgroup/cpu")
    group = Path(tempfile.mkdtemp(prefix="golden-", dir=first if first.is_dir() else first.parent))
    if first.is_dir():
        (group / "cpu.cfs_quota_us").write_text(str(int(cores * 100_000)))
    else:
        (group / "cpu.max").write_text(f"{int(cores * 100_000)} 100000")
    try:
        yield ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]
    finally:
        group.rmdir()


def record(golden: Path, *words: str | Path, within: list[str] | None = None) -> None:
    """Run a script under bottleneck, by a command that begins with ``within``, and pack what it recorded."""
    simulated, traced = golden.parent.name in SIMULATED_GPU, golden.parent.name in TRACED
    with tempfile.TemporaryDirectory() as name:
        run_dir = Path(name) / "run"
        recorded = ["run", "-q", *OPTIONS.get(golden.parent.name, [])]
        how = ["import"] if golden.parent.name in IMPORTED else recorded
        command = [sys.executable, "-m", "bottleneck_profiler.cli", *how, "--run-dir", str(run_dir)]
        subprocess.run(
            [*(within or ()), *command, "--", *map(str, words)],
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=name,
            env={**os.environ, **(fake_nvml(Path(name), 90 if traced else 0) if simulated else {})},
        )
        if golden.parent.name in SIMULATED_HOST:
            simulated_host.rewrite(run_dir, str(words[-1]))
        golden.parent.mkdir(exist_ok=True)
        pack(run_dir, golden, name, simulated)


def fake_nvml(folder: Path, percent: int) -> dict[str, str]:
    """The environment in which nvidia-ml-py finds the compiled fake library, and one device in it, so much in use."""
    library, script = folder / "libnvidia-ml.so.1", folder / "nvml.txt"
    source = ROOT / "tests" / "host" / "fake_nvml.c"
    flags = ("-shared", "-fPIC", "-Wl,-soname,libnvidia-ml.so.1")
    subprocess.run(["gcc", *flags, "-o", str(library), str(source)], check=True)
    script.write_text(f"count 1\ngpu0.uuid GPU-0\ngpu0.name Simulated accelerator\ngpu0.utilization {percent}\n")
    return {"LD_LIBRARY_PATH": str(folder), "FAKE_NVML": str(script)}


def pack(run_dir: Path, golden: Path, temporary: str, simulated: bool) -> None:
    """A reproducible archive of run.json and tables, paths made neutral."""
    places = {
        str(ROOT): "/project",
        # An environment may borrow packages of another one: every folder that modules come from.
        **{path: "/site-packages" for path in sys.path if path.endswith("site-packages")},
        sysconfig.get_paths()["stdlib"]: "/stdlib",
        sys.prefix: "/environment",
        temporary: "/tmp/run",
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in [run_dir / "run.json", *sorted((run_dir / "tables").iterdir())]:
            data = path.read_bytes()
            if path.suffix in (".json", ".jsonl"):
                text = data.decode()
                for old, new in places.items():
                    text = text.replace(old, new)
                data = text.encode()
            if path.name == "run.json":
                run = json.loads(data)
                if "machine" in run:
                    run["machine"]["hostname"] = "golden"
                run["gpu_simulated"] = simulated
                data = json.dumps(run).encode()
            entry = tarfile.TarInfo(str(path.relative_to(run_dir)))
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    with open(golden, "wb") as file, gzip.GzipFile(fileobj=file, mode="wb", mtime=0, filename="") as packed:
        packed.write(buffer.getvalue())


def expect(golden: Path) -> None:
    """Write the expected judgement beside a golden."""
    with tempfile.TemporaryDirectory() as name:
        text = json.dumps(expectation(unpack(golden, Path(name)), golden.parent.name), indent=1)
    golden.with_name(golden.name.replace(".tar.gz", ".json")).write_text(text + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    every = sorted([*SIMULATED, *LIMITED, *IMPORTED, *(path.parent.name for path in PIPELINES.glob("*/slow.py"))])
    parser.add_argument("names", nargs="*", metavar="ID", help="signatures (default: all)", choices=[[], *every])
    parser.add_argument("--expect", action="store_true", help="judge the recordings anew, record nothing")
    arguments = parser.parse_args()
    only_expect = arguments.expect
    for name in arguments.names or every:
        for kind, words in programs(name).items():
            golden = GOLDENS / name / f"{kind}.tar.gz"
            if not only_expect and name in LIMITED:
                with quota(LIMITED[name][kind == "silent"]) as within:
                    record(golden, *words, within=within)
            elif not only_expect:
                record(golden, *words)
            expect(golden)
            found = json.loads(golden.with_name(f"{kind}.json").read_text())["findings"]
            print(f"{name} {kind}: {', '.join(f['detector'] for f in found) or 'nothing'}", flush=True)


if __name__ == "__main__":
    main()
