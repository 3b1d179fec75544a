"""Many files, read one after another, in processes of this machine, or by a Dask cluster; always in their order."""

from __future__ import annotations

import hashlib
import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, TypeVar

from ..files import reason
from ..recording.folder import RunError
from ..recording.trace_files import Progress

R = TypeVar("R")
Read = Callable[[Path, Progress | None], R]  # a function of a module, which another process can be told to call

_FEW_FILES, _FEW_BYTES = 3, 32 << 20  # up to so many, starting processes takes longer than reading


@dataclass(frozen=True)
class Reading:
    """How files are read. ``processes``: on this machine; ``scheduler``: the address of a Dask cluster, which is used
    instead and has to see the files under the same paths; ``progress`` is told how far each file has been read."""

    processes: int = 1
    scheduler: str = ""
    progress: Progress | None = None


ONE_BY_ONE = Reading()


def read_all(read: Read[R], files: Sequence[Path], how: Reading) -> Iterator[R | RunError]:
    """What ``read`` gives for each file, in their order; its RunError for those that cannot be read."""
    if how.scheduler:
        yield from _told(files, how, _by_cluster(read, files, how.scheduler))
    elif how.processes > 1 and len(files) > _FEW_FILES and sum(map(_size, files)) > _FEW_BYTES:
        yield from _told(files, how, _by_processes(read, files, min(how.processes, len(files))))
    else:
        yield from (_outcome(read, file, how.progress) for file in files)


def without_copies(files: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """The files of which none is a copy of another one, and a note on each that is left out."""
    sizes = [_size(file) for file in files]
    seen, kept, notes = dict[tuple[int, bytes], Path](), list[Path](), list[str]()
    for file, size in zip(files, sizes, strict=True):
        first = seen.setdefault((size, _digest(file) if sizes.count(size) > 1 else b""), file)
        if first is file or size < 0:
            kept.append(file)
        else:
            notes.append(f"{file} was left out: {first.name} has the same content.")
    return kept, notes


def _outcome(read: Read[R], file: Path, progress: Progress | None = None) -> R | RunError:
    try:
        return read(file, progress)
    except RunError as error:
        return error
    except OSError as error:
        return RunError(f"{file} cannot be read: {reason(error)}")


def _told(files: Sequence[Path], how: Reading, outcomes: Iterable[R]) -> Iterator[R]:
    for file, outcome in zip(files, outcomes, strict=True):
        if how.progress is not None:
            how.progress(file, _size(file), _size(file))
        yield outcome


def _by_processes(read: Read[R], files: Sequence[Path], processes: int) -> Iterator[R | RunError]:
    context = multiprocessing.get_context("spawn")
    with _ended(ProcessPoolExecutor(processes, context)) as pool:
        with _interrupts_held():
            waiting = [pool.submit(_outcome, read, file) for file in files]
        for file in files:
            try:
                yield waiting.pop(0).result()
            except BrokenProcessPool:
                yield RunError(f"{file} cannot be read: the process that read it was ended, perhaps for lack of memory")


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Processes started here never see Ctrl-C, which reaches all of a terminal: their parent ends them.

    One that is pressed meanwhile comes afterwards.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # else it starts with the first process, and takes the hold away
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _ended(pool: ProcessPoolExecutor) -> Iterator[ProcessPoolExecutor]:
    """The pool, whose processes end at once if it is left by an exception."""
    before = set(multiprocessing.active_children())
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        raise
    pool.shutdown()


def _by_cluster(read: Read[R], files: Sequence[Path], address: str) -> Iterator[R | RunError]:
    try:
        from distributed import Client
    except ImportError:
        raise RunError("--scheduler needs Dask: pip install 'bottleneck-profiler[dask]'") from None
    try:
        client: Any = Client(address, timeout=10)
    except (OSError, ValueError) as error:
        raise RunError(f"no Dask scheduler answers at {address}: {str(error).partition(chr(10))[0]}") from None
    with client:
        waiting = client.map(_outcome, [read] * len(files), [file.absolute() for file in files], pure=False)
        for _ in files:
            yield waiting.pop(0).result()


def _size(file: Path) -> int:
    """In bytes; -1 for what cannot be read."""
    try:
        return file.stat().st_size
    except OSError:
        return -1


def _digest(file: Path) -> bytes:
    digest = hashlib.sha256()
    try:
        with open(file, "rb") as content:
            while part := content.read(1 << 20):
                digest.update(part)
    except OSError:
        pass  # who reads it says so
    return digest.digest()
