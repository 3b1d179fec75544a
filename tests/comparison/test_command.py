"""``bottleneck compare`` as it is called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bottleneck_profiler.cli import main
from click.testing import CliRunner
from goldens.regenerate import unpack

GOLDENS = Path(__file__).resolve().parent.parent / "goldens"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [str(unpack(GOLDENS / f"workers-zero/{name}.tar.gz", folder / name)) for name in ("fires", "silent")]


def call(*words):
    return CliRunner().invoke(main, ["compare", *map(str, words)])


def test_two_runs(runs, tmp_path):
    done = call(*runs, "--html", tmp_path / "page.html")
    assert done.exit_code == 0, done.output
    assert "Mean step" in done.output or "mean step" in done.output
    assert "What else differs" in done.output
    assert "<svg" in (tmp_path / "page.html").read_text()


def test_several_runs_on_each_side(runs):
    old, new = runs
    done = call(old, new, "--old", old, "--new", new, "--json")
    found = json.loads(done.output)
    assert found["answer"] == "faster"
    assert len(found["old"]) == len(found["new"]) == 2


@pytest.mark.parametrize("broken", ["missing", "empty", "garbage"])
def test_what_is_no_run_is_one_line(runs, tmp_path, broken):
    path = tmp_path / "other"
    if broken != "missing":
        path.mkdir()
    if broken == "garbage":
        (path / "run.json").write_text("{")
    done = call(runs[0], path)
    assert done.exit_code == 2
    assert done.stderr.startswith("bottleneck: ")
    assert done.stderr.count("\n") == 1


def test_a_page_that_cannot_be_written_is_one_line(runs, tmp_path):
    done = call(*runs, "--html", tmp_path / "none" / "page.html")
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
