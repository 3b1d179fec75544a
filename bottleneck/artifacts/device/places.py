"""The user's lines where the host waits for the device, copies to it, and calls the model. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ... import signals
from ...recording.facts import DeviceLines
from ...recording.model import Frame, Recording, Site
from ..training.loop_samples import forwards, stacks_in_steps
from ..training.steps import Steps
from .window import Device, waits

Numbers = npt.NDArray[Any]
_OF_TENSORS = ("/torch/_tensor_str.py", "/torch/_tensor.py")  # what print and format() go through


@dataclass(frozen=True)
class DevicePlaces:
    """``fetch``, ``copy``: the line of that kind with the most sampled time, otherwise the only such line in the
    source.

    ``forward``: where training calls the model; the first such line that was seen. In the trace of another tool, the
    lines are those that its call stacks give for the calls themselves, or the functions: the one with the most time;
    ``forward`` is then the one whose kernels take most. Only such a trace gives ``launches``, the line with the most of
    them, ``batches``, which waits for the next batch, and ``allocation``.
    """

    fetch: Site | None
    copy: Site | None
    forward: Site | None
    batches: Site | None = None
    launches: Site | None = None
    allocation: Site | None = None

    @classmethod
    def compute(cls, recording: Recording, steps: Steps, device: Device | None) -> DevicePlaces:
        if recording.imported:
            return cls._traced(recording, steps, device)
        notes = [fact for _, fact in recording.facts.of(DeviceLines)]
        rows = stacks_in_steps(recording, steps)
        seconds: Counter[Frame] = Counter()
        files = set()  # of the loop
        for stack, t0, t1 in zip(rows["arg"].tolist(), rows["t0"].tolist(), rows["t1"].tolist(), strict=True):
            frames = recording.facts.stacks.get((steps.process, stack), ())
            files |= {frame.file for frame in frames if frame.user}
            frame = _waiting(frames)
            if frame is not None:
                seconds[frame] += t1 - t0
        notes = [fact for fact in notes if fact.file in files]
        forward = [frames for process, frames in forwards(recording) if process == steps.process]
        function, file, line = forward[0][0] if forward and forward[0] else ("", "", 0)
        return cls(
            _place({(fact.file, line) for fact in notes for line in fact.fetches}, seconds),
            _place({(fact.file, line) for fact in notes for line in fact.copies}, seconds),
            Site(file, line, function) if file else None,
        )

    @classmethod
    def _traced(cls, recording: Recording, steps: Steps, device: Device | None) -> DevicePlaces:
        events = recording.events
        events = events[(events["process"] == steps.process) & (events["kind"] == signals.DATA_WAIT)]
        batches = _most(recording, steps.process, events["arg"].astype("i8"), events["t1"] - events["t0"])
        if device is None:
            return cls(None, None, None, batches)

        def place(rows: Numbers, weights: Numbers | None = None) -> Site | None:
            weights = device.seconds(rows) if weights is None else weights
            return _most(recording, steps.process, device.sites(rows), weights)

        fetching, copying, _ = waits(device.rows)
        copies, launches = device.of("memcpy_h2d"), device.of("launch")
        return cls(
            fetch=place(fetching),
            copy=place(copying) or place(copies),
            forward=place(device.of("kernel")),
            batches=batches,
            launches=place(launches, np.ones(len(launches))),
            allocation=place(device.of("alloc")),
        )


def _most(recording: Recording, process: int, numbers: Numbers, weights: Numbers) -> Site | None:
    """The line, by its number, that has the largest sum of weights."""
    sums = np.bincount(numbers[numbers > 0], weights=weights[numbers > 0], minlength=1)
    return recording.facts.site(process, int(np.argmax(sums)))


def _place(lines: set[tuple[str, int]], seconds: Counter[Frame]) -> Site | None:
    there = next((frame for frame, _ in seconds.most_common() if (frame.file, frame.line) in lines), None)
    if there is not None:
        return Site(there.file, there.line, there.function)
    return Site(*next(iter(lines)), "") if len(lines) == 1 else None


def _waiting(frames: tuple[Frame, ...]) -> Frame | None:
    """The innermost user frame, if all it calls is torch's code that formats a tensor as text."""
    for frame in frames:
        if frame.user:
            return frame
        if not frame.file.endswith(_OF_TENSORS):
            return None
    return None
