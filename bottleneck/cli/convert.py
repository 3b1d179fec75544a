"""``bottleneck convert``: the text files of a finding as Parquet."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._finding import chosen, fail

if TYPE_CHECKING:
    from ..conversion import Converted, Job, Progress
    from ..diagnosis.findings import Location

DEFAULT = "csv-instead-of-parquet"


@click.command("convert", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("run", metavar="RUN")
@click.argument("finding_id", metavar="[ID]", required=False)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Where to write the Parquet files (default: beside each text file).",
)
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@click.option(
    "--python",
    metavar="PATH",
    help="The program's Python, if it differs from the one that runs this command.",
)
def command(run: str, finding_id: str | None, output: Path | None, dry_run: bool, python: str | None) -> None:
    """Write the text files that finding ID of RUN reads as Parquet, and print the lines to change.

    ID is csv-instead-of-parquet by default. Each file is written only if `read_parquet` gives the same table as the
    program's own call, which reads the text once more: every column is compared. Nothing is overwritten or deleted.
    """
    from ..conversion import NoConversion, convert, jobs_of
    from ..detectors import current_id
    from ..recording.folder import RunError, find
    from ..session import analyse

    try:
        recording, diagnosis = analyse(find(run))
    except RunError as error:
        fail(str(error), 2)
    found = chosen(diagnosis, current_id(finding_id or DEFAULT)).finding
    folder = None if output is None else output.absolute()
    refused: list[str] = []
    try:
        jobs = jobs_of(recording, found.location, folder)
    except NoConversion as reason:
        fail(str(reason), 1)
    for job in jobs:
        if dry_run:
            click.echo(f"{job.source} -> {job.target}", err=True)
            continue
        try:
            with _bar(job) as progress:
                _say(convert(job, python or sys.executable, progress))
        except NoConversion as reason:
            refused.append(f"bottleneck: {reason}")
            if refused.count(refused[-1]) == 1:  # a folder is the same for all of its files
                click.echo(refused[-1], err=True)
    if refused:
        fail("not every file was converted, so no change to the program is shown", 1)
    assert found.location is not None
    _show_lines(jobs, found.location, recording.run, folder)


def _say(done: Converted) -> None:
    names = f"{done.job.target}: {done.rows:,} rows, {done.columns:,} columns, equal to the program's own read"
    if not done.codec:
        click.echo(f"{names}; it was there already", err=True)
        return
    groups = "1 row group" if done.groups == 1 else f"{done.groups} row groups"
    sizes = f"{done.size_bytes / 1e6:,.1f} MB of text, {done.parquet_bytes / 1e6:,.1f} MB of Parquet"
    click.echo(f"{names}; {sizes} ({done.codec}, {groups})", err=True)


def _show_lines(jobs: Sequence[Job], location: Location, run: dict[str, Any], folder: Path | None) -> None:
    from ..conversion.lines import patch
    from ..patching import NoPatch

    try:
        found = patch(jobs, location, run, folder)
    except NoPatch as reason:
        click.echo(f"bottleneck: no patch: {reason}; read {jobs[0].target} in {location}", err=True)
        return
    click.echo(found.diff(Path.cwd()).encode(), nl=False)  # bytes: the file's line ends as they are
    if not found.file.is_relative_to(Path.cwd().resolve()):
        click.echo(f"bottleneck: {found.file} is outside this folder; apply the diff with: patch -p1 -d /", err=True)


@contextmanager
def _bar(job: Job) -> Iterator[Progress]:
    """A bar on stderr while a file is written, if that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(job.source.name), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, size: bar.update(task, completed=done, total=size)
