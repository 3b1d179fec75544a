"""stacks.speedscope.json: the sampled stacks of every thread for https://www.speedscope.app, which reads the file
locally and does not upload it.

One profile per thread, in seconds. "Time order" follows the run; equal stacks within one five-hundredth of the run are
merged into one sample.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .. import signals
from ..artifacts import Artifacts, Missing
from ..artifacts.run.every_thread import EveryThread, SampledThread
from ..diagnosis.model import Diagnosis
from ..files import write_text
from ..recording.model import Recording
from .support.stack_frames import outermost_first
from .support.words import visible

name, after = "speedscope", ("html",)
SPEEDSCOPE_FILE = "stacks.speedscope.json"
_WINDOWS = 500


def write(recording: Recording, diagnosis: Diagnosis, folder: Path, artifacts: Artifacts | None = None) -> list[str]:
    """Write stacks.speedscope.json if stacks were sampled."""
    try:
        every = (artifacts or Artifacts(recording)).get(EveryThread)
    except Missing:
        return []
    document = to_json(every, recording, diagnosis.run.command)
    write_text(folder / SPEEDSCOPE_FILE, json.dumps(document, allow_nan=False, separators=(",", ":")))
    return []


def to_json(every: EveryThread, recording: Recording, title: str) -> dict[str, Any]:
    """The document in speedscope's file format."""
    numbers: dict[tuple[str, str, int], int] = {}  # function, file, line -> index into the shared frames
    profiles = [_profile(thread, recording, numbers) for thread in every.threads]
    return {
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "shared": {"frames": [_frame(*key) for key in numbers]},
        "profiles": profiles,
        "name": visible(title),
        "activeProfileIndex": 0,
        "exporter": "bottleneck",
    }


def _profile(thread: SampledThread, recording: Recording, numbers: dict[tuple[str, str, int], int]) -> dict[str, Any]:
    samples, weights = [], []
    for stack, waits, seconds in _samples(thread, recording):
        frames = outermost_first(thread.frames.get(stack, ()), waits)
        samples.append([numbers.setdefault((f.function, f.file, f.line), len(numbers)) for f in frames])
        weights.append(round(seconds, 6))
    return {
        "type": "sampled",
        "name": visible(f"{thread.process_name}, {thread.name}"),
        "unit": "seconds",
        "startValue": 0,
        "endValue": round(sum(weights), 6),
        "samples": samples,
        "weights": weights,
    }


def _samples(thread: SampledThread, recording: Recording) -> Iterator[tuple[int, bool, float]]:
    """(stack id, whether the thread was waiting, seconds) in time order."""
    rows = thread.rows
    length = max(1, (recording.ended_ns - recording.started_ns) // _WINDOWS)
    waits = rows["kind"] == signals.STACK_BLOCKED
    keys = np.stack([(rows["t1"] - recording.started_ns) // length, rows["arg"].astype("i8"), waits])
    order = np.lexsort(keys[::-1])
    keys = keys[:, order]
    starts = np.flatnonzero(np.append(True, (keys[:, 1:] != keys[:, :-1]).any(axis=0)))
    spent = np.maximum(rows["t1"] - rows["t0"], 0)[order]
    seconds = np.add.reduceat(spent, starts) / 1e9
    yield from zip(keys[1, starts].tolist(), (keys[2, starts] > 0).tolist(), seconds.tolist(), strict=True)


def _frame(function: str, file: str, line: int) -> dict[str, Any]:
    found: dict[str, Any] = {"name": visible(function)}
    if file:
        found["file"] = visible(file)
        if line > 0:
            found["line"] = line
    return found
