"""Arguments that a call gets in memory, in a program that gives others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import pandas
from pandas import read_csv

options = {"usecols": None}
def inner(path):
    return pandas.read_csv(path, **options)

print(list(inner("table.csv").columns), list(read_csv("table.csv").columns))
"""


LOADER = """
from torch.utils.data import DataLoader

options = {"num_workers": 0}
def made(positional):
    return DataLoader([1, 2], 1, True) if positional else DataLoader([1, 2], batch_size=1, **options)

print(made(False).num_workers, made(True).batch_size, DataLoader([1, 2]).num_workers)
"""


def recorded(folder: Path, override: dict[str, object]) -> str:
    from bottleneck_profiler.trial.arm import Asked

    code = "import sys, json; from bottleneck_profiler.trial import arm; arm._redirect = lambda descriptor: None; "
    code += "print(arm.run(arm.Asked(**json.loads(sys.argv[1]))).problem)"
    asked = json.dumps(vars(Asked(["train.py"], str(folder), override=override)))
    done = subprocess.run([sys.executable, "-c", code, asked], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("line", [7, 8])
def test_only_the_call_at_the_line_gets_them(tmp_path: Path, line: int) -> None:
    (tmp_path / "train.py").write_text(PROGRAM)
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    override = {
        "file": str(tmp_path / "train.py"),
        "line": line,
        "function": "pandas.read_csv",
        "values": {"usecols": ["b"]},
    }
    seen = "['b'] ['a', 'b']" if line == 7 else "['a', 'b'] ['a', 'b']"
    assert seen in recorded(tmp_path, override)


def test_a_class_and_an_argument_by_position(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(LOADER)
    override = {
        "file": str(tmp_path / "train.py"),
        "line": 6,
        "function": "torch.utils.data.DataLoader",
        "values": {"num_workers": 2, "batch_size": 2},
    }
    assert "2 2 0" in recorded(tmp_path, override)
