"""Handlers compute around the model rather than in it."""

from __future__ import annotations

from ...artifacts.serving.handling import Handling, Part
from ...artifacts.serving.processes import ServerProcesses
from ...diagnosis.findings import Evidence, Fine, Fix, Gain, Outcome, QueueChange
from .. import Detector
from .._common import location

#: What usually helps, and by how much the part gets faster: from two published or measured factors.
_HELP: dict[str, tuple[str, str, tuple[float, float]]] = {
    "decoding images": (
        "Decode at the size that the model needs, or let clients send that size",
        "image = Image.open(file)\nimage.draft('RGB', (224, 224))  # JPEG: decoded at 1/2, 1/4 or 1/8 of the size",
        (1.5, 16.0),
    ),
    "tokenizing": (
        "Use the tokenizer that is compiled (the class whose name ends in Fast)",
        "tokenizer = AutoTokenizer.from_pretrained(name, use_fast=True)",
        (3.0, 20.0),
    ),
    "encoding and decoding JSON": (
        "Encode with orjson, or send large arrays as bytes",
        "return Response(orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY), media_type='application/json')",
        (3.0, 10.0),
    ),
    "validating": (
        "Return a finished Response, and validate large bodies in one go with model_validate_json",
        "return Response(ANSWER.dump_json(answer), media_type='application/json')  # ANSWER: one TypeAdapter",
        (2.0, 10.0),
    ),
    "reading forms": ("Send the file as the body of the request, without a form", "", (1.5, 5.0)),
    "compressing": (
        "Compress in the proxy, or with a lower level",
        "GZipMiddleware(app, compresslevel=1)",
        (2.0, 6.0),
    ),
    "decoding sound or video": ("Decode only the part that the model needs, at its sampling rate", "", (1.2, 3.0)),
}


class PrePostBound(Detector):
    """The CPU time of requests is spent on what comes before and after the model: decoding, validating, encoding.

    Why it matters
        It takes the cores that the model could use, mostly under the GIL, and a faster model would not help.
    How it is measured
        CPU time of all threads below request handlers, by what the innermost known library does. The gain is Amdahl's
        law with the factors by which the usual replacement is faster; it is that of the server's capacity, and only as
        far as its CPU is the limit.
    How to fix it
        The finding names the replacement for the largest part.
    When to ignore it
        When the server has CPU time to spare and latency is spent elsewhere, or when the part is as fast as it can be:
        a small model behind large inputs.
    """

    id = "pre-post-bound"
    title = "Requests spend their CPU time before and after the model"
    stage = "serving"
    share_threshold = 0.3  # of the handlers' CPU time, in all such parts
    part_threshold = 0.2  # of it, in the largest part
    busy_threshold = 0.3  # cores that each process uses: below, its CPU is not what limits it

    def detect(self, handling: Handling, processes: ServerProcesses) -> Outcome:
        around = sum(map(handling.share, handling.around))
        if around < self.share_threshold:
            return Fine(around, self.share_threshold, "share", "CPU time of handlers before and after the model")
        largest = handling.around[0]
        share = handling.share(largest)
        if share < self.part_threshold:
            return Fine(share, self.part_threshold, "share", f"CPU time of handlers spent {largest.name}")
        busy = processes.cores / max(processes.count, 1)
        if busy < self.busy_threshold:
            return Fine(busy, self.busy_threshold, "cores", "cores that each server process uses")
        summary, snippet, factors = _HELP[largest.name]
        low, high = (share * (1.0 - 1.0 / factor) for factor in factors)
        low *= min(1.0, busy)
        method = f"Amdahl: {share:.0%} of the handlers' CPU time is spent {largest.name}, which becomes "
        method += f"{factors[0]:g} to {factors[1]:g} times as fast; {busy:.2f} cores used by each process"
        return self.finding(
            title=f"Requests spend their CPU time {largest.name}",
            location=location(largest.site),
            evidence=(
                *(_evidence(handling, part) for part in handling.parts[:4]),
                Evidence("CPU time below handlers", handling.seconds, "s"),
                Evidence("cores used by each process", busy, "cores"),
            ),
            gain=Gain((low + high) / 2, low, high, 0.0, method, "capacity", confidence=0.3),
            queue=QueueChange("shorter"),
            fix=Fix(summary, snippet, effort=2, risk=0.2),
            after="the model, or the Python code around it, becomes the bottleneck",
        )


def _evidence(handling: Handling, part: Part) -> Evidence:
    return Evidence(f"CPU time of handlers: {part.name}", handling.share(part), "share")
