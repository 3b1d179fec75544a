"""``bottleneck check`` as it is called: exit codes, files, and one line for each bad input."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import psutil
import pytest
from bottleneck_profiler.cli import main
from click.testing import CliRunner
from helpers import started

from gate.made import STEADY, Recorded, of
from gate.repositories import commit, git, state

SLEEPS = "import time\ntime.sleep({})\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A repository with two versions, the current folder."""
    root = tmp_path / "project"
    root.mkdir()
    commit(root, train=SLEEPS.format(0.1))
    git(root, "tag", "v1")
    commit(root, train=SLEEPS.format(0.8))
    monkeypatch.chdir(root)
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return root


def call(*words):
    return CliRunner().invoke(main, ["check", *map(str, words)])


def words_of(done):
    """What was printed, without the line breaks of the terminal."""
    return " ".join(done.output.split())


def slower_by(factor):
    return lambda version, number: STEADY[number % 5] * (factor if version == "new" else 1.0)


def one_line(done, code):
    assert done.exit_code == code, done.output
    told = [line for line in done.stderr.splitlines() if line]
    assert told[-1].startswith("bottleneck: ")
    assert "Traceback" not in done.output
    return told[-1]


@pytest.mark.parametrize(("factor", "code"), [(1.0, 0), (0.7, 0), (1.3, 1)])
def test_a_version_against_another(project, monkeypatch, factor, code):
    recorded = Recorded(monkeypatch, slower_by(factor))
    before = state(project / ".git")
    done = call("--against", "v1", "--", "train.py")
    assert done.exit_code == code, done.output
    assert len(recorded.folders) == 12  # the first pair, and five that count
    assert state(project / ".git") == before
    assert "v1" in done.output
    assert "mean step" in done.output
    assert not list(project.rglob("old-version"))


def test_noise_leads_to_more_pairs_and_then_to_no_answer(project, monkeypatch):
    recorded = Recorded(monkeypatch, lambda version, number: 1.0 + (number * 7 + (version == "new") * 3) % 5 / 4)
    done = call("--against", "v1", "--pairs", "8", "--", "train.py")
    assert done.exit_code == 3, done.output
    assert len(recorded.folders) == 18


@pytest.mark.parametrize("runs", [0, 1, 3, 5])
def test_the_time_can_be_too_short(project, monkeypatch, runs):
    Recorded(monkeypatch, slower_by(1.3), most=runs)
    done = call("--against", "v1", "--max-minutes", "5", "--", "train.py")
    assert done.exit_code == 3, done.output
    assert "could be made in the time" in words_of(done)
    assert len(call("--max-step-time", "1s", "--json", "train.py").stdout) > 100


def test_budgets_alone_need_no_other_version(project, monkeypatch):
    recorded = Recorded(monkeypatch, slower_by(1.0))
    step = of().figures["step"]
    assert call("--max-step-time", f"{step * 2}s", "train.py").exit_code == 0
    assert len(recorded.folders) == 6
    assert call("--max-step-time", f"{step / 2}s", "train.py").exit_code == 1
    assert call("--min-gpu-busy", "50%", "train.py").exit_code == 3


def test_a_baseline_is_recorded_and_gates(project, monkeypatch):
    Recorded(monkeypatch, slower_by(1.0))
    done = call("--update", "train.py")
    assert done.exit_code == 0, done.output
    assert "bottleneck.baseline.json has the figures of 5 runs of train." in done.output
    assert call("--no-new-findings", "critical", "train.py").exit_code == 0
    Recorded(monkeypatch, slower_by(1.4))
    assert call("train.py").exit_code == 1
    document = json.loads((project / "bottleneck.baseline.json").read_text())
    document["programs"]["train"]["machine"]["cores"] = "64"
    (project / "bottleneck.baseline.json").write_text(json.dumps(document))
    done = call("train.py")
    assert done.exit_code == 4, done.output
    assert "different machines" in words_of(done)


