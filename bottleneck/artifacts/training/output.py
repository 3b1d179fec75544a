"""Output of the training thread within the steps: logs, progress bars, trackers, prints. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from ... import signals
from ...recording.facts import OutputLines
from ...recording.model import Frame, Recording
from .. import Absent
from ..run.gaps import importing
from .checkpoints import Checkpoints
from .evaluations import Evaluations, done_elsewhere
from .loop_samples import LoopSamples, Sample, alike, from_loop, stacks_in_steps
from .places import Place, place_of
from .steps import Steps

#: Part of a file's path -> the tool that writes, in the order in which one path is matched.
_TOOLS = {
    "/logging/__init__.py": "logging",
    "/logging/handlers.py": "logging",
    "/loguru/": "loguru",
    "/structlog/": "structlog",
    "/tqdm/": "tqdm",
    "/alive_progress/": "progress bar",
    "/rich/": "rich",
    "/torch/utils/tensorboard/": "tensorboard",
    "/tensorboardX/": "tensorboard",
    "/tensorboard/": "tensorboard",
    "/wandb/": "wandb",
    "/mlflow/": "mlflow",
    "/neptune/": "neptune",
    "/comet_ml/": "comet",
    "/clearml/": "clearml",
    "/loggers/": "logger",  # Lightning's and similarly laid out packages'
    "/torch/_tensor_str.py": "text of tensors",
}
_JSON = "/json/__init__.py"
#: Formatting a value waits for the accelerator that holds it; that time does not count as writing.
_MAKES_TEXT = ("getMessage", "__format__", "__repr__", "__str__", "_str", "_str_intern", "_tensor_str")
#: Output during data loading or evaluation is charged there.
_PHASES = (signals.NONE, signals.FORWARD, signals.BACKWARD, signals.OPTIMIZER)


@dataclass(frozen=True)
class Output:
    """``seconds``: step time spent writing, by phase; ``share``: its total as a share of the step time.

    ``place``: where most of it is called, with shares of the output; ``tool``: the tool that writes most; ``samples``:
    number of samples that show it, ``sampled_seconds`` in total.
    """

    seconds: dict[str, float]
    share: float
    place: Place | None
    tool: str
    samples: int
    sampled_seconds: float
    lines: frozenset[tuple[str, int]] = field(repr=False, default=frozenset())
    accelerated: bool = False

    @property
    def total_seconds(self) -> float:
        return sum(self.seconds.values())

    @classmethod
    def compute(
        cls,
        recording: Recording,
        steps: Steps,
        loop_samples: LoopSamples,
        checkpoints: Checkpoints | None,
        evaluations: Evaluations | None,
    ) -> Output:
        if not steps.training:
            raise Absent("The run does not train, so its output is its work.")
        accelerated = steps.accelerated
        lines = _lines(recording, accelerated)
        nothing = cls({}, 0.0, None, "", 0, 0.0, lines, accelerated)
        found: list[Sample] = []
        tools: Counter[str] = Counter()
        sampled: Counter[int] = Counter()  # all samples by phase, not only output
        samples = 0
        for sample, count in _samples(recording, steps):
            sampled[sample.phase] += sample.seconds  # type: ignore[assignment]
            sample = from_loop(sample, loop_samples.loop)
            tool = nothing.tool_of(sample)
            if tool and not done_elsewhere(sample.users, checkpoints, evaluations):
                found.append(sample)
                tools[tool] += sample.seconds  # type: ignore[assignment]
                samples += count
        if not found:
            return nothing
        seconds = {}
        for phase in {sample.phase for sample in found}:
            part = sum(sample.seconds for sample in found if sample.phase == phase) / max(sampled[phase], 1e-12)
            seconds[signals.PHASES[phase]] = part * float(steps.phase(signals.PHASES[phase]).sum())
        total = sum(sample.seconds for sample in found)
        written_at = {(frame.file, frame.function, frame.line) for sample in found for frame in sample.users[-1:]}
        place = place_of(found, loop_samples.loop, total, loop_samples.training - written_at)
        share = sum(seconds.values()) / max(steps.total_seconds, 1e-9)
        tool = max(tools, key=tools.__getitem__)
        return cls(seconds, share, place, tool, samples, total, lines, accelerated)

    def tool_of(self, sample: Sample) -> str:
        """The tool writing during a sample, by the library frames below the user's innermost line; "" if none."""
        if not sample.users:
            return ""
        inner, last = sample.library, sample.users[-1]
        if not inner:
            return "print" if (last.file, last.line) in self.lines else ""
        if importing(inner):
            return ""
        if self.accelerated and inner[-1].function.rpartition(".")[2] in _MAKES_TEXT:
            return ""
        return next(filter(None, map(_tool, inner)), "")


def _tool(frame: Frame) -> str:
    if frame.generator:  # a progress bar wraps an iterator whose time is not the bar's
        return ""
    if frame.file.endswith(_JSON) and frame.function == "dump":
        return "json"
    return next((tool for part, tool in _TOOLS.items() if part in frame.file), "")


def _lines(recording: Recording, accelerated: bool) -> frozenset[tuple[str, int]]:
    """(file, line) of each user line that does nothing but write."""
    found = set()
    for _, fact in recording.facts.of(OutputLines):
        lines = fact.lines if accelerated else [*fact.lines, *fact.fetching]
        found |= {(fact.file, line) for line in lines}
    return frozenset(found)


def _samples(recording: Recording, steps: Steps) -> list[tuple[Sample, int]]:
    """The stacks seen in the steps, innermost frame last, with the number of times each was seen."""
    rows = stacks_in_steps(recording, steps)
    rows = rows[np.isin(rows["flags"] & 0xFF, _PHASES)]
    mine = {key[1]: frames for key, frames in recording.facts.stacks.items() if key[0] == steps.process}
    return alike(rows, mine)
