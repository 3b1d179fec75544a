"""What handlers compute beside the model: decoding requests, validating, tokenizing, encoding answers. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ... import signals
from ...recording.model import Frame, Recording, Site
from .. import Absent, Missing
from ..run.every_thread import by_thread
from ..run.frames import POOLED, through
from ..run.servers import answers, servers

MODEL = "model"
_MIN_SECONDS = 0.5  # of sampled CPU time
#: Files of libraries -> what they do for a request. The innermost frame that is known decides.
_PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("decoding images", ("/PIL/", "/imageio/", "/cv2/", "/torchvision/io/", "/torchvision/transforms/", "/skimage/")),
    ("decoding sound or video", ("/soundfile.py", "/librosa/", "/torchaudio/", "/av/")),
    ("tokenizing", ("/transformers/tokenization_", "/tokenizers/", "/sentencepiece/", "/tiktoken/", "/nltk/")),
    ("encoding and decoding JSON", ("/json/encoder.py", "/json/decoder.py", "/json/__init__.py", "/simplejson/")),
    ("validating", ("/pydantic/", "/fastapi/encoders.py", "/fastapi/_compat", "/marshmallow/", "/jsonschema/")),
    ("reading forms", ("/python_multipart/", "/multipart/", "/starlette/formparsers.py", "/werkzeug/formparser.py")),
    ("compressing", ("/gzip.py", "/starlette/middleware/gzip.py", "/brotli", "/zstandard/")),
    (MODEL, ("/torch/nn/modules/", "/onnxruntime/", "/sklearn/", "/xgboost/", "/lightgbm/", "/catboost/", "/keras/",
             "/tensorflow/", "/transformers/models/", "/transformers/generation/")),
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """CPU ``seconds`` of one kind of work, and the user's line (or, without one, the library's) with most of it."""

    name: str
    seconds: float
    site: Site | None


@dataclass(frozen=True)
class Handling:
    """CPU time of all threads below request handlers, in all serving processes. ``parts``: what is known of it, the
    largest first; the rest is other Python, or other libraries."""

    seconds: float
    parts: tuple[Part, ...]

    def share(self, part: Part) -> float:
        return part.seconds / max(self.seconds, 1e-9)

    @property
    def around(self) -> tuple[Part, ...]:
        """Parts before and after the model."""
        return tuple(part for part in self.parts if part.name != MODEL)

    @classmethod
    def compute(cls, recording: Recording) -> Handling:
        """Raises Absent where no process serves requests, Missing where too few samples fell into handlers."""
        serving = set(servers(recording))
        if not serving:
            raise Absent("No requests were served.")
        spent: dict[str, Counter[Site | None]] = {}
        total = 0.0
        for process, _, rows in by_thread(recording):
            if process not in serving:
                continue
            running = rows[rows["kind"] != signals.STACK_BLOCKED]
            stacks, which = np.unique(running["arg"], return_inverse=True)
            for stack, ns in zip(stacks.tolist(), np.bincount(which, running["t1"] - running["t0"]), strict=False):
                frames = recording.facts.stacks.get((process, stack), ())
                if answers(frames) or through(frames, (POOLED,)):
                    total += ns / 1e9
                    name, site = _part(frames)
                    spent.setdefault(name, Counter())[site] += ns / 1e9
        if total < _MIN_SECONDS:
            raise Missing("Too little CPU time of handlers was sampled to say what it is spent on.")
        spent.pop("", None)
        parts = (Part(name, sum(sites.values()), sites.most_common(1)[0][0]) for name, sites in spent.items())
        return cls(total, tuple(sorted(parts, key=lambda part: -part.seconds)))


def _part(frames: Sequence[Frame]) -> tuple[str, Site | None]:
    """What the innermost known library does, and the user's line that called it; "" where none is known."""
    for index, frame in enumerate(frames):
        if frame.user:
            break
        for name, files in _PARTS:
            if through((frame,), files):
                user = next((each for each in frames[index:] if each.user), None)
                return name, None if user is None else Site(user.file, user.line, user.function)
    return "", None
