"""What the imports of the main script cost, and which of them the run did not need. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...recording.facts.imports import RareImport, ScriptImports
from ...recording.model import Frame, Recording
from .. import Missing
from .breakdown import Breakdown
from .gaps import importing
from .stacks import Stacks

Sampled = tuple[tuple[Frame, ...], float]  # frames, innermost first, and seconds


@dataclass(frozen=True)
class Imports:
    """``seconds``: wall time of all imports in the main process. ``unneeded``: the heaviest import that no sample shows
    in use; ``unneeded_seconds`` leaves out what other imports need as well."""

    seconds: float
    file: str
    unneeded: RareImport | None
    unneeded_seconds: float

    @classmethod
    def compute(cls, recording: Recording, stacks: Stacks, breakdown: Breakdown) -> Imports:
        known = recording.facts.of(ScriptImports)
        if not known:
            raise Missing("The imports of the program's source were not read.")
        script = known[0][1]
        total = breakdown.seconds.get("import", 0.0)
        by_line: dict[int, list[Sampled]] = {}
        sampled = 0.0
        for file, line, frames, seconds in _import_samples(stacks):
            sampled += seconds
            if file == script.file:
                by_line.setdefault(line, []).append((frames, seconds))
        found = {
            sum(seconds for frames, seconds in by_line.get(rare.line, ()) if not _in(rare.shared, frames)): rare
            for rare in script.rare
            if not any(_is_use(rare, script.file, frames) for frames in stacks.frames.values())
        }
        most = max(found, default=0.0)
        # Samples cover running and sleeping; the wall clock also advances while the thread waits for a core.
        return cls(total, script.file, found.get(most), most * total / sampled if sampled else 0.0)


def _import_samples(stacks: Stacks) -> Iterator[tuple[str, int, tuple[Frame, ...], float]]:
    """(file, line of the user's, frames, seconds) of each sample taken during an import.

    Imports nest deeper than the kept stacks. If the user's line is cut off, the one of the sample before is used.
    """
    file, line = "", 0
    for row in stacks.rows[np.argsort(stacks.rows["t1"], kind="stable")]:
        frames = stacks.frames.get(int(row["arg"]), ())
        user = next((depth for depth, frame in enumerate(frames) if frame.user), None)
        if not importing(frames[:user]):
            file, line = "", 0
            continue
        if user is not None:
            file, line = frames[user].file, frames[user].line
        yield file, line, frames, int(row["t1"] - row["t0"]) / 1e9


def _is_use(rare: RareImport, file: str, frames: tuple[Frame, ...]) -> bool:
    """Whether a stack is in a block that uses the import, or shows the user's code calling into the package."""
    if not any(frame.user for frame in frames):
        return False
    if any(frame.file == file and frame.line in rare.lines for frame in frames):
        return True
    return not importing(frames) and _in((rare.package.lower(),), frames)


def _in(packages: tuple[str, ...], frames: tuple[Frame, ...]) -> bool:
    """Whether any frame is in one of these installed packages."""
    return any(_package(frame.file) in packages for frame in frames)


def _package(file: str) -> str:
    _, _, inside = file.replace("\\", "/").rpartition("-packages/")
    return inside.partition("/")[0].removesuffix(".py").lower()
