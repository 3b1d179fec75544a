"""Shared by the tests: run a program under ``bottleneck run`` and read what it left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PIPELINES = ROOT / "sample_pipelines"


@dataclass
class Ran:
    """One finished run."""

    code: int
    out: str
    err: str
    folder: Path

    @property
    def diagnosis(self) -> dict[str, Any]:
        return json.loads((self.folder / "diagnosis.json").read_text())

    @property
    def found(self) -> list[str]:
        return [finding["detector"] for finding in self.diagnosis["findings"]]


def bottleneck(folder: Path, *words: str | Path, options: tuple[str, ...] = (), **extra: Any) -> Ran:
    """``bottleneck run --run-dir <folder>/run <words>``; ``extra`` goes to subprocess.run."""
    run_dir = folder / "run"
    command = [sys.executable, "-m", "bottleneck_profiler.cli", "run", "--run-dir", str(run_dir), *options, "--"]
    done = subprocess.run(
        [*command, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=240,
        cwd=extra.pop("cwd", folder),
        env={**os.environ, **extra.pop("env", {})},
        check=False,
        **extra,
    )
    return Ran(done.returncode, done.stdout, done.stderr, run_dir)
