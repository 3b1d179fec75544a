"""A Dask cluster that runs already, as separate programs: what is seen of it from its client, and what stays on it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from bottleneck_profiler.dask import _walk

pytest.importorskip("dask")


def test_a_cluster_is_watched_and_nothing_of_ours_stays(tmp_path):
    # In a process of its own: here, "distributed" is a folder of tests.
    program = Path(__file__).with_name("watched_cluster.py")
    done = subprocess.run([sys.executable, str(program)], cwd=tmp_path, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["without consent", "with consent", "killed", "went away"]
    assert done.stderr.count("bottleneck: ") == 1


def test_samples_are_of_the_innermost_line_of_the_users():
    def node(file, line, count, *children):
        place = {"filename": file, "line_number": line, "name": "f"}
        return {"count": count, "description": place, "children": dict(enumerate(children))}

    library = "/venv/lib/python3.11/site-packages/pandas/core.py"
    own = node("/me/own.py", 7, 30, node(library, 1, 20))
    tree = node("", 0, 100, node("/me/etl.py", 3, 80, own, node(library, 2, 50)))
    found: Counter = Counter()
    assert _walk(tree, found) == 80
    assert found == {("/me/own.py", 7, "f"): 30, ("/me/etl.py", 3, "f"): 50}
