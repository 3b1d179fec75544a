"""What the call stacks show about loading: the user's lines by share, and what blocks it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ... import signals
from ...recording.model import Frame, Recording, Records
from ..training.steps import Steps
from .loader import Loader

_FETCHER = "/torch/utils/data/_utils/fetch.py"  # batches are loaded below this frame of torch's
#: Code that waits for input or output when blocked: the standard library, file formats, service clients.
_READERS = (
    *("/pathlib.py", "/_pyio.py", "/socket.py", "/ssl.py", "/http/", "/urllib/", "/gzip.py", "/bz2.py", "/lzma.py"),
    *("/zipfile", "/tarfile.py", "/shutil.py", "/tempfile.py", "/mmap.py", "/sqlite3/", "/numpy/lib/", "/PIL/"),
    *("/pandas/io/", "/pyarrow/", "/h5py/", "/zarr/", "/lmdb/", "/torch/serialization.py", "/safetensors/"),
    *("/requests/", "/urllib3/", "/httpx/", "/httpcore/", "/aiohttp/", "/boto3/", "/botocore/", "/s3fs/", "/gcsfs/"),
    *("/fsspec/", "/smart_open/", "/google/cloud/", "/azure/", "/redis/", "/pymongo/", "/psycopg", "/webdataset/"),
)


@dataclass(frozen=True)
class HotLine:
    """A user function, at its hottest line, and its share of the sampled loading time.

    ``line_share``: the share of that line alone; ``cpu_share``: share of the function's time spent on the CPU.
    """

    frame: Frame
    share: float
    cpu_share: float
    line_share: float


@dataclass(frozen=True)
class LoadingSamples:
    """What the call stacks show about loading: the user's lines by share, and shares of the sampled time."""

    hot: tuple[HotLine, ...]
    reading_share: float
    blocked_share: float
    in_memory: bool

    @classmethod
    def of(cls, recording: Recording, steps: Steps, loader: Loader) -> LoadingSamples:
        stacks = _loading_stacks(recording, steps, loader)
        lines: dict[Frame, list[float]] = {}  # (seconds, seconds on the CPU)
        total = reading = blocked = torch = 0.0
        for process, kind, stack, seconds in zip(
            stacks["process"].tolist(),
            stacks["kind"].tolist(),
            stacks["arg"].tolist(),
            ((stacks["t1"] - stacks["t0"]) / 1e9).tolist(),
            strict=True,
        ):
            frames = recording.facts.stacks.get((process, stack), ())
            fetcher = _depth(frames, lambda frame: frame.file.endswith(_FETCHER))
            if fetcher is None and loader.num_workers:
                continue  # a worker waiting for its next index
            total += seconds
            frames = frames[: fetcher or 0]
            user = _depth(frames, lambda frame: frame.user)
            if user is not None:
                cell = lines.setdefault(frames[user], [0.0, 0.0])
                cell[0] += seconds
                cell[1] += seconds * (kind == signals.STACK_CPU)
            elif all("/torch/" in frame.file for frame in frames):
                torch += seconds
            if kind == signals.STACK_BLOCKED:
                blocked += seconds
                reading += seconds * _reads(frames[:user])
        if total <= 0:
            return cls((), 0.0, 0.0, False)
        return cls(_functions(lines, total), reading / total, blocked / total, torch >= 0.9 * total)


def _loading_stacks(recording: Recording, steps: Steps, loader: Loader) -> Records:
    """Samples of the code that loads batches: in the loader's workers, or in the main thread during its waits."""
    stacks = recording.stacks
    if loader.num_workers:
        mine = [p.index for p in recording.facts.processes if p.role == signals.WORKER and p.loader == loader.id]
        rows = np.isin(stacks["process"], mine)
    else:
        rows = (stacks["process"] == steps.process) & (stacks["flags"] & 0xFF == signals.DATA_WAIT)
    found: Records = stacks[rows]
    return found


def _depth(frames: tuple[Frame, ...], wanted: Callable[[Frame], bool]) -> int | None:
    """Depth of the first matching frame, counted from the innermost."""
    return next((depth for depth, frame in enumerate(frames) if wanted(frame)), None)


def _reads(frames: tuple[Frame, ...]) -> bool:
    """Whether the library frames below the user's line read files or talk to a service."""
    return any(part in frame.file for frame in frames for part in _READERS)


def _functions(lines: dict[Frame, list[float]], total: float) -> tuple[HotLine, ...]:
    """Lines merged by function, each shown at its hottest line, largest first."""
    functions: dict[tuple[str, str], list[tuple[Frame, list[float]]]] = {}
    for frame, both in lines.items():
        functions.setdefault((frame.file, frame.function), []).append((frame, both))
    hot = []
    for members in functions.values():
        seconds, cpu = (sum(both[i] for _, both in members) for i in (0, 1))
        hottest, (longest, _) = max(members, key=lambda member: member[1][0])
        hot.append(HotLine(hottest, seconds / total, cpu / max(seconds, 1e-9), longest / total))
    return tuple(sorted(hot, key=lambda line: -line.share)[:10])
