"""A recorded program: a script is run with the child half attached, and its notes and records are read back."""

from __future__ import annotations

import ast
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.capture.drain import Drain

START = """
import os
from bottleneck_profiler.agent import bootstrap as child
child.start(os.environ["RUN_DIR"], "stacks=off")
"""


class Recorded:
    def __init__(self, run_dir: Path, output: str, error: str, code: int) -> None:
        self.output, self.error, self.code = output, error, code
        drain = Drain(run_dir)
        drain.poll(everything=True)
        self.notes = [(kind, fields) for _, kind, fields in drain.notes]
        assert not drain.dropped, "the program wrote more than a ring holds, and nobody reads the rings while it runs"
        _, tables = drain.take(final=True)
        records = [record for table in tables.values() for record in table]
        self.kinds = [int(record["kind"]) for record in records]

    def of(self, kind: str) -> list[dict]:
        return [fields for name, fields in self.notes if name == kind]

    def count(self, phase: int) -> int:
        return self.kinds.count(phase)


@pytest.fixture
def program(tmp_path):
    """``program(code, start=True)`` runs ``code`` in a folder of its own."""

    def run(code: str, start: bool = True) -> Recorded:
        run_dir = tmp_path / f"run{len(list(tmp_path.glob('run*')))}"
        (run_dir / signals.LIVE).mkdir(parents=True)
        script = tmp_path / "script.py"
        script.write_text((START if start else "") + textwrap.dedent(code))
        done = subprocess.run(
            [sys.executable, str(script)], cwd=tmp_path, env={**__import__("os").environ, "RUN_DIR": str(run_dir)},
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        return Recorded(run_dir, done.stdout, done.stderr, done.returncode)

    return run


def literal(text: str) -> object:
    return ast.literal_eval(text.strip().splitlines()[-1])
