"""What is done with a recorded run: the only module that knows every part.

``complete`` looks once at what a later analysis may not find any more; ``analyse`` turns a run folder into a
Diagnosis, ``look`` one that is still being written; ``write`` puts the reports beside it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .diagnosis.model import Diagnosis, Ranked
    from .importers import Reading
    from .prices import Prices
    from .recording.model import Recording


@dataclass(frozen=True)
class Asked:
    """What the user wants to be considered beside the recording: what things cost, and where a monitoring system has
    signals that the run could not measure: the address of a Prometheus, a file of CloudWatch's."""

    prices: Prices | None = None
    prometheus: str | None = None
    cloudwatch: Path | None = None


NOTHING_ELSE = Asked()
_ASK_SECONDS = 10.0  # for one answer of a monitoring system


def complete(run_dir: Path) -> None:
    """Look once, right after the run, at what a later analysis may not find any more: sources and files read."""
    from .enrich import enrich_all
    from .recording.read import load

    enrich_all(run_dir, load(run_dir))


def analyse(path: Path, asked: Asked = NOTHING_ELSE, how: Reading | None = None) -> tuple[Recording, Diagnosis]:
    """A recording, of ours or of another tool, and its diagnosis, patches included. Raises RunError.

    A run whose recording was killed is completed first. ``how``: the files of other tools are read.
    """
    from .importers import ONE_BY_ONE, importer_of, run_folder

    importer = importer_of(path)
    if importer is run_folder:
        recording, diagnosis = _judged(_read_folder(path), asked)
        return recording, _with_load_tests(path, _with_trials(path, diagnosis))
    many = hasattr(importer, "read_many")
    recording = importer.read_many([path], how or ONE_BY_ONE) if many else importer.read(path)
    return _judged(recording, asked)


def analyse_job(
    paths: Sequence[Path], asked: Asked = NOTHING_ELSE, how: Reading | None = None
) -> tuple[Recording, Diagnosis]:
    """``analyse`` of several recordings of one job: run folders of its hosts or ranks, or traces. Raises RunError.

    What does not belong to the job of the first one, or cannot be read, is left out with a note.
    """
    from .artifacts import Artifacts, Missing
    from .artifacts.training.steps import Steps
    from .importers import ONE_BY_ONE, importer_of, run_folder
    from .recording.folder import RunError
    from .recording.jobs import joined, of_one_job, ranks_of

    importer = importer_of(paths[0])
    if importer is not run_folder:
        alike = [path for path in paths if importer_of(path) is importer]
        if not hasattr(importer, "read_many"):
            raise RunError(f"{paths[0]} is not part of a job: report it alone")
        if len(alike) < len(paths):
            raise RunError(f"{next(path for path in paths if path not in alike)} is no {importer.name}")
        return _judged(importer.read_many(paths, how or ONE_BY_ONE), asked)
    found: list[tuple[Path, Recording]] = []
    problems: list[RunError] = []
    for path in paths:
        try:
            found.append((path, _read_folder(path)))
        except RunError as problem:
            problems.append(problem)
    if not found:
        raise problems[0]
    recordings, notes = of_one_job(found)
    notes += [f"{problem}." for problem in problems]
    recording = joined(recordings, 0, notes)
    try:  # the machine that matters is that of the rank the others wait for
        latest = recording.facts.processes[Artifacts(recording).get(Steps).process].rank
        base = next((at for at, each in enumerate(recordings) if latest in ranks_of(each)), 0)
        recording = joined(recordings, base, notes)
    except Missing:
        pass
    return _judged(recording, asked)


def _read_folder(path: Path) -> Recording:
    from .capture.recovery import recover
    from .recording.read import load

    if recover(path):
        complete(path)
    return load(path)


def store(paths: Sequence[Path], run_dir: Path | None, how: Reading | None = None) -> Path:
    """Make a run folder of the traces of one job, in ``run_dir`` or below the current folder. Raises RunError.

    What cannot be read is left out with a note, if there is anything else.
    """
    from .importers import ONE_BY_ONE, importer_of
    from .recording.folder import RunError, create
    from .recording.store import store as write_folder

    found, problems = dict[Path, ModuleType](), list[RunError]()
    for path in paths:
        try:
            found[path] = importer_of(path)
        except RunError as problem:
            problems.append(problem)
    if not found:
        raise problems[0]
    first, importer = next(iter(found.items()))
    for path, other in found.items():
        if not hasattr(other, "read_many"):
            raise RunError(f"{path} is a {other.name} already; report shows it")
        if other is not importer:
            raise RunError(f"{path} is no {importer.name}, as {first} is; import them one by one")
    recording = importer.read_many(list(found), how or ONE_BY_ONE)
    recording.run["notes"] = [*(f"{problem}." for problem in problems), *recording.run.get("notes", [])]
    folder = create(None, paths[0].name, run_dir)
    try:
        write_folder(folder, recording)
    except BaseException:  # the disk is full, or Ctrl-C: half a run is none
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def look(path: Path, asked: Asked = NOTHING_ELSE) -> tuple[Recording, Diagnosis] | None:
    """``analyse`` of a run that is still being recorded, as far as it has come; None when it is not. Raises RunError.

    Nothing is written to the run's folder.
    """
    from .capture.snapshot import is_running, snapshot
    from .files import reason
    from .importers import importer_of, run_folder
    from .recording.folder import RunError
    from .recording.read import load

    if importer_of(path) is not run_folder or not is_running(path):
        return None
    try:
        with tempfile.TemporaryDirectory(prefix="bottleneck-", ignore_cleanup_errors=True) as folder:
            copy = snapshot(path, Path(folder))
            if copy is None:
                return None
            complete(copy)
            recording, diagnosis = _judged(load(copy), asked)
            return recording, _with_load_tests(path, diagnosis)
    except OSError as error:
        raise RunError(f"cannot use {error.filename or 'a temporary folder'}: {reason(error)}") from None