def test_reports_are_written(project, monkeypatch, tmp_path):
    Recorded(monkeypatch, slower_by(1.3))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    done = call("--against", "v1", "--junit", tmp_path / "j.xml", "--sarif", tmp_path / "s.sarif", "--json", "train.py")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["outcome"] == "fail"
    assert "::error file=train.py,line=1," in done.stderr
    assert "<failure" in (tmp_path / "j.xml").read_text()
    assert json.loads((tmp_path / "s.sarif").read_text())["version"] == "2.1.0"
    assert "❌" in (tmp_path / "summary.md").read_text()
    done = call("--against", "v1", "--junit", tmp_path / "none" / "j.xml", "train.py")
    assert done.exit_code == 1
    assert "cannot write" in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "no command given"),
        (("train.py",), "nothing to check: give --against REF or a budget"),
        (("--against", "v1"), "no command given"),
        (("--against", "v1", "gone.py"), "no such script: gone.py"),
        (("--against", "nowhere", "train.py"), "no version nowhere in "),
        (("--against", "v1", "--share", "data", "train.py"), "cannot share data"),
        (("--share", "data", "--max-step-time", "1s", "train.py"), "--share is for the old version"),
        (("--no-new-findings", "critical", "--max-step-time", "1s", "train.py"), "needs an older version"),
        (("--update", "--against", "v1", "train.py"), "--update records a baseline and checks nothing"),
        (("--baseline", "bad.json", "train.py"), "bad.json is no JSON"),
        (("--baseline", "bad.json", "--update", "train.py"), "bad.json is no JSON"),
        (("--baseline", "other.json", "train.py"), "the schema other/1"),
    ],
)
def test_bad_input_is_one_line(project, words, told):
    (project / "bad.json").write_text("{")
    (project / "other.json").write_text('{"schema": "other/1"}')
    assert told in one_line(call(*words), 2)
    assert not list(project.rglob("old-version"))


@pytest.mark.parametrize(("option", "value"), [("--max-step-time", "soon"), ("--min-gpu-busy", "120%")])
def test_a_budget_that_is_none_is_a_usage_error(project, option, value):
    done = call(option, value, "train.py")
    assert done.exit_code == 2
    assert f"{value} is no " in done.stderr


def test_no_git_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("")
    assert "is not in a git repository" in one_line(call("--against", "main", "train.py"), 2)


def test_another_program_under_the_same_name_is_one_line(project, monkeypatch):
    Recorded(monkeypatch, slower_by(1.0))
    assert call("--update", "train.py", "--epochs", "1").exit_code == 0
    assert "has train with another command" in one_line(call("train.py", "--epochs", "2"), 4)
    assert "has no program serve" in one_line(call("--name", "serve", "train.py"), 2)


def test_a_version_without_the_program_is_one_line(project):
    commit(project, added="print(1)\n")
    told = one_line(call("--against", "v1", "added.py"), 4)
    assert "not comparable: the old version was not recorded: bottleneck: no such script: added.py" in told


def test_a_version_that_fails_is_one_line(project):
    (project / "train.py").write_text("raise SystemExit('no data')\n")
    assert "the new version ended with exit code 1: no data" in one_line(call("--against", "v1", "train.py"), 4)


def test_a_dirty_checkout_says_what_is_compared(project, monkeypatch):
    Recorded(monkeypatch, slower_by(1.0))
    (project / "train.py").write_text("print('dirty')\n")
    done = call("--against", "v1", "train.py")
    assert "and 1 changed file that is not committed" in done.output
    git(project, "checkout", "--quiet", "train.py")
    assert "compares the version with itself" in call("--against", "HEAD", "train.py").output


def test_a_check_that_is_cancelled_leaves_no_program_and_no_old_version(project):
    (project / "train.py").write_text("import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(600)\n")
    commit(project)
    pid, words = project / "pid", [sys.executable, "-m", "bottleneck_profiler.cli", "check", "--against", "HEAD"]
    with started([*words, "train.py"], stderr=subprocess.DEVNULL) as process:
        found = wait_for(lambda: [file for file in (pid, *project.rglob("old-version/pid")) if is_written(file)])
        number = int(found[0].read_text())
        assert list(project.rglob("old-version/train.py"))
        process.terminate()
        assert process.wait(120) == 128 + signal.SIGTERM
        assert wait_for(lambda: not runs(number))
    assert not list(project.rglob("old-version"))


def runs(number):
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def is_written(file):
    return file.exists() and file.read_text()


def wait_for(what):
    for _ in range(1200):
        if found := what():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not start")


def test_real_runs_of_two_versions(project):
    """Two real programs: one sleeps for 0.7 s more, so that no busy machine can hide it."""
    done = call("--against", "v1", "--", sys.executable, "train.py")
    assert done.exit_code == 1, done.output
    assert "Slower: the run changed by +" in done.output
