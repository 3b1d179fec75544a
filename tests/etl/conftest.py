"""A recorded program: a script is run with the child half attached, and its notes and records are read back."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import textwrap
from functools import cache
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

    @classmethod
    def of_code(cls, folder: Path, code: str, start: bool = True) -> Recorded:
        """``code``, recorded from its first line on, or from where it says so itself."""
        run_dir, done = ran(folder, (START if start else "") + textwrap.dedent(code))
        return cls(run_dir, done.stdout, done.stderr, done.returncode)

    def of(self, kind: str) -> list[dict]:
        return [fields for name, fields in self.notes if name == kind]

    def count(self, phase: int) -> int:
        return self.kinds.count(phase)


def ran(folder: Path, code: str) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """(run folder, the ended process) of ``code`` as a script in ``folder``."""
    run_dir = folder / f"run{len(list(folder.glob('run*')))}"
    (run_dir / signals.LIVE).mkdir(parents=True)
    script = folder / "script.py"
    script.write_text(code)
    environ = {**os.environ, "RUN_DIR": str(run_dir)}
    words = [sys.executable, str(script)]
    return run_dir, subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True, timeout=120)


@pytest.fixture
def program(tmp_path):
    """``program(code, start=True)`` runs ``code`` in a folder of its own."""

    def run(code: str, start: bool = True) -> Recorded:
        return Recorded.of_code(tmp_path, code, start)

    return run


@pytest.fixture(scope="module")
def plainly(tmp_path_factory):
    """``plainly(code)``: the process of ``code`` without us; the same code is run once."""

    @cache
    def run(code: str) -> subprocess.CompletedProcess[str]:
        return ran(tmp_path_factory.mktemp("plain"), textwrap.dedent(code))[1]

    return run


def literal(text: str) -> object:
    return ast.literal_eval(text.strip().splitlines()[-1])
