"""Text files of a finding written as Parquet, where that gives the program the very same table.

``jobs_of`` says which files, read by which call; ``convert`` writes one of them. The program's own call reads the text
once more, in a process of its own, and every column of the Parquet file is compared with what it returns. Nothing is
overwritten, and a file that is not finished and compared does not appear.
"""

from __future__ import annotations

import glob
import os
import platform
import shutil
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from ..files import reason
from ._own_read import OwnRead
from .jobs import Job, NoConversion, jobs_of
from .streaming import Layout, layout_of, write_text_as_parquet

__all__ = ["Converted", "Job", "NoConversion", "convert", "jobs_of"]

#: (bytes of the text so far, bytes in all)
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Converted:
    """One text file and the Parquet file that equals it. ``codec`` is "" if the file was there before."""

    job: Job
    rows: int
    columns: int
    size_bytes: int
    parquet_bytes: int
    codec: str = ""
    groups: int = 0


def convert(job: Job, python: str, progress: Progress) -> Converted:
    """Write one Parquet file, or find it there already. Raises NoConversion in one line; the text is only read."""
    try:
        size = job.source.stat().st_size
        _writable(job)
        with OwnRead(job, python) as own:
            if job.target.exists():
                return _there_already(job, own, size)
            layout = layout_of(job, own)
            _room(job, size, layout)
            _clear(job.target)
            part = job.target.with_name(f".{job.target.name}.{_machine()}-{os.getpid()}.part")
            try:
                _write(job, own, layout, part, progress)
                groups = _finish(part)
                _appear(part, job.target)
            finally:
                part.unlink(missing_ok=True)
            return Converted(job, own.rows, own.columns, size, job.target.stat().st_size, layout.codec, groups)
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else job.target.parent
        raise NoConversion(f"cannot convert {job.source.name}: {where}: {reason(error)}; nothing was changed") from None


def _writable(job: Job) -> None:
    folder = job.target.parent
    if not folder.is_dir():
        raise NoConversion(f"there is no folder {folder}")
    if not os.access(folder, os.W_OK) or os.statvfs(folder).f_flag & os.ST_RDONLY:
        raise NoConversion(f"{folder} cannot be written to; choose another folder with --output")


def _machine() -> str:
    return f"{zlib.crc32(platform.node().encode()):08x}"


def _clear(target: Path) -> None:
    """Remove what a conversion to the same file has left behind that was killed on this machine."""
    for left in target.parent.glob(f".{glob.escape(target.name)}.{_machine()}-*.part"):
        pid = left.name.rpartition("-")[2].partition(".")[0]
        if pid.isdecimal() and not psutil.pid_exists(int(pid)):
            left.unlink(missing_ok=True)


def _there_already(job: Job, own: OwnRead, size: int) -> Converted:
    difference = own.difference(job.target)
    if difference:
        raise NoConversion(f"{job.target} exists and is not what your call reads ({difference}); it was left alone")
    return Converted(job, own.rows, own.columns, size, job.target.stat().st_size)


def _room(job: Job, size: int, layout: Layout) -> None:
    needed, free = int(size * layout.share), shutil.disk_usage(job.target.parent).free
    if needed > free:
        raise NoConversion(
            f"{job.target.parent} has {free / 1e6:,.0f} MB left, and {job.target.name} needs about "
            f"{needed / 1e6:,.0f} MB; nothing was written"
        )


def _write(job: Job, own: OwnRead, layout: Layout, part: Path, progress: Progress) -> None:
    """As a stream of text if that gives what the program's call gives, else from the table which that call returned."""
    differs = "it cannot be read as a stream"
    if layout.types is not None and write_text_as_parquet(job, layout, part, progress):
        differs = own.difference(part)
    if differs:
        own.write(part, layout)
        differs = own.difference(part)
    if differs:
        part.unlink(missing_ok=True)
        raise NoConversion(f"{job.source.name} as Parquet would not be what your call reads: {differs}")


def _finish(part: Path) -> int:
    """Bring the file to the disk before it gets its name; the number of its row groups."""
    from pyarrow.parquet import ParquetFile

    with open(part, "rb") as file:
        os.fsync(file.fileno())
    with ParquetFile(part) as made:
        return int(made.num_row_groups)


def _appear(part: Path, target: Path) -> None:
    """Give the file its name, unless somebody has taken it meanwhile."""
    try:
        os.link(part, target)
    except FileExistsError:
        raise NoConversion(f"{target} has appeared meanwhile; it was left alone") from None
    except OSError:  # a file system without links
        try:
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            raise NoConversion(f"{target} has appeared meanwhile; it was left alone") from None
        try:
            os.replace(part, target)
        except OSError:
            with suppress(OSError):
                target.unlink()
            raise
