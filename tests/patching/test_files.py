"""Which files get a patch, what git and patch make of it, and how it is written."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from bottleneck_profiler import patching
from bottleneck_profiler.diagnosis.findings import Arguments, Fix
from bottleneck_profiler.patching import unified
from hypothesis import given
from hypothesis import strategies as st

from .files import IMPORT, RUN, made, refused, written

CALL = IMPORT + "\nloader = DataLoader(data)\n"
LINE = 3


def test_a_file_changed_since_the_run_began_gets_none(tmp_path: Path):
    path = written(tmp_path, CALL)
    os.utime(path, ns=(RUN["started_wall_ns"],) * 2)
    with pytest.raises(patching.NoPatch, match=r"train\.py was changed after the run began: run it again"):
        made(path, LINE, num_workers="2")


def test_files_that_cannot_be_read_get_none(tmp_path: Path):
    with pytest.raises(patching.NoPatch, match="cannot be read: No such file"):
        made(tmp_path / "gone.py", LINE, num_workers="2")
    with pytest.raises(patching.NoPatch, match="is no file"):
        made(tmp_path, LINE, num_workers="2")
    latin = "# -*- coding: latin-1 -*-\n" + CALL + "# \xe9"
    assert refused(tmp_path, latin.encode("latin-1"), LINE + 1, num_workers="2") == "train.py is not in UTF-8"
    for end in (b"\xff", b"\0", b"("):
        reason = refused(tmp_path, CALL.encode() + end, LINE, num_workers="2")
        assert reason == "train.py cannot be parsed by this Python"


def test_workers_that_would_run_the_script_again(tmp_path: Path):
    """Forked ones do not; since Python 3.14 they are no longer forked unless the program says so."""
    path = written(tmp_path, CALL)
    for python, system, command, refuses in (
        ("3.13.1", "linux", "train.py", False),
        ("3.14.0", "linux", "python train.py ...", True),
        ("3.12.1", "darwin", "scripts/train.py", True),
        ("3.14.0", "linux", "main.py", False),  # which imports train.py
    ):
        edit = Arguments(str(path), LINE, "torch.utils.data.DataLoader", {"num_workers": "2"})
        run = {**RUN, "versions": {"python": python}, "machine": {"os": system}, "command": command}
        if refuses:
            with pytest.raises(patching.NoPatch, match="each worker would run it again"):
                patching.make(Fix("", "", effort=1, edit=edit), run)
        else:
            patching.make(Fix("", "", effort=1, edit=edit), run)
        guarded = {
            **edit.__dict__,
            "file": str(written(tmp_path, CALL + 'if __name__ == "__main__": main()', "train.py")),
        }
        patching.make(Fix("", "", effort=1, edit=Arguments(**guarded)), run)
        written(tmp_path, CALL)


def test_a_change_that_is_not_mechanical_has_none():
    with pytest.raises(patching.NoPatch, match="not mechanical"):
        patching.make(Fix("Think", "", effort=8), RUN)


LAYOUTS = {
    "plain": CALL,
    "no line end": CALL.rstrip("\n"),
    "line ends of Windows": CALL.replace("\n", "\r\n"),
    "mixed line ends": CALL.replace("\n", "\r\n", 1) + "x = '\u2028'\n\x0c\n" * 8,
    "byte order mark": "\ufeff" + CALL,
    "first and last line": IMPORT.strip() + "; loader = DataLoader(data)",
}


@pytest.mark.parametrize("command", [["git", "apply"], ["patch", "-p1", "-s"]], ids=lambda words: words[0])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["train.py", "my scripts/train it.py", "mod\u00e8le.py"])
def test_git_and_patch_take_it(tmp_path: Path, command: list[str], layout: str, name: str):
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]} here")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    path = written(tmp_path, LAYOUTS[layout], name)
    patch = made(path, 1 if layout.startswith("first") else LINE, num_workers="2")
    diff = patch.diff(tmp_path).encode()
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
    done = subprocess.run(command, input=diff, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert path.read_bytes() == patch.after != patch.before


def test_a_file_elsewhere_is_named_from_the_root(tmp_path: Path):
    patch = made(written(tmp_path, CALL), LINE, num_workers="2")
    (tmp_path / "other").mkdir()
    assert patch.diff(tmp_path / "other").startswith(f"--- a{tmp_path.resolve()}/train.py\n")
    assert patch.diff(tmp_path).startswith("--- a/train.py\n+++ b/train.py\n@@ ")


def test_writing_keeps_the_mode_and_follows_links(tmp_path: Path):
    path = written(tmp_path, CALL)
    path.chmod(0o750)
    link = tmp_path / "link.py"
    link.symlink_to(path)
    patch = made(link, LINE, num_workers="2")
    patching.write(patch)
    assert link.is_symlink() and path.read_text() == CALL.replace("(data)", "(data, num_workers=2)")
    assert path.stat().st_mode & 0o7777 == 0o750
    assert sorted(tmp_path.iterdir()) == [link, path]
    with pytest.raises(patching.NoPatch, match="is being changed by somebody else"):
        patching.write(patch)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_what_may_not_be_written_is_left_alone(tmp_path: Path):
    patch = made(written(tmp_path, CALL), LINE, num_workers="2")
    patch.file.chmod(0o444)
    with pytest.raises(patching.NoPatch, match="is write-protected"):
        patching.write(patch)
    patch.file.chmod(0o644)
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(patching.NoPatch, match=r"cannot write .*: Permission denied"):
            patching.write(patch)
    finally:
        tmp_path.chmod(0o755)
    assert patch.file.read_text() == CALL


LINES = ["a\n", "b\n", "\n", "-- c\n", "@@ -1 +1 @@\n", "\\ No\n", "d\r\n", "\x0c\n"]
TEXT = st.lists(st.sampled_from(LINES), max_size=30)


@given(before=TEXT, after=TEXT, ends=st.tuples(st.sampled_from(["", "e"]), st.sampled_from(["", "e", "f"])))
def test_a_diff_applied_gives_the_new_text(before: list[str], after: list[str], ends: tuple[str, str]):
    old, new = "".join(before) + ends[0], "".join(after) + ends[1]
    diff = unified.diff("x.py", old, new)
    assert unified.applied(diff, old) == new if diff else old == new
    if diff and old:
        with pytest.raises(ValueError):
            unified.applied(diff, "z" + old.replace("\n", "z\n"))
