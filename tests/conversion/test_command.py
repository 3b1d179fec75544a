"""``bottleneck convert`` on a real run: the files are written, the lines are shown, and the program prints the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import bottleneck

PROGRAM = """\
import sys

import pandas as pd

total = 0.0
for number in range(4):
    frame = pd.read_csv(sys.argv[1] + f"/part{number % 2}.csv", usecols=["value", "town"])
    total += frame["value"].sum() + frame["town"].isna().sum()
print(total)
"""


def convert(folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bottleneck_profiler.cli", "convert", *map(str, words)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def test_the_program_reads_the_converted_files(tmp_path):
    pandas = pytest.importorskip("pandas")
    rows = 150_000
    table = {"value": [i % 50 / 7 for i in range(rows)], "town": ["Bern", "NA", "Rome"] * (rows // 3)}
    for number in range(2):
        pandas.DataFrame({**table, **{f"c{i}": table["value"] for i in range(4)}}).to_csv(
            tmp_path / f"part{number}.csv"
        )
    script = tmp_path / "job.py"
    script.write_text(PROGRAM)
    os.utime(script, ns=(10**18, 10**18))
    before = {path: path.read_bytes() for path in tmp_path.glob("part*.csv")}
    ran = bottleneck(tmp_path, "job.py", ".")
    assert "csv-instead-of-parquet" in ran.found and "Files:  bottleneck convert" in ran.err, ran.err

    planned = convert(tmp_path, ran.folder, "--dry-run")
    assert planned.returncode == 0 and not list(tmp_path.glob("*.parquet")), planned.stderr
    done = convert(tmp_path, ran.folder)
    assert done.returncode == 0 and done.stdout == planned.stdout, done.stderr
    assert done.stderr.count("equal to the program's own read") == 2
    assert {path: path.read_bytes() for path in before} == before
    subprocess.run(["git", "apply"], input=done.stdout, text=True, cwd=tmp_path, check=True)
    assert "read_parquet(" in script.read_text()
    for path in before:
        path.unlink()
    again = subprocess.run([sys.executable, "job.py", "."], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert again.stdout == ran.out, again.stderr
    assert "gone since the run" in convert(tmp_path, ran.folder).stderr
    assert convert(tmp_path, ran.folder, "no-such-finding").returncode == 2
