"""Versions in git: what a reference and the working tree are, and the files of a commit. Never writes ``.git``."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class VersionError(Exception):
    """A version that cannot be found or checked out; the message is one line."""


@dataclass(frozen=True)
class Repository:
    """``head``: the commit of the working tree. ``changed``, ``untracked``: files in it that are not committed."""

    root: Path
    head: str
    changed: int
    untracked: int

    @property
    def description(self) -> str:
        """``the working tree: 1a2b3c4 and 2 changed files that are not committed``"""
        counts = ((self.changed, "changed"), (self.untracked, "new"))
        parts = [f"{count} {what} file{'s' if count != 1 else ''}" for count, what in counts if count]
        if not parts:
            return f"the working tree: {self.head[:7]}"
        one = self.changed + self.untracked == 1
        return (
            f"the working tree: {self.head[:7]} and {' and '.join(parts)} that {'is' if one else 'are'} not committed"
        )


def repository(folder: Path) -> Repository:
    """The repository around ``folder``. Raises VersionError if there is none, or no git, or no commit."""
    root = Path(_git(folder, "rev-parse", "--show-toplevel").rstrip("\n"))
    head = commit_of(root, "HEAD")
    entries = _git(root, "status", "--porcelain", "-z", "--no-renames").split("\0")
    untracked = sum(entry.startswith("??") for entry in entries)
    return Repository(root, head, len(entries) - 1 - untracked, untracked)


def commit_of(root: Path, reference: str) -> str:
    """The commit that a branch, tag or commit names. Raises VersionError."""
    try:
        return _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}").strip()
    except VersionError:
        pass
    if _git(root, "rev-parse", "--is-shallow-repository").strip() == "true":
        raise VersionError(f"no version {reference} here: the clone is shallow (in GitHub Actions: fetch-depth: 0)")
    raise VersionError(f"no version {reference} in {root}: it is no branch, tag or commit")


def submodules(root: Path, commit: str) -> list[str]:
    """Paths of the submodules in a commit. Their files are not in it."""
    entries = _git(root, "ls-tree", "-r", "-z", commit).split("\0")
    return [entry.partition("\t")[2] for entry in entries if entry.startswith("160000 ")]


def check_out(root: Path, commit: str, folder: Path) -> None:
    """Write the files of a commit into ``folder``, as ``git checkout`` would. Raises VersionError, OSError.

    The index is a temporary file: nothing in ``.git`` changes, and no hook runs.
    """
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="bottleneck-") as place:
        index = {"GIT_INDEX_FILE": os.path.join(place, "index")}
        _git(root, "read-tree", commit, more=index)
        _git(root, "checkout-index", "--all", "--quiet", f"--prefix={folder}/", more=index)


def _git(folder: Path, *words: str, more: Mapping[str, str] | None = None) -> str:
    # Without these, reading the state may refresh the index, or leave parts of ours in .git.
    options = ("-c", "core.splitIndex=false", "-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false")
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", **(more or {})}
    try:
        done = subprocess.run(
            ["git", *options, *words], cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True
        )
    except OSError as error:
        raise VersionError(f"git cannot be started: {error.strerror}") from None
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        why = lines[-1].removeprefix("fatal: ") if lines else f"git {words[0]} failed"
        if "not a git repository" in done.stderr.decode("utf-8", "replace"):
            why = f"{folder} is not in a git repository"
        raise VersionError(why)
    return done.stdout.decode("utf-8", "surrogateescape")
