"""Runs the supervisor in a process of its own, as the command does, and collects what it saw."""

from __future__ import annotations

import ast
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from helpers import finished

DRIVER = Path(__file__).with_name("driver.py")


class Result:
    """What a supervised run left behind: streams, the `Ended` fields, the side-file lines."""

    def __init__(self, run_dir: Path, returncode: int, stdout: bytes, stderr: bytes) -> None:
        self.run_dir, self.returncode, self.stdout, self.stderr = run_dir, returncode, stdout, stderr
        self.ended: dict[str, Any] = json.loads((run_dir / "ended.json").read_text())
        self.notes = notes(run_dir)

    @property
    def hellos(self) -> list[dict[str, Any]]:
        return sorted((f for kind, f in self.notes if kind == "hello"), key=lambda f: f["time_ns"])


def notes(run_dir: Path) -> list[tuple[str, dict[str, Any]]]:
    """Every line of every side file."""
    live = run_dir / "live"
    return [ast.literal_eval(line) for p in sorted(live.glob("*.side")) for line in p.read_text().splitlines()]


def environment(**more: str) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("BOTTLENECK") and k != "PYTHONPATH"}
    return {**clean, **more}


def driver_words(run_dir: Path, argv: Sequence[str], *options: str) -> list[str]:
    return [sys.executable, str(DRIVER), *options, str(run_dir), *map(str, argv)]


def drive(
    tmp_path: Path,
    argv: Sequence[str],
    *,
    stdin: bytes = b"",
    env: dict[str, str] | None = None,
    options: Sequence[str] = (),
) -> Result:
    run_dir = tmp_path / "run"
    done = finished(
        driver_words(run_dir, argv, *options, *(f"--env={k}={v}" for k, v in (env or {}).items())),
        input=stdin,
        env=environment(),
        timeout=60,
        cwd=tmp_path,
    )
    assert (run_dir / "ended.json").exists(), done.stderr.decode()
    return Result(run_dir, done.returncode, done.stdout, done.stderr)
