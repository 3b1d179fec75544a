"""stacks.collapsed.txt: the sampled stacks of every thread, for flamegraph.pl, inferno and speedscope.

One line per stack, ``process;thread;outermost frame;...;innermost frame N``, where N is whole microseconds.
"""

from __future__ import annotations

from pathlib import Path

from ..artifacts import Artifacts, Missing
from ..artifacts.run.every_thread import EveryThread, SampledThread
from ..artifacts.run.stacks import weights
from ..diagnosis.findings import Location
from ..diagnosis.model import Diagnosis
from ..files import write_text
from ..recording.model import Frame, Recording
from .support import units, words
from .support.stack_frames import outermost_first

name, after = "collapsed", ("html",)
COLLAPSED_FILE = "stacks.collapsed.txt"


def write(recording: Recording, diagnosis: Diagnosis, folder: Path, artifacts: Artifacts | None = None) -> list[str]:
    """Write stacks.collapsed.txt if stacks were sampled."""
    try:
        every = (artifacts or Artifacts(recording)).get(EveryThread)
    except Missing:
        return []
    write_text(folder / COLLAPSED_FILE, dumps(every))
    return []


def dumps(every: EveryThread) -> str:
    """The text of the file, with the heaviest stack of each thread first."""
    return "".join(f"{stack} {count}\n" for thread in every.threads for stack, count in _lines(thread))


def _lines(thread: SampledThread) -> list[tuple[str, int]]:
    seconds: dict[str, float] = {}
    for number, running, waiting in weights(thread.rows):
        for waits, spent in ((False, running), (True, waiting)):
            frames = outermost_first(thread.frames.get(number, ()), waits)
            stack = ";".join(map(_word, (thread.process_name, thread.name, *map(_shown, frames))))
            seconds[stack] = seconds.get(stack, 0.0) + spent
    counts = [(stack, round(spent * 1e6)) for stack, spent in seconds.items()]
    return sorted((pair for pair in counts if pair[1] > 0), key=lambda pair: -pair[1])


def _shown(frame: Frame) -> str:
    where = Location(units.library_path(frame.file), frame.line)
    return f"{frame.function} ({where})" if frame.file else frame.function


def _word(text: str) -> str:
    """Replace separators: the format separates frames by semicolons and stacks by newlines, and has no escapes."""
    return words.visible(text).replace(";", ",")
