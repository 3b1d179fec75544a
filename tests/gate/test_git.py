"""Versions from git: what is compared, the old version's files, and a .git that stays as it was."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from bottleneck_profiler.gate.git import VersionError, check_out, commit_of, repository, submodules
from bottleneck_profiler.gate.old_version import checked_out

from gate.made import of
from gate.repositories import commit, git, state


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "project"
    root.mkdir()
    commit(root, train="print('old')\n", lib__model="SIZE = 1\n")
    git(root, "tag", "v1")
    commit(root, train="print('new')\n", tools__extra="")
    return root


def test_what_is_compared(tree):
    clean = repository(tree)
    assert clean.description == f"the working tree: {clean.head[:7]}"
    (tree / "train.py").write_text("print('dirty')\n")
    assert repository(tree / "lib").description == (
        f"the working tree: {clean.head[:7]} and 1 changed file that is not committed"
    )
    (tree / "notes.txt").write_text("")
    (tree / "more.txt").write_text("")
    assert repository(tree).description == (
        f"the working tree: {clean.head[:7]} and 1 changed file and 2 new files that are not committed"
    )


def test_the_old_version_is_checked_out_and_nothing_in_git_changes(tree, tmp_path):
    (tree / ".gitattributes").write_text("tools export-ignore\n*.py text eol=lf\n")
    (tree / "train.py").write_text("print('dirty')\n")
    git(tree, "config", "core.splitIndex", "true")
    git(tree, "config", "core.untrackedCache", "true")
    os.utime(tree / "train.py", (1, 1))  # the index does not know this time: git would like to refresh it
    before = state(tree / ".git")
    repository(tree)
    check_out(tree, commit_of(tree, "v1"), tmp_path / "old")
    check_out(tree, commit_of(tree, "main"), tmp_path / "new")
    assert state(tree / ".git") == before
    assert (tmp_path / "old/train.py").read_text() == "print('old')\n"
    assert (tmp_path / "old/lib/model.py").read_text() == "SIZE = 1\n"
    assert (tmp_path / "new/train.py").read_text() == "print('new')\n"
    assert (tmp_path / "new/tools/extra.py").exists()  # an archive would leave it out
    assert (tree / "train.py").read_text() == "print('dirty')\n"


def test_no_git_repository_is_one_line(tmp_path):
    with pytest.raises(VersionError, match=r"is not in a git repository$"):
        repository(tmp_path)


def test_no_git_is_one_line(tree, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(VersionError, match="git cannot be started: No such file or directory"):
        repository(tree)


def test_no_commit_yet_is_one_line(tmp_path):
    git(tmp_path, "init", "--quiet")
    with pytest.raises(VersionError, match="no version HEAD"):
        repository(tmp_path)


@pytest.mark.parametrize("reference", ["nowhere", "--help", "", "v1:train.py", "-"])
def test_an_unknown_version_is_one_line(tree, reference):
    with pytest.raises(VersionError, match="it is no branch, tag or commit") as error:
        commit_of(tree, reference)
    assert "\n" not in str(error.value)


def test_a_shallow_clone_says_what_to_do(tree, tmp_path):
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{tree}", "shallow")
    with pytest.raises(VersionError, match="fetch-depth: 0"):
        commit_of(tmp_path / "shallow", "v1")


def test_the_command_of_the_old_version(tree, tmp_path, monkeypatch):
    (tree / "tools" / "python").write_text("#!/bin/sh\n")
    (tree / "tools" / "python").chmod(0o755)
    monkeypatch.setenv("PYTHONPATH", f"{tree}/lib{os.pathsep}/elsewhere")
    monkeypatch.chdir(tree)
    with checked_out(tree, commit_of(tree, "v1"), tmp_path / "old", ()) as old:
        words = ["./tools/python", "train.py", f"{tree}/lib/model.py", f"{tree}/tools/extra.py", "--lr=1"]
        command = old.command(words, tree)
        assert command.cwd == old.tree
        assert command.words == [
            f"{tree}/tools/python",
            "train.py",
            f"{old.tree}/lib/model.py",
            f"{tree}/tools/extra.py",
            "--lr=1",
        ]
        assert command.environment == {"PYTHONPATH": f"{old.tree}/lib{os.pathsep}/elsewhere"}
        assert old.command(["model.py"], tree / "lib").cwd == old.tree / "lib"
        with pytest.raises(VersionError, match="the old version has no folder tools"):
            old.command(["extra.py"], tree / "tools")
    assert not old.tree.exists()


def test_what_git_does_not_track_can_be_shared(tree, tmp_path, monkeypatch):
    (tree / "data").mkdir()
    (tree / "data" / "rows.csv").write_text("1\n")
    monkeypatch.chdir(tree)
    with checked_out(tree, commit_of(tree, "v1"), tmp_path / "old", ("data",)) as old:
        assert (old.tree / "data/rows.csv").read_text() == "1\n"
    assert (tree / "data/rows.csv").exists()
    for path, why in (("gone", "there is no such file"), ("/etc", "is outside"), ("lib", "has its own")):
        with pytest.raises(VersionError, match=why), checked_out(tree, "v1", tmp_path / "old", (path,)):
            raise AssertionError("not reached")
        assert not (tmp_path / "old").exists()


def test_empty_submodules_are_said(tree, tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    commit(inner, inside="")
    git(tree, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "vendored")
    git(tree, "commit", "--quiet", "--message=vendored")
    assert submodules(tree, "HEAD") == ["vendored"]
    with checked_out(tree, "HEAD", tmp_path / "old", ()) as old:
        assert "Submodules are empty in the old version: vendored" in old.notes[0]


def test_paths_of_the_old_version_are_shown_as_those_of_the_new_one(tmp_path):
    root = tmp_path / "project"
    root.mkdir()
    commit(root, train="")
    with checked_out(root, "HEAD", root / ".bottleneck" / "old-version", ()) as old:
        run = of("residual-python/fires")
        moved = [replace(hot, file=f"{old.tree}/train.py") for hot in run.run_hot]
        assert old.strangers(replace(run, run_hot=tuple(moved), step_hot=())) == []
        assert {hot.file for hot in old.as_if_here(replace(run, run_hot=tuple(moved))).run_hot} == {f"{root}/train.py"}
        alien = tuple(replace(hot, file=f"{root}/train.py") for hot in run.run_hot)
        assert old.strangers(replace(run, run_hot=alien, step_hot=())) == [f"{root}/train.py"]
