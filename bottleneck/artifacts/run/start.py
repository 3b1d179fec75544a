"""What the main thread computes before the first step, besides imports, models and work with its own phase. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ... import signals
from ...recording.intervals import Mask
from ...recording.model import Frame, Recording
from .. import Missing
from ..etl.stages import Etl
from ..training.loop_samples import Function, Line, Sample, alike
from ..training.places import Place, place_of
from ..training.steps import Steps
from .breakdown import Breakdown
from .gaps import OTHER, REACH_NS, importing
from .host import Host
from .stacks import Stacks

#: Making and moving models, compiling, downloads and subprocesses: nothing that a file could cache.
_NOT_KEPT = (
    "/torch/nn/modules/ /torch/nn/init.py /torch/nn/utils/ /torch/optim/ /torch/hub.py /torch/serialization.py "
    "/torch/storage.py /torch/_ /torch/cuda/ /torch/utils/ /torch/distributed/ /torch/jit/ /torch/export/ /torch/fx/ "
    "/torchvision/models/ /torchvision/datasets/utils.py /triton/ /transformers/models/auto/ "
    "/transformers/modeling_ /transformers/utils/hub.py /safetensors/ /accelerate/ /lightning/ "
    "/pytorch_lightning/ /jax/ "
    "/huggingface_hub/ /urllib/ /urllib3/ /requests/ /httpx/ /http/client.py /ssl.py /socket.py /subprocess.py "
    "/multiprocessing/ /threading.py /concurrent/ /logging/"
).split()
#: Blocked anywhere else, the thread waits for something external: a person, another process, a lock.
_FILES = ("/os.py", "<frozen os>", "/pathlib", "/glob.py", "/genericpath.py", "<frozen genericpath>", "/codecs.py")
_NAMED = ("startup", "import", "shutdown", OTHER)  # spans that are not the user's set-up, or have no name
_TRAINING = (signals.FORWARD, signals.BACKWARD, signals.OPTIMIZER, signals.EVAL)


@dataclass(frozen=True)
class Start:
    """``seconds``: from program start to the first step; ``import_seconds``: the part spent importing.

    ``place``: the user's code with most of the computing in between, with shares of ``computing_seconds``;
    ``stored_bytes``: written until then.
    """

    seconds: float
    import_seconds: float
    computing_seconds: float
    place: Place | None
    stored_bytes: float

    @property
    def place_seconds(self) -> float:
        return self.computing_seconds * self.place.share if self.place is not None else 0.0

    @classmethod
    def compute(
        cls,
        recording: Recording,
        steps: Steps,
        stacks: Stacks,
        breakdown: Breakdown,
        host: Host,
        etl: Etl | None,
    ) -> Start:
        if "stacks" not in recording.facts.attached:
            raise Missing("Call stacks were not sampled.")
        first = int(steps.rows["t0"][0])
        stored = host.rise("write_bytes_total", recording.started_ns, first)
        if stored is None:
            raise Missing("The program's file writes were not measured.")
        before = [span for span in breakdown.outside if span.end_ns <= first]
        training = _training_lines(stacks)
        everything = [sample for sample in _before(stacks, first) if not importing(sample.frames)]
        computing = _computing(stacks, _before(stacks, first, etl), first, training)
        total = sum(sample.seconds for sample in computing)
        # Samples cover running and sleeping; the wall clock also advances while the thread waits for a core.
        wall = sum(span.seconds for span in before if span.name not in _NAMED)
        certain = wall - 2 * REACH_NS / 1e9  # a sample covers this much time around it
        drawn_out = max(1.0, certain / max(sum(sample.seconds for sample in everything), 1e-9))
        return cls(
            (first - recording.started_ns) / 1e9,
            sum(span.seconds for span in before if span.name == "import"),
            total * drawn_out,
            place_of(computing, None, total, training),
            stored,
        )


def _before(stacks: Stacks, first_ns: int, etl: Etl | None = None) -> list[Sample]:
    """Samples outside all phases before ``first_ns``, and outside ETL if it is given."""
    rows = stacks.rows[(stacks.rows["t1"] <= first_ns) & ((stacks.rows["flags"] & 0xFF) == signals.NONE)]
    if etl is not None:
        spans = [(stretch.start_ns, stretch.end_ns) for stretch in etl.stretches]
        for start, end in [*spans, *((loop.t0, loop.t1) for loop in etl.loops)]:
            rows = rows[(rows["t1"] <= start) | (rows["t1"] > end)]
    return [sample for sample, _ in alike(rows, stacks.frames)]


def _computing(stacks: Stacks, samples: list[Sample], first_ns: int, training: frozenset[Line]) -> list[Sample]:
    """Samples in which the user's code computes something that a file could cache."""
    # Code that also runs in or between steps is not set-up: experience is collected before the first update too.
    later = _functions(stacks, stacks.rows["t1"] > first_ns) - {line[:2] for line in training}
    return [
        sample
        for sample in samples
        if _can_be_kept(sample) and later.isdisjoint((frame.file, frame.function) for frame in sample.users)
    ]


def _can_be_kept(sample: Sample) -> bool:
    inner = [frame.file.replace("\\", "/") for frame in sample.library]
    if not sample.users or importing(sample.frames):
        return False
    if any(part in file for part in _NOT_KEPT for file in inner):
        return False
    return sample.running or any(part in file for part in _FILES for file in inner[-1:])


def _training_lines(stacks: Stacks) -> frozenset[Line]:
    """Lines that training is called from; anything else in their functions is judged line by line."""
    frames = _user_frames(stacks, np.isin(stacks.rows["flags"] & 0xFF, _TRAINING))
    return frozenset((frame.file, frame.function, frame.line) for frame in frames)


def _functions(stacks: Stacks, chosen: Mask) -> set[Function]:
    return {(frame.file, frame.function) for frame in _user_frames(stacks, chosen)}


def _user_frames(stacks: Stacks, chosen: Mask) -> set[Frame]:
    seen = np.unique(stacks.rows["arg"][chosen]).tolist()
    return {frame for stack in seen for frame in stacks.frames.get(stack, ()) if frame.user}
