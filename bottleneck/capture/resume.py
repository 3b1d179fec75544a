"""The state of a drain, saved in ``live/`` next to the rings with every part, so that another process can resume it.

Records that are not in a row yet are saved too, because their ring may have wrapped around by then. A process that
wants a snapshot of the run asks for a new part by creating a file there.
"""

from __future__ import annotations

import os
import time
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from .. import signals
from ..recording.folder import RunError
from ..recording.model import RECORD_DTYPE
from .drain import Drain
from .steps import StepBuilder

FILE = Path(signals.LIVE) / "drained.npz"
_ASKED = Path(signals.LIVE) / "asked"
_ANSWER_SECONDS = 5.0  # the recorder checks ten times a second, but may still be loading


class _Ring(msgspec.Struct):
    seen: int
    builder: dict[str, int | dict[int, int]] | None  # fields of a StepBuilder without its pending records


class _Standing(msgspec.Struct):
    part: int
    facts_bytes: int
    pids: dict[int, int]
    dropped: int
    written: int
    totals: list[tuple[int, int, int, int, int]]
    sides: dict[str, int]
    rings: dict[str, _Ring]
    retired: list[str]
    unknown: dict[int, int] = {}
    over: list[int] = []


def save(drain: Drain, part: int, facts_bytes: int) -> None:
    """Save the state of ``drain`` right after the result of its ``take`` was written as ``part``. Raises OSError."""
    rings, pending = {}, {}
    for name, (seen, builder) in drain.standing().items():
        fields = None if builder is None else {k: v for k, v in vars(builder).items() if k != "pending"}
        rings[name] = _Ring(seen, fields)
        if builder is not None and builder.size:
            pending[name] = np.concatenate(builder.pending)
    totals = [(*key, *value) for key, value in drain.totals.items()]
    standing = _Standing(
        part, facts_bytes, drain.pids, drain.dropped, drain.written, totals, drain.sides, rings, drain.retired,
        dict(drain.unknown), sorted(drain.over),
    )  # fmt: skip
    path = drain.run_dir / FILE
    temporary = path.with_suffix(".part")
    with open(temporary, "wb") as file:
        arrays: dict[str, Any] = {"standing": np.frombuffer(msgspec.json.encode(standing), "u1"), **pending}
        np.savez(file, **arrays)
    os.replace(temporary, path)


def restore(run_dir: Path) -> tuple[Drain, int, int]:
    """Returns (a drain that resumes, parts written so far, size of the facts in bytes). Raises RunError and OSError."""
    path = run_dir / FILE
    if not path.exists():
        return Drain(run_dir), 0, 0
    try:
        with np.load(path, allow_pickle=False) as stored:
            standing = msgspec.json.decode(stored["standing"].tobytes(), type=_Standing)
            pending = {name: stored[name].astype(RECORD_DTYPE) for name in stored.files if name != "standing"}
        drain = Drain(run_dir, standing.pids, standing.dropped, standing.written, sides=standing.sides)
        drain.totals = {(process, phase, outer): (n, ns) for process, phase, outer, n, ns in standing.totals}
        drain.unknown.update(standing.unknown)
        drain.over.update(standing.over)
        drain.retired = standing.retired  # read to the end but not deleted yet
        drain.discard()
        for name, ring in standing.rings.items():
            builder = None
            if ring.builder is not None:
                builder = StepBuilder(**ring.builder)  # type: ignore[arg-type]
                builder.pending = [pending[name]] if name in pending else []
            drain.resume_at[name] = ring.seen, builder
    except (ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile, msgspec.MsgspecError) as error:
        raise RunError(f"{path} is damaged: {error}") from None
    return drain, standing.part, standing.facts_bytes


def version(run_dir: Path) -> tuple[int, int] | None:
    """A value that changes with every saved state; None if none is saved."""
    try:
        found = (run_dir / FILE).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def ask(run_dir: Path) -> None:
    """Ask the recorder to write all it has and wait for it; harmless if there is no recorder. Never raises OSError."""
    before, deadline = version(run_dir), time.monotonic() + _ANSWER_SECONDS
    try:
        (run_dir / _ASKED).touch()
        while version(run_dir) == before and time.monotonic() < deadline:
            time.sleep(0.02)
        (run_dir / _ASKED).unlink(missing_ok=True)
    except OSError:
        pass  # another user's run


def is_asked(run_dir: Path) -> bool:
    """Whether a process has asked for a part; True once per request."""
    try:
        (run_dir / _ASKED).unlink()
    except OSError:
        return False
    return True


def forget(run_dir: Path) -> None:
    """Delete the saved state: the run is complete and there is nothing to resume."""
    (run_dir / FILE).unlink(missing_ok=True)
