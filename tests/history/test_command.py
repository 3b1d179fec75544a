"""``bottleneck history`` as it is called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bottleneck_profiler.cli import main
from click.testing import CliRunner
from goldens.regenerate import unpack

GOLDENS = Path(__file__).resolve().parent.parent / "goldens"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with two runs of one program, the later one first by name."""
    folder = tmp_path_factory.mktemp("runs")
    for name, at in (("b", 1), ("a", 2)):
        run = unpack(GOLDENS / "workers-zero/silent.tar.gz", folder / "unpacked" / name)
        place = folder / ".bottleneck" / "runs" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        run.rename(place)
        file = place / "run.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), "started_wall_ns": at * 10**18}))
    return folder


@pytest.fixture
def call(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return lambda *words: CliRunner().invoke(main, ["history", *map(str, words)])


def test_all_runs_of_the_folder(call, tmp_path):
    done = call("--html", tmp_path / "page.html")
    assert done.exit_code == 0, done.output
    assert "2 runs" in done.output and "Too few runs" in done.output
    assert (tmp_path / "page.html").read_text().count("<circle") == 2


def test_as_json_in_order_of_time(call):
    (series,) = json.loads(call("--json").stdout)["series"]
    assert [point["name"] for point in series["points"]] == ["b", "a"]
    assert series["points"][0]["value"] > 0


def test_no_runs(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = call()
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "bottleneck: no runs in .bottleneck/runs; record one with: bottleneck run train.py\n"


def test_one_run(call):
    done = call("a")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "bottleneck: a is the only run that could be read; a history takes several\n"


@pytest.mark.parametrize("broken", ["missing", "empty", "garbage"])
def test_what_is_no_run_is_one_line_and_the_others_are_shown(call, tmp_path, broken):
    path = tmp_path / "other"
    if broken != "missing":
        path.mkdir()
    if broken == "garbage":
        (path / "run.json").write_text("{")
    done = call("a", path, "b")
    assert done.exit_code == 0, done.output
    assert "2 runs" in done.stdout
    assert done.stderr.startswith("bottleneck: ") and done.stderr.count("\n") == 1
    alone = call(path)
    assert (alone.exit_code, alone.stdout, alone.stderr) == (2, "", done.stderr)


def test_a_page_that_cannot_be_written_is_one_line(call, tmp_path):
    done = call("--html", tmp_path / "none" / "page.html")
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
