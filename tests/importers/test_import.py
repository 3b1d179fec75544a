"""``bottleneck import`` makes an ordinary run folder of traces."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from bottleneck_profiler.cli import main
from bottleneck_profiler.exporters.json import to_json
from bottleneck_profiler.session import analyse
from click.testing import CliRunner, Result

from . import test_kineto, test_nsight, test_xplane
from .test_kineto import SECRET, saved, trace


def imported(*paths: Path, run_dir: Path) -> Result:
    return CliRunner().invoke(main, ["import", "--run-dir", str(run_dir), *map(str, paths)])


def judged(path: Path) -> dict[str, Any]:
    """Without what is of the file or the day."""
    found: dict[str, Any] = to_json(analyse(path)[1])
    return {**found, "run": {**found["run"], "command": "", "name": "", "started": ""}}


def test_a_run_made_of_traces_says_what_they_say_and_needs_them_no_more(tmp_path):
    folder = tmp_path / "traces"
    folder.mkdir()
    for rank in (0, 1):
        content = trace()
        content["distributedInfo"]["rank"] = rank
        saved(folder, content, f"worker{rank}.json.gz")
    of_traces = judged(folder)
    done = imported(*sorted(folder.iterdir()), run_dir=tmp_path / "run")
    assert done.exit_code == 0, done.output
    assert "The accelerator waits for data" in done.output
    for path in folder.iterdir():
        path.unlink()
    assert judged(tmp_path / "run") == of_traces
    assert [use["rank"] for use in of_traces["devices"]] == [0, 1]
    assert (tmp_path / "run" / "report.html").is_file()


@pytest.mark.parametrize("kind", [test_nsight, test_xplane])
def test_other_formats_are_runs_too(tmp_path, kind):
    if kind is test_nsight:
        made = test_nsight.export(tmp_path / "a.sqlite", *test_nsight.KERNELS)
    else:
        made = test_xplane.profile(tmp_path / "a.pb", [test_xplane.HOST, test_xplane.DEVICE])
    assert imported(made, run_dir=tmp_path / "run").exit_code == 0
    assert judged(tmp_path / "run")["devices"] == judged(made)["devices"] != []


def test_no_file_of_the_run_holds_what_else_the_trace_held(tmp_path):
    assert imported(saved(tmp_path, trace()), run_dir=tmp_path / "run").exit_code == 0
    files = [each for each in (tmp_path / "run").rglob("*") if each.is_file()]
    assert len(files) > 5
    assert not any(SECRET.encode() in each.read_bytes() for each in files)


def test_a_trace_on_the_clock_of_the_day_keeps_its_day(tmp_path):
    content = trace()
    content["baseTimeNanoseconds"] = 1_700_000_000_000_000_000
    imported(saved(tmp_path, content), run_dir=tmp_path / "then")
    imported(saved(tmp_path, trace(), "other.json"), run_dir=tmp_path / "unknown")
    then, unknown = (
        json.loads((tmp_path / name / "run.json").read_text())["started_wall_ns"] for name in ("then", "unknown")
    )
    assert then // 10**9 == 1_700_000_001
    assert abs(unknown - time.time_ns()) < 600e9


def test_what_cannot_be_imported_is_one_line(tmp_path):
    kineto = saved(tmp_path, trace())
    sqlite = test_nsight.export(tmp_path / "a.sqlite", *test_nsight.KERNELS)
    (tmp_path / "notes.txt").write_text("nothing")
    run = tmp_path / "run"
    assert imported(kineto, run_dir=run).exit_code == 0
    for paths, said in (
        ((kineto, sqlite), "is no torch.profiler trace"),
        ((tmp_path / "notes.txt",), "not a recording that can be read"),
        ((tmp_path / "missing.json",), "missing.json"),
        ((run,), "report shows it"),
    ):
        done = imported(*paths, run_dir=tmp_path / "none")
        assert done.exit_code == 2
        assert said in done.output and len(done.output.splitlines()) == 1
        assert not (tmp_path / "none").exists()
    assert "is not empty" in imported(kineto, run_dir=run).output


def test_the_traces_of_the_three_formats_are_told_apart():
    assert {test_kineto.kineto.name, test_nsight.nsight.name, test_xplane.xplane.name} == {
        "torch.profiler trace", "Nsight Systems export", "XPlane profile",
    }  # fmt: skip
