"""One check: which versions, how many runs, and what they must fulfil."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..comparison.figures import FindingKey, RunFigures
from ..comparison.sides import read
from ..diagnosis.findings import Severity
from ..pairs.command import Command
from ..pairs.interleaved import Arm, ArmError
from ..recording.folder import create
from . import baseline
from .budgets import Budget, common_findings, no_new_findings
from .git import Repository, VersionError, commit_of, repository
from .judge import judge
from .measure import Amount, Runs, Tell, alone, in_pairs
from .model import Condition, Report
from .old_version import OldVersion, checked_out

CHECKS = Path(".bottleneck") / "checks"
_KEPT = 10  # folders of earlier checks
_TREE = "old-version"


@dataclass(frozen=True)
class Wanted:
    """What to check. ``against``: a version in git, None for the stored baseline, if ``stored``, or none.

    ``within``: the smallest change that counts. ``shared``: paths that git does not track and both versions use.
    """

    words: tuple[str, ...]
    program: str
    amount: Amount
    within: float
    against: str | None = None
    stored: baseline.Program | None = None
    baseline_file: Path = Path(baseline.FILE)
    budgets: tuple[Budget, ...] = ()
    no_new: Severity | None = None
    shared: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class _Old:
    """The old version's runs, and what they are called."""

    runs: Sequence[RunFigures]
    name: str
    paired: bool

    @property
    def findings(self) -> frozenset[FindingKey]:
        """Those of any run: one that comes and goes is not new."""
        return frozenset(key for run in self.runs for key in run.findings)


def check(wanted: Wanted, tell: Tell) -> Report:
    """Record the runs and judge them. Raises VersionError, ArmError, RunError."""
    here = Path.cwd()
    if wanted.against is not None:
        return _against(wanted, wanted.against, repository(here), here, tell)
    old, versions = None, f"{wanted.program} as it is here"
    if wanted.stored is not None:
        old = _Old(wanted.stored.runs(wanted.baseline_file.resolve().parent), "the baseline", paired=False)
        of = f" of {wanted.stored.version[:7]}" if wanted.stored.version else ""
        versions = f"the baseline{of} ({wanted.stored.recorded[:10]}) → {versions}"
    tell(versions)
    runs = alone(_arm(wanted.words, here), _folder(wanted.program), wanted.amount, _enough(wanted, old), tell)
    try:
        root = repository(here).root
    except VersionError:
        root = here
    return _report(wanted, runs, old, versions, root)


def _against(wanted: Wanted, against: str, place: Repository, here: Path, tell: Tell) -> Report:
    commit = commit_of(place.root, against)
    versions = f"{against}{'' if commit.startswith(against) else f' ({commit[:7]})'} → {place.description}"
    tell(versions)
    notes = []
    if commit == place.head and not place.changed and not place.untracked:
        notes.append(f"The working tree is {against}, so this compares the version with itself.")
    folder = _folder(wanted.program)
    with checked_out(place.root, commit, folder / _TREE, wanted.shared) as copy:
        arms = Arm("old", copy.command(wanted.words, here).record), _arm(wanted.words, here)
        old = _Old([], against, paired=True)
        runs = in_pairs(*arms, folder, wanted.amount, lambda path: _of_old(copy, path), _enough(wanted, old), tell)
        notes += copy.notes
    return _report(wanted, runs, replace(old, runs=runs.old), versions, place.root, notes)


def _of_old(copy: OldVersion, path: Path) -> RunFigures:
    run = read(str(path)).figures
    strangers = copy.strangers(run)
    if strangers:
        raise ArmError(
            f"the old version ran code of the new one ({strangers[0]}); install its package in place "
            "(pip install -e .), or name its folder in PYTHONPATH"
        )
    return copy.as_if_here(run)


def record_baseline(wanted: Wanted, tell: Tell) -> str:
    """Record the runs and store them as the program's baseline; what was done, in one sentence.

    Raises ArmError, RunError, BaselineError.
    """
    here, file = Path.cwd(), wanted.baseline_file
    if file.exists():
        baseline.read(file)  # before the time is spent
    amount = replace(wanted.amount, most=wanted.amount.least)
    runs = alone(_arm(wanted.words, here), _folder(wanted.program), amount, lambda _: True, tell)
    if len(runs.new) < 2:
        raise ArmError(f"only {len(runs.new)} runs could be made in the time, and a baseline needs two")
    try:
        version = repository(here).head
    except VersionError:
        version = ""
    common = common_findings(runs.new)
    kept = baseline.stored(runs.new, wanted.words, version, file.resolve().parent, common)
    baseline.update(file, wanted.program, kept)
    return f"{file} has the figures of {len(runs.new)} runs of {wanted.program}."


def _arm(words: Sequence[str], here: Path) -> Arm:
    return Arm("new", Command("the new version", words, here).record)


def _folder(program: str) -> Path:
    """A new folder for the runs. Those of all but the last checks are deleted."""
    folder = create(None, program, None, CHECKS)
    for old in sorted(folder.parent.iterdir(), reverse=True)[_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


def _enough(wanted: Wanted, old: _Old | None) -> Callable[[Runs], bool]:
    def enough(runs: Runs) -> bool:
        if old is not None:
            before = runs.old if old.paired else old.runs
            if not judge(before, runs.new, old.name, wanted.within, old.paired)[2].settled:
                return False
        return all(budget.judge(runs.new).outcome != "cannot tell" for budget in wanted.budgets)

    return enough


def _report(
    wanted: Wanted, runs: Runs, old: _Old | None, versions: str, root: Path, notes: Sequence[str] = ()
) -> Report:
    conditions, comparison = [], None
    if not runs.new or runs.last is None:
        why = "Cannot tell: not one run that counts could be made in the time (--max-minutes)."
        condition = Condition("runs", "cannot tell", why)
        return Report(wanted.program, versions, (condition,), None, (), None, root, "", tuple(notes))
    if old is not None:
        condition, comparison, _ = judge(old.runs, runs.new, old.name, wanted.within, old.paired)
        conditions.append(condition)
    conditions += [budget.judge(runs.new) for budget in wanted.budgets]
    if wanted.no_new is not None and old is not None:
        conditions.append(no_new_findings(wanted.no_new, old.findings, runs.new, old.name))
    return Report(
        program=wanted.program,
        versions=versions,
        conditions=tuple(conditions),
        comparison=comparison,
        findings=runs.last.diagnosis.findings,
        known=None if old is None else old.findings,
        root=root,
        script=_script(wanted.words, root),
        notes=tuple(notes),
    )


def _script(words: Sequence[str], root: Path) -> str:
    """The first word that is a Python file below ``root``, relative to it."""
    for word in words:
        path = Path(word).resolve()
        if word.endswith(".py") and path.is_file() and path.is_relative_to(root.resolve()):
            return path.relative_to(root.resolve()).as_posix()
    return ""