def _judged(recording: Recording, asked: Asked) -> tuple[Recording, Diagnosis]:
    from .artifacts.run.machine import Settings
    from .diagnosis.analysis import diagnose
    from .patching import add_patches

    recording = _monitored(recording, asked)
    diagnosis = diagnose(recording, Settings(asked.prices))
    return recording, add_patches(diagnosis, recording.run)


def _with_trials(path: Path, diagnosis: Diagnosis) -> Diagnosis:
    """The diagnosis with what `bottleneck try` has measured of each fix, the latest time."""
    from dataclasses import replace
    from typing import get_args

    from .diagnosis.findings import Obtained, TrialBasis
    from .recording import kept

    measured: dict[str, Obtained] = {}
    for trial in kept.read(path, kept.TRIALS):
        try:
            if trial["own"] and trial["answer"] != "cannot tell" and trial["basis"] in get_args(TrialBasis):
                share, low, high = (float(trial["obtained"][name]) for name in ("share", "low", "high"))
                measured[trial["detector"]] = Obtained(share, low, high, trial["basis"])
        except (KeyError, TypeError, ValueError):
            continue

    def told(row: Ranked) -> Ranked:
        obtained = measured.get(row.finding.detector)
        return row if obtained is None else replace(row, finding=replace(row.finding, obtained=obtained))

    findings, also_noticed = (tuple(map(told, rows)) for rows in (diagnosis.findings, diagnosis.also_noticed))
    return replace(diagnosis, findings=findings, also_noticed=also_noticed)


def _with_load_tests(path: Path, diagnosis: Diagnosis) -> Diagnosis:
    """The diagnosis with what `bottleneck load` has found of the server, and what its requests cost then."""
    from dataclasses import replace

    import msgspec

    from .diagnosis.cost.costs import of_load_tests
    from .diagnosis.load_tests import LoadTested
    from .recording import kept

    tests = list[LoadTested]()
    for each in kept.read(path, kept.LOAD_TESTS):
        try:
            tests.append(msgspec.convert(each, LoadTested))
        except msgspec.ValidationError:
            continue
    if not tests:
        return diagnosis
    cost = None if diagnosis.cost is None else of_load_tests(diagnosis.cost, tests)
    return replace(diagnosis, load_tests=tuple(tests), cost=cost)


def _monitored(recording: Recording, asked: Asked) -> Recording:
    """With the signals that a monitoring system has of the run's time. Raises RunError."""
    if asked.prometheus is None and asked.cloudwatch is None:
        return recording
    from .capture.servers.fetch import Http
    from .monitoring import NoSamples, cloudwatch, fill, prometheus
    from .recording.folder import RunError

    start = int(recording.run.get("started_wall_ns", 0)) / 1e9
    if not start:
        raise RunError("the recording does not say at what time it ran, so that no monitoring can be asked about it")
    try:
        name = "--prometheus"
        if asked.prometheus is not None:
            end = start + recording.wall_seconds
            name = prometheus.shown(asked.prometheus)
            found = prometheus.read(asked.prometheus, Http(_ASK_SECONDS), recording.host_name, start, end)
            recording = fill(recording, found)
        if asked.cloudwatch is not None:
            name = str(asked.cloudwatch)
            recording = fill(recording, cloudwatch.read(asked.cloudwatch))
    except NoSamples as problem:
        raise RunError(f"{name} {problem}") from None
    return recording


def tables(recording: Recording) -> dict[str, Any]:
    """As pyarrow tables, ``kernels``, ``idle`` and ``communication`` of each traced device; of Spark, ``stages``."""
    import pyarrow as pa

    from .diagnosis.tables import device_tables, stage_table

    found = device_tables(recording)
    if len(recording.tasks):
        found["stages"] = stage_table(recording)
    return {name: pa.table(columns) for name, columns in found.items()}


def report_folder(path: Path, of_job: bool = False) -> Path:
    """Where the reports on a recording go: into its run folder, else into a folder beside it. Raises RunError.

    ``of_job``: it is the first of several run folders, which keeps the report on itself.
    """
    from .importers import importer_of, run_folder
    from .recording.folder import RunError

    ours = importer_of(path) is run_folder
    if ours and not of_job:
        return path
    folder = path / "job" if ours else path.with_name(path.name + ".report")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot write {folder}: {error.strerror}") from None
    return folder


def write(
    folder: Path,
    recording: Recording,
    diagnosis: Diagnosis,
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[str]:
    """Show, write and send the diagnosis: every exporter, with its ``options``. Returns warnings; raises nothing."""
    from .exporters import write_all

    return write_all(recording, diagnosis, folder, options or {})
