"""A recorded pandas program gets its report: no torch, so that it can run under every Python that is supported."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import bottleneck

PROGRAM = """
import random
import pandas as pd

with open("trips.csv", "w") as file:
    file.write("id,start,distance\\n")
    file.writelines(f"{i},2023-01-{1 + i % 28:02d},{random.random()}\\n" for i in range(200_000))

def total():
    frame = pd.read_csv("trips.csv")
    return sum(row["distance"] for _, row in frame.iterrows())

print(round(total()) > 0)
"""


def test_a_row_wise_loop_is_named_on_its_line(tmp_path: Path):
    pytest.importorskip("pandas")
    script = tmp_path / "total.py"
    script.write_text(PROGRAM)
    ran = bottleneck(tmp_path, script)
    assert (ran.code, ran.out) == (0, "True\n")
    first = ran.diagnosis["findings"][0]
    assert first["detector"] == "row-wise-python"
    assert (Path(first["location"]["file"]), first["location"]["line"]) == (script, 11)
