"""``bottleneck.baseline.json``: figures of runs that are kept in the repository, for each named program.

They hold on the machine that they were recorded on, so they gate only on an equal one.
"""

from __future__ import annotations

import json
import math
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from ..comparison.figures import RunFigures, program_of
from ..diagnosis.findings import Finding, Fix, Gain, Location, Severity
from ..diagnosis.model import Ranked
from ..files import reason, write_text

SCHEMA = "bottleneck.baseline/1"
FILE = "bottleneck.baseline.json"


class BaselineError(Exception):
    """A baseline that cannot be used; the message is one line that names the file."""


class KnownFinding(msgspec.Struct, frozen=True):
    detector: str
    title: str
    severity: Severity
    file: str  # relative to the baseline's folder
    line: int
    function: str
    share: float | None


class Program(msgspec.Struct, frozen=True):
    """One program. ``figures``: of each run, by the names of FIGURES. ``phases``: seconds per step, or of the run.

    ``arguments``: a checksum; the words may hold secrets. ``version``: the commit, "" without git.
    """

    command: str
    arguments: str
    recorded: str
    version: str
    machine: dict[str, str]
    facts: dict[str, str]
    figures: list[dict[str, float]]
    step_phases: dict[str, float]
    run_phases: dict[str, float]
    findings: list[KnownFinding]

    def runs(self, root: Path) -> list[RunFigures]:
        """As the runs of an old version. What is not kept (functions) is absent."""
        return [
            RunFigures(
                name="baseline",
                command=self.command,
                finished=True,
                steps=0,
                figures=figures,
                within={},
                step_phases=self.step_phases,
                run_phases=self.run_phases,
                step_hot=(),
                run_hot=(),
                machine=self.machine,
                facts=self.facts,
                findings={
                    (each.detector, Path(each.file).name, each.function): _ranked(each, root) for each in self.findings
                },
            )
            for figures in self.figures
        ]


class _File(msgspec.Struct, frozen=True):
    schema: str
    programs: dict[str, Program]


def arguments_of(words: Sequence[str]) -> str:
    """A checksum of a command's words."""
    return f"{zlib.crc32(chr(0).join(words).encode('utf-8', 'surrogateescape')):08x}"


def read(file: Path) -> dict[str, Program]:
    """The programs of a baseline, by name. Raises BaselineError."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BaselineError(f"cannot read {file}: {reason(error)}") from None
    except (ValueError, RecursionError) as error:
        raise BaselineError(f"{file} is no JSON: {str(error).partition(chr(10))[0]}") from None
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        raise BaselineError(f"{file} has the schema {schema}, and this version reads {SCHEMA}; record it with --update")
    try:
        programs = msgspec.convert(document, _File).programs
    except (msgspec.ValidationError, RecursionError) as error:
        raise BaselineError(f"{file} is damaged: {str(error).partition(chr(10))[0]}") from None
    for name, program in programs.items():
        _check(file, name, program)
    return programs


def _check(file: Path, name: str, program: Program) -> None:
    if not program.figures:
        raise BaselineError(f"{file} is damaged: {name} has no runs")
    for run in program.figures:
        if "run" not in run:
            raise BaselineError(f"{file} is damaged: a run of {name} has no figure run")
        for key, value in run.items():
            if not math.isfinite(value) or value < 0:
                raise BaselineError(f"{file} is damaged: {key} of {name} is {value}")
    if not program.run_phases:
        raise BaselineError(f"{file} is damaged: {name} has no phases")
    for phase, seconds in (*program.step_phases.items(), *program.run_phases.items()):
        if not math.isfinite(seconds):
            raise BaselineError(f"{file} is damaged: phase {phase} of {name} is {seconds}")


def update(file: Path, name: str, program: Program) -> None:
    """Set one program, and leave the others. Raises BaselineError."""
    programs = {**(read(file) if file.exists() else {}), name: program}
    document = {"schema": SCHEMA, "programs": {key: msgspec.to_builtins(programs[key]) for key in sorted(programs)}}
    try:
        write_text(file, json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    except OSError as error:
        raise BaselineError(f"cannot write {file}: {reason(error)}") from None


def stored(runs: Sequence[RunFigures], words: Sequence[str], version: str, root: Path, common: Any) -> Program:
    """What is kept of the runs of one version. ``common``: the findings that most of them have."""
    last = runs[-1]
    return Program(
        command=program_of(last),
        arguments=arguments_of(words),
        recorded=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        version=version,
        machine=last.machine,
        facts=last.facts,
        figures=[_rounded(run.figures) for run in runs],
        step_phases=_rounded(_means([run.step_phases for run in runs])),
        run_phases=_rounded(_means([run.run_phases for run in runs])),
        findings=[_known(row, root) for row in common.values()],
    )


def _means(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: sum(row.get(name, 0.0) for row in rows) / len(rows) for name in names}


def _rounded(values: dict[str, float]) -> dict[str, float]:
    """Six digits: what is not noise, and a diff that people can read."""
    return {name: float(f"{value:.6g}") for name, value in values.items()}


def _known(ranked: Ranked, root: Path) -> KnownFinding:
    finding = ranked.finding
    place = finding.location or Location("", 0)
    try:
        file = str(Path(place.file).relative_to(root)) if place.file else ""
    except ValueError:
        file = Path(place.file).name
    share = None if finding.gain is None else round(finding.gain.share, 4)
    return KnownFinding(finding.detector, finding.title, ranked.severity, file, place.line, place.function, share)


def _ranked(known: KnownFinding, root: Path) -> Ranked:
    place = Location(str(root / known.file), known.line, known.function) if known.file else None
    gain = None if known.share is None else Gain(known.share, known.share, known.share, 0.0, "")
    finding = Finding(known.detector, known.title, "machine", (), Fix("", "", 1), place, gain)
    return Ranked(finding, known.severity, 0.0, 0.0)
