"""Records the goldens anew: ``python tests/goldens/regenerate.py [ID ...]``, or ``--expect`` for the JSON alone.

A golden is a pair: ``<id>/fires.tar.gz`` recorded from ``slow.py`` and ``<id>/silent.tar.gz`` from ``fixed.py``, each
with the expected judgement beside it. Paths of the recording machine are replaced; look at the diff of the JSON files.
What needs an accelerator is recorded from ``simulated_gpu.py`` with the fake NVML library, and what nobody wants to do
to a machine from ``simulated_host.py``, which puts made-up readings in the place of the host's; both say so.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from pathlib import Path
from typing import Any

GOLDENS = Path(__file__).resolve().parent
sys.path.insert(0, str(GOLDENS))
import simulated_host  # noqa: E402

ROOT = GOLDENS.parent.parent
PIPELINES = ROOT / "sample_pipelines"
#: Signatures that only an accelerator shows -> what simulated_gpu.py is called with: (fires, silent).
SIMULATED_GPU = {"starved-gpu": ("0.2", "0.001"), "idle-accelerator": ("0.2", "0.001")}
#: The same for simulated_host.py.
SIMULATED_HOST = {"swapping": ("swap", "mapped-file"), "memory-near-limit": ("full", "shared")}
SIMULATED = {**SIMULATED_GPU, **SIMULATED_HOST}
PRICES = {"idle-accelerator": 2.5}


def expectation(run_dir: Path, name: str) -> dict[str, Any]:
    """What the analysis says of the recording of ``name``, without what changes with the machine that analyses."""
    from bottleneck_profiler.session import analyse

    _, diagnosis = analyse(run_dir, PRICES.get(name))
    return {
        "verdict": diagnosis.verdict,
        "headline": diagnosis.headline,
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
        "checked": {row.detector: row.outcome for row in diagnosis.checked},
    }


def unpack(golden: Path, folder: Path) -> Path:
    """The recording of a golden as a run folder below ``folder``."""
    with tarfile.open(golden) as archive:
        archive.extractall(folder, filter="data")
    return folder


def record(golden: Path, *words: str | Path) -> None:
    """Run a script under bottleneck and pack what it recorded."""
    simulated = golden.parent.name in SIMULATED_GPU
    with tempfile.TemporaryDirectory() as name:
        run_dir = Path(name) / "run"
        command = [sys.executable, "-m", "bottleneck_profiler.cli", "run", "-q", "--run-dir", str(run_dir)]
        subprocess.run(
            [*command, "--", *map(str, words)],
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=name,
            env={**os.environ, **(fake_nvml(Path(name)) if simulated else {})},
        )
        if golden.parent.name in SIMULATED_HOST:
            simulated_host.rewrite(run_dir, str(words[-1]))
        golden.parent.mkdir(exist_ok=True)
        pack(run_dir, golden, name, simulated)


def fake_nvml(folder: Path) -> dict[str, str]:
    """The environment in which nvidia-ml-py finds the compiled fake library, and one idle device in it."""
    library, script = folder / "libnvidia-ml.so.1", folder / "nvml.txt"
    source = ROOT / "tests" / "host" / "fake_nvml.c"
    flags = ("-shared", "-fPIC", "-Wl,-soname,libnvidia-ml.so.1")
    subprocess.run(["gcc", *flags, "-o", str(library), str(source)], check=True)
    script.write_text("count 1\ngpu0.uuid GPU-0\ngpu0.name Simulated accelerator\ngpu0.utilization 0\n")
    return {"LD_LIBRARY_PATH": str(folder), "FAKE_NVML": str(script)}


def pack(run_dir: Path, golden: Path, temporary: str, simulated: bool) -> None:
    """A reproducible archive of run.json and tables, paths made neutral."""
    places = {
        str(ROOT): "/project",
        **{path: "/site-packages" for path in sys.path if path.endswith("site-packages")},
        sysconfig.get_paths()["purelib"]: "/site-packages",
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
    every = sorted([*SIMULATED, *(path.parent.name for path in PIPELINES.glob("*/slow.py"))])
    parser.add_argument("names", nargs="*", metavar="ID", help="signatures (default: all)", choices=[[], *every])
    parser.add_argument("--expect", action="store_true", help="judge the recordings anew, record nothing")
    arguments = parser.parse_args()
    only_expect = arguments.expect
    for name in arguments.names or every:
        for index, (kind, script) in enumerate((("fires", "slow.py"), ("silent", "fixed.py"))):
            golden = GOLDENS / name / f"{kind}.tar.gz"
            if not only_expect and name in SIMULATED:
                script = "simulated_host.py" if name in SIMULATED_HOST else "simulated_gpu.py"
                record(golden, GOLDENS / script, SIMULATED[name][index])
            elif not only_expect:
                record(golden, PIPELINES / name / script)
            expect(golden)
            found = json.loads(golden.with_name(f"{kind}.json").read_text())["findings"]
            print(f"{name} {kind}: {', '.join(f['detector'] for f in found) or 'nothing'}", flush=True)


if __name__ == "__main__":
    main()
