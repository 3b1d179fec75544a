"""``bottleneck try`` as it is called."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from bottleneck_profiler.cli import main
from bottleneck_profiler.sandbox import problem
from bottleneck_profiler.trial import prove
from click.testing import CliRunner, Result
from goldens.regenerate import unpack
from sandbox.test_sandbox import digest

GOLDENS = Path(__file__).resolve().parent.parent / "goldens"
DIFF = "--- a/train.py\n+++ b/train.py\n@@ -1 +1 @@\n-a = 1\n+a = 2\n"


def call(*words: object) -> Result:
    return CliRunner().invoke(main, ["try", *map(str, words)])


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A recorded run whose folder holds a program of one line."""
    folder = unpack(GOLDENS / "workers-zero/fires.tar.gz", tmp_path / "run")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "train.py").write_text("a = 1\n")
    (tmp_path / "my.diff").write_text(DIFF)
    change(folder, cwd=str(tmp_path / "project"), words=["train.py"])
    return folder


def change(run: Path, **fields: object) -> None:
    path = run / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def refused(done: Result, code: int, words: str) -> None:
    assert done.exit_code == code, done.output
    assert done.stderr.startswith("bottleneck: ")
    assert done.stderr.count("\n") == 1
    assert words in done.stderr


def test_an_unknown_run() -> None:
    refused(call("nothing"), 2, "no run nothing")


def test_an_unknown_finding(run: Path) -> None:
    refused(call(run, "no-such-finding"), 2, "no finding no-such-finding")


def test_a_finding_whose_file_is_not_there(run: Path) -> None:
    refused(call(run, "workers-zero"), 1, "nothing to try for workers-zero")


def test_a_patch_that_no_longer_applies(run: Path) -> None:
    project = run.parent / "project"
    (project / "train.py").write_text("b = 1\n")
    refused(call(run, "--patch", run.parent / "my.diff"), 1, "the patch does not apply to train.py")


def test_a_program_that_is_gone(run: Path) -> None:
    change(run, words=["other.py"])
    refused(call(run, "--patch", run.parent / "my.diff"), 1, "no such script: other.py")


def test_a_folder_that_is_gone(run: Path) -> None:
    change(run, cwd=str(run.parent / "gone"))
    refused(call(run, "--patch", run.parent / "my.diff"), 1, "the folder that the program ran in is gone")


def test_arguments_that_were_not_recorded(run: Path) -> None:
    change(run, words=["train.py", "..."])
    done = call(run, "--patch", run.parent / "my.diff")
    refused(done, 1, "bottleneck try RUN -- train.py ARGUMENTS")


def test_too_little_time(run: Path) -> None:
    if problem():
        pytest.skip("no sandbox here")
    done = call(run, "--patch", run.parent / "my.diff", "--max-minutes", "0.01", "-q")
    refused(done, 2, "--max-minutes 0.01 is too short")


def test_without_namespaces(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bottleneck_profiler.sandbox.problem", lambda: "this system lets you make no namespaces")
    refused(call(run, "--patch", run.parent / "my.diff"), 2, "--copy runs on a plain copy of the project")


PROGRAM = """
import os, torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    torch.autograd.set_detect_anomaly(True)
    data = TensorDataset(torch.randn(4096, 8), torch.randn(4096, 1))
    layers = [layer for _ in range(20) for layer in (nn.Linear(8, 8), nn.ReLU())]
    model = nn.Sequential(*layers, nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    saves = "../checkpoints" if os.path.isdir("../checkpoints") else "."
    for epoch in range(3):
        for number, (x, y) in enumerate(DataLoader(data, batch_size=8)):
            optimizer.zero_grad()
            nn.functional.mse_loss(model(x), y).backward()
            optimizer.step()
            if number % 50 == 0:
                torch.save(model.state_dict(), f"{saves}/last.pt")
                with open("log.txt", "a") as log:
                    log.write("50 more\\n")

main()
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small training, recorded in ``run`` beside it."""
    place = tmp_path_factory.mktemp("trained")
    (place / "checkpoints").mkdir()
    project = place / "project"
    project.mkdir()
    (project / "train.py").write_text(PROGRAM)
    command = [
        sys.executable,
        "-m",
        "bottleneck_profiler.cli",
        "run",
        "-q",
        "--run-dir",
        str(place / "run"),
        "train.py",
    ]
    subprocess.run(command, cwd=project, capture_output=True, check=True)
    return project


@pytest.mark.parametrize("copy", [False, True], ids=["sandbox", "copy"])
def test_a_trial(recorded: Path, copy: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if problem() and not copy:
        pytest.skip("no sandbox here")
    monkeypatch.setattr(prove, "LOOKS", (2,))  # pairs; what so few may claim is in test_looks.py
    before = digest(recorded), digest(recorded.parent / "checkpoints")
    words = ["--copy"] if copy else ["--writable", recorded.parent / "checkpoints"]
    done = call(recorded.parent / "run", "anomaly-detection-on", "--json", *words)
    assert done.exit_code == 3, done.output
    found = json.loads(done.stdout)
    assert found["basis"] == "step"
    assert found["pairs"] == 2
    assert found["obtained"]["share"] > 0.1
    assert found["predicted"]["low"] < found["predicted"]["share"] < found["predicted"]["high"]
    assert found["losses"]["differ"] is False
    assert found["losses"]["spread"] == 0.0
    if not copy:  # a copy is of the project alone, and says so
        assert (digest(recorded), digest(recorded.parent / "checkpoints")) == before
    assert digest(recorded) == before[0]
    trials = json.loads((recorded.parent / "run" / "trials.json").read_text())
    assert trials[-1] == found
    assert not [name for name in os.listdir("/tmp") if name.startswith(("bottleneck-arm-", "bottleneck-copy-"))]
