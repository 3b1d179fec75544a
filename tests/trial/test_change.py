"""What is tried: patches of ours, diffs of the user's, arguments in memory."""

from __future__ import annotations

import difflib
import time
from pathlib import Path

import pytest
from bottleneck_profiler.diagnosis.findings import Arguments, Fix
from bottleneck_profiler.trial.change import NoChange, of_file, of_fix

PROGRAM = """from torch.utils.data import DataLoader

options = {"num_workers": 0}
plain = DataLoader([1], num_workers=0)
hidden = DataLoader([1], **options)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text(PROGRAM)
    (tmp_path / "other.py").write_text("a = 1\n")
    return tmp_path


def run_of(project: Path) -> dict[str, object]:
    return {
        "started_wall_ns": time.time_ns() + 10**9,
        "cwd": str(project),
        "command": "train.py",
        "machine": {"os": "linux"},
        "versions": {"python": "3.11.7"},
    }


def fix(project: Path, line: int, **values: str) -> Fix:
    edit = Arguments(str(project / "train.py"), line, "torch.utils.data.DataLoader", values)
    return Fix("more workers", "", 1, edit=edit)


def test_the_patch_of_a_fix(project: Path) -> None:
    change = of_fix(fix(project, 4, num_workers="2"), run_of(project))
    file = project / "train.py"
    assert change.before == {file: PROGRAM.encode()}
    assert b"num_workers=2" in change.after[file]
    assert change.override is None
    assert change.words == "a patch of train.py"


def test_arguments_from_elsewhere_are_given_in_memory(project: Path) -> None:
    change = of_fix(fix(project, 5, num_workers="2"), run_of(project))
    assert change.after == {}
    assert change.override is not None
    assert (change.override["line"], change.override["values"]) == (5, {"num_workers": 2})
    assert change.words == "num_workers=2 given to DataLoader in memory"


def test_what_is_so_already_is_not_tried(project: Path) -> None:
    with pytest.raises(NoChange, match="says so already"):
        of_fix(fix(project, 4, num_workers="0"), run_of(project))


def test_a_finding_without_a_mechanical_change(project: Path) -> None:
    with pytest.raises(NoChange, match="not mechanical"):
        of_fix(Fix("think", "", 8), run_of(project))


def test_a_file_that_was_changed_since(project: Path) -> None:
    run = {**run_of(project), "started_wall_ns": 1}
    with pytest.raises(NoChange, match="changed after the run began"):
        of_fix(fix(project, 4, num_workers="2"), run)
    with pytest.raises(NoChange, match="changed after the run began"):
        of_fix(fix(project, 5, num_workers="2"), run)


def diff(old: str, new: str, name: str) -> str:
    lines = difflib.unified_diff(old.splitlines(True), new.splitlines(True), f"a/{name}", f"b/{name}")
    return "".join(lines)


def test_a_diff_of_several_files(project: Path) -> None:
    patch = project / "my.diff"
    header = "diff --git a/other.py b/other.py\nindex 1..2 100644\n"
    new = "--- /dev/null\n+++ b/new.py\n@@ -0,0 +1 @@\n+c = 3\n"
    patch.write_text(
        diff(PROGRAM, PROGRAM.replace("num_workers=0", "num_workers=1"), "train.py")
        + header
        + diff("a = 1\n", "a = 2\n", "other.py")
        + new
    )
    change = of_file(patch, project)
    assert change.after == {
        project / "train.py": PROGRAM.replace("num_workers=0", "num_workers=1").encode(),
        project / "other.py": b"a = 2\n",
        project / "new.py": b"c = 3\n",
    }
    assert set(change.before) == {project / "train.py", project / "other.py"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no unified diff"),
        ("hello\n", "no unified diff"),
        (diff("a = 7\n", "a = 2\n", "other.py"), "does not apply to other.py"),
        (diff("a = 1\n", "a = 2\n", "gone.py"), "gone.py: No such file"),
        (diff("a = 1\n", "a = 2\n", "../../etc/hosts"), "is outside"),
        ("--- a/other.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-a = 1\n", "deletes other.py"),
        ("\udcff", "not in UTF-8"),
    ],
)
def test_a_diff_that_cannot_be_used_is_one_line(project: Path, text: str, why: str) -> None:
    patch = project / "my.diff"
    patch.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(NoChange, match=why) as caught:
        of_file(patch, project)
    assert "\n" not in str(caught.value)


def test_a_diff_that_is_not_there(project: Path) -> None:
    with pytest.raises(NoChange, match="cannot read"):
        of_file(project / "none.diff", project)
