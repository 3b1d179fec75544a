"""The user's lines where the host waits for the device, copies to it, and calls the model. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from ...recording.facts import DeviceLines
from ...recording.model import Frame, Recording, Site
from ..training.loop_samples import forwards, stacks_in_steps
from ..training.steps import Steps

_OF_TENSORS = ("/torch/_tensor_str.py", "/torch/_tensor.py")  # what print and format() go through


@dataclass(frozen=True)
class DevicePlaces:
    """``fetch``, ``copy``: the line of that kind with the most sampled time, otherwise the only such line in the
    source.

    ``forward``: where training calls the model; the first such line that was seen.
    """

    fetch: Site | None
    copy: Site | None
    forward: Site | None

    @classmethod
    def compute(cls, recording: Recording, steps: Steps) -> DevicePlaces:
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
