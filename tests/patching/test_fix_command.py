"""``bottleneck fix`` on a real run: shown, applied, and the finding is gone."""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import PIPELINES, ROOT, Ran, bottleneck


def fix(folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bottleneck_profiler.cli", "fix", *map(str, words)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


#: It waits for its samples and its steps wait too, so that no core is needed for workers to help.
PROGRAM = """\
import time

import torch
from torch.utils.data import DataLoader, Dataset


class Remote(Dataset):
    def __len__(self):
        return 320

    def __getitem__(self, index):
        time.sleep(0.005)
        return torch.ones(8), index % 10


def main():
    model = torch.nn.Linear(8, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loader = DataLoader(
        Remote(),
        batch_size=8,  # <small> & "fast"
    )
    for epoch in range(2):
        for x, y in loader:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
            time.sleep(0.02)


if __name__ == "__main__":
    main()
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A run of a program in a folder of its own."""
    folder = tmp_path_factory.mktemp("slow")
    (folder / "slow.py").write_text(PROGRAM)
    return bottleneck(folder, "slow.py")


@pytest.fixture
def copy(ran: Ran, tmp_path: Path) -> Iterator[Path]:
    """Its script as it was, put back after the test."""
    script = ran.folder.parent / "slow.py"
    shutil.copy2(script, tmp_path / "kept.py")
    yield script
    shutil.copy2(tmp_path / "kept.py", script)


def test_the_diff_is_shown_and_git_takes_it(ran: Ran, copy: Path):
    folder = ran.folder.parent
    before = copy.read_text()
    patch = ran.diagnosis["findings"][0]["fix"]["patch"]
    page = (ran.folder / "report.html").read_text()
    assert f"<pre>{html.escape(patch).replace('&quot;', '&#34;')}</pre>" in page
    assert "Patch:  bottleneck fix run workers-zero  (--apply writes it)" in ran.err
    shown = fix(folder, ran.folder)
    assert (shown.returncode, shown.stderr, shown.stdout) == (0, "", patch)
    assert copy.read_text() == before
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    subprocess.run(["git", "apply"], input=shown.stdout, text=True, cwd=folder, env=environment, check=True)
    changed = copy.read_text()
    assert changed != before and "persistent_workers=True" in changed
    refused = fix(folder, ran.folder)
    assert refused.returncode == 1 and refused.stdout == ""
    assert refused.stderr == (
        "bottleneck: no patch for workers-zero: slow.py was changed after the run began: run it again\n"
    )


def test_applied_the_finding_is_gone(ran: Ran, copy: Path, tmp_path: Path):
    assert ran.found[:1] == ["workers-zero"], ran.err
    applied = fix(tmp_path, ran.folder, "workers-zero", "--apply")
    assert (applied.returncode, applied.stderr) == (0, "")
    assert applied.stdout == f"{copy.resolve()}: applied the fix for workers-zero\n"
    again = bottleneck(tmp_path, copy)
    assert again.code == 0, again.err
    assert "workers-zero" not in again.found
    assert fix(tmp_path, ran.folder, "--apply").returncode == 1


def recorded(folder: Path, name: str) -> Path:
    """A recorded run of a pair's slow half as ``run`` in a folder, and the script that it is said to have run."""
    script = Path(shutil.copy(PIPELINES / name / "slow.py", folder / "slow.py"))
    os.utime(script, (10**9, 10**9))
    with tarfile.open(ROOT / "tests" / "goldens" / name / "fires.tar.gz") as archive:
        archive.extractall(folder / "run", filter="data")
    facts = folder / "run" / "tables" / "facts.jsonl"
    # The pair may have had another name when it was recorded.
    facts.write_text(re.sub("/project/sample_pipelines/[^/]+/slow.py", str(script), facts.read_text()))
    return script


@pytest.mark.parametrize(
    "name, argument",
    [
        ("worker-respawn", "persistent_workers=True"),
        ("shallow-prefetch", "prefetch_factor="),
        ("worker-imbalance", "shuffle=True"),
    ],
)
def test_a_recorded_run_is_mended_by_one_more_argument(tmp_path: Path, name: str, argument: str):
    script = recorded(tmp_path, name)
    shown = fix(tmp_path, "run", name)
    assert (shown.returncode, shown.stderr) == (0, "")
    (added,) = [line for line in shown.stdout.splitlines()[2:] if line[0] in "+-"]
    assert added[1:].strip().startswith(argument) and added.endswith(",")
    lines = script.read_text().splitlines()
    call = next(number for number, line in enumerate(lines) if "# planted" in line)
    assert fix(tmp_path, "run", name, "--apply").returncode == 0
    changed = script.read_text().splitlines()
    (new,) = [number for number, line in enumerate(changed) if line == added[1:]]
    assert call < new and changed[:new] + changed[new + 1 :] == lines
    compile(script.read_bytes(), script, "exec")


def test_a_recorded_run_of_that_pair_is_patched_on_any_machine(tmp_path: Path):
    script = recorded(tmp_path, "workers-zero")
    shown = fix(tmp_path, "run", "workers-zero")
    assert (shown.returncode, shown.stderr) == (0, "")
    changed = [line for line in shown.stdout.splitlines()[2:] if line[0] in "+-"]
    assert changed[0] == "-        loader = DataLoader(Images(folder, repeat=25), batch_size=16, shuffle=True)"
    assert changed[1].startswith(changed[0].replace("-", "+", 1)[:-1] + ", num_workers=") and len(changed) == 2
    applied = fix(tmp_path, "run", "--apply")
    assert (applied.returncode, applied.stderr) == (0, "")
    (tmp_path / "again").mkdir()
    again = bottleneck(tmp_path / "again", script)
    assert (again.code, again.out) == (0, "epoch 0 done\nepoch 1 done\n")
    assert "workers-zero" not in again.found


def test_what_is_not_there_is_said_in_one_line(ran: Ran, tmp_path: Path):
    for words, code, text in (
        ([tmp_path / "none"], 2, "there is no such folder"),
        ([tmp_path], 2, "is not a bottleneck run"),
        (
            [ran.folder, "memory-creep", "--apply"],
            2,
            "this run has no finding memory-creep; its findings: workers-zero",
        ),
    ):
        said = fix(tmp_path, *words)
        assert said.returncode == code and text in said.stderr and said.stdout == ""
        assert said.stderr.startswith("bottleneck: ") and said.stderr.count("\n") == 1


def test_from_another_folder_the_way_to_apply_it_is_said(ran: Ran, tmp_path: Path):
    shown = fix(tmp_path, ran.folder)
    assert shown.returncode == 0 and shown.stderr.endswith(
        "is outside this folder; apply the diff with: patch -p1 -d /\n"
    )
    assert shown.stdout.startswith(f"--- a{ran.folder.parent.resolve()}/slow.py\n")


def test_a_switch_that_has_a_name_is_switched_off_there(tmp_path: Path):
    script = recorded(tmp_path, "anomaly-detection-on")
    before = script.read_text()
    assert fix(tmp_path, "run", "anomaly-detection-on", "--apply").returncode == 0
    assert script.read_text() == before.replace("LOOK_FOR_NAN = True", "LOOK_FOR_NAN = False") != before


def test_an_old_id_of_a_detector_still_finds_its_fix(tmp_path: Path):
    recorded(tmp_path, "anomaly-detection-on")
    old, new = (fix(tmp_path, "run", name) for name in ("left-on-switches", "anomaly-detection-on"))
    assert (old.returncode, old.stdout) == (0, new.stdout) and new.stdout
