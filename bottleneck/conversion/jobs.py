"""Which files a finding's line reads, and by which call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..diagnosis.findings import Location
from ..recording.facts import Read
from ..recording.model import Recording

STREAMED = ("pandas.read_csv", "pandas.read_table", "pyarrow.csv.read_csv")
CALLS = (
    *STREAMED, "pandas.read_fwf", "pandas.read_json", "pandas.read_excel",
    "polars.read_csv", "polars.read_json", "polars.read_ndjson", "polars.read_excel",
)  # fmt: skip


class NoConversion(Exception):
    """Why a file is not converted: one line."""


@dataclass(frozen=True)
class Job:
    """One text file, the call that reads it, and the Parquet file to write.

    ``options``: the arguments of the call. ``library``: the version of pandas or pyarrow in the run.
    """

    source: Path
    target: Path
    call: str
    options: Mapping[str, Any]
    library: str | None = None

    @property
    def separator(self) -> str | None:
        """Between two fields; None if the call finds it out by itself, or reads no such text."""
        if self.call not in STREAMED:
            return None
        given = self.options.get("sep", self.options.get("delimiter"))
        default = "\t" if self.call == "pandas.read_table" else ","
        return default if given is None and "sep" not in self.options else given


def jobs_of(recording: Recording, location: Location | None, folder: Path | None = None) -> list[Job]:
    """The files that the line of a finding read, in the order of the run. Raises NoConversion.

    ``folder``: where the Parquet files go, else beside the text.
    """
    if recording.run.get("imported"):
        raise NoConversion("the run was recorded by another tool, perhaps on another machine")
    reads = [] if location is None else _reads(recording, location)
    if not reads:
        raise NoConversion("the line of this finding reads no text file that could be converted")
    jobs: dict[Path, Job] = {}
    for read in reads:
        job = _job(read, folder)
        if jobs.setdefault(job.source, job) != job:
            raise NoConversion(f"{location} reads {job.source.name} with different arguments at different times")
    _distinct(list(jobs.values()))
    return list(jobs.values())


def _reads(recording: Recording, location: Location) -> list[Read]:
    facts = recording.facts
    found = []
    for process, read in facts.of(Read):
        site = facts.site(process, read.site)
        if site is not None and (site.file, site.line) == (location.file, location.line):
            found.append(read)
    return found


def _job(read: Read, folder: Path | None) -> Job:
    if read.call not in CALLS:
        raise NoConversion(f"files that {read.call} reads are not converted here; `bottleneck report` shows the fix")
    if read.path is None:
        raise NoConversion(f"{read.count} of the files that {read.call} read are too small to be recorded by name")
    if "://" in read.path or not Path(read.path).is_absolute():
        raise NoConversion(f"{read.path} is no file of this machine")
    if read.options is None:
        raise NoConversion(f"the arguments of {read.call} were not recorded, or it read the file in parts")
    if read.hidden:
        names = ", ".join(read.hidden)
        raise NoConversion(f"{read.call} was given {names}, whose value is not recorded: convert with your own call")
    source = Path(read.path)
    if not source.is_file():
        raise NoConversion(f"{source} is gone since the run")
    target = (folder or source.parent) / source.with_suffix(".parquet").name
    return Job(source, target.absolute(), read.call, read.options, read.library)


def _distinct(jobs: list[Job]) -> None:
    """Files of several folders may have one name."""
    taken: dict[Path, Path] = {}
    for job in jobs:
        if taken.setdefault(job.target, job.source) != job.source:
            raise NoConversion(f"{taken[job.target]} and {job.source} would both become {job.target}")
