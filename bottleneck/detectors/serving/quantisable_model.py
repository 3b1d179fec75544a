"""The served model computes linear layers in 32 bits, and fewer bits were measured to be faster."""

from __future__ import annotations

from ...artifacts.serving.requests import Requests
from ...artifacts.serving.what_ifs import WhatIfs
from ...diagnosis.findings import Evidence, Finding, Fine, Fix, Gain, NotMeasured, Outcome
from ...recording.facts import ModelVariant
from .. import Detector
from .._common import location
from ._shared import measured

_SNIPPETS = {
    "bf16": """\
model = model.to(torch.bfloat16)  # once, where it is loaded
with torch.inference_mode():
    output = model(rows.to(torch.bfloat16)).float()  # token ids stay integers""",
    "autocast": """\
with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
    output = model(rows).float()""",
    "int8": """\
from torchao.quantization import Int8DynamicActivationInt8WeightConfig, quantize_

quantize_(model, Int8DynamicActivationInt8WeightConfig())  # once, where it is loaded""",
}
_COMPILE = "\nmodel = torch.compile(model)  # and call it once before the first request"


class QuantisableModel(Detector):
    """The served model computes its linear layers in 32 bits, and a copy in bf16 or int8 was measured to be faster.

    Why it matters
        Weights of 16 or 8 bits take half or a quarter of the memory traffic, and CPUs multiply several of them in the
        place of one number of 32 bits. A model that is mostly linear layers gets faster by as much.
    How it is measured
        Only with ``bottleneck run --probe-model``: the model that takes most time and up to eight of its inputs are
        copied while the program serves. After the run, a process of its own measures the copy as it is and in bf16 and
        int8, in turn, and how far the outputs drift. The gain is Amdahl's law: the share of the handlers' time that the
        model takes, and the measured ratio. The range covers the rounds, and that a busy server shares its cores.
    How to fix it
        The finding names the variant with the largest measured gain whose output stays close: bf16 where the CPU has
        instructions for it, int8 by torchao. Measure its accuracy on your own test data before you serve it.
    When to ignore it
        When a small loss of accuracy is not acceptable, or when the model's outputs feed something that amplifies it.
    """

    id = "quantisable-model"
    title = "The model computes in 32 bits, and fewer bits are faster"
    stage = "serving"
    linear_share_threshold = 0.5  # of the handlers' time, in linear layers (catalogue, 79)
    gain_threshold = 0.1  # of the handlers' time: below, a loss of accuracy is not worth it
    drift_threshold = 0.05  # of the largest output; bf16 keeps 8 bits, and 20 layers add up to a few per cent
    agreement_threshold = 0.99  # of the rows, whose largest output stays the same one
    compile_threshold = 0.05  # of the time: what torch.compile must add to be asked for, too
    min_requests = 50  # as for no-batching
    shared_cores = 0.6  # of the gain, at least, on a server whose requests share the cores (own)

    def detect(self, requests: Requests, what_ifs: WhatIfs) -> Outcome:
        if requests.count < self.min_requests:
            return NotMeasured(f"Only {requests.count} requests were served; {self.min_requests} are needed.")
        probe = what_ifs.probe
        if probe.dtype != "float32":
            return Fine(None, None, reason=f"the model's weights are {probe.dtype}")
        if probe.linear_share is None:
            return NotMeasured("The share of linear layers in the model's time is not known.")
        model = min(1.0, float(requests.model_seconds.sum()) / max(float(requests.seconds.sum()), 1e-9))
        linear = probe.linear_share * model
        if linear < self.linear_share_threshold:
            return Fine(linear, self.linear_share_threshold, "share", "time of handlers in linear layers of the model")
        tried = what_ifs.named("bf16", "int8", "bf16, compiled", "int8, compiled")
        if not tried:
            reasons = "; ".join(f"{each.name}: {each.left_out}" for each in what_ifs.left_out[:2])
            return NotMeasured(f"Neither bf16 nor int8 was measured ({reasons}).")
        if not probe.repeatable:
            return NotMeasured("The model draws random numbers: it is not known how far its output drifts.")
        faster = [each for each in tried if self._saved(each, what_ifs, model) >= self.gain_threshold]
        if not faster:
            best = max(self._saved(each, what_ifs, model) for each in tried)
            return Fine(best, self.gain_threshold, "share", "time of handlers that bf16 or int8 saves")
        close = [each for each in faster if self._close(each)]
        if not close:
            drift = min(each.relative_drift or 1.0 for each in faster)
            return Fine(drift, self.drift_threshold, "share", "drift of the output where bf16 or int8 saves time")
        return self._finding(what_ifs, self._simplest(close), model, linear)

    def _saved(self, variant: ModelVariant, what_ifs: WhatIfs, model: float) -> float:
        """Of the handlers' time; of a compiled variant, no more than what it adds to the compiled model."""
        plain = what_ifs.named("compiled")
        base = min(1.0, plain[0].ratio) if plain and "compiled" in variant.name else 1.0
        return model * (base - variant.ratio)

    def _close(self, variant: ModelVariant) -> bool:
        drift, agreement = variant.relative_drift, variant.agreement
        if drift is None or drift > self.drift_threshold:
            return False
        return agreement is None or agreement >= self.agreement_threshold

    def _simplest(self, variants: list[ModelVariant]) -> ModelVariant:
        """The fastest, but without a compiler where that is hardly slower."""
        best = min(variants, key=lambda each: each.ratio)
        plain = [v for v in variants if "compiled" not in v.name and v.ratio - best.ratio < self.compile_threshold]
        return min(plain, key=lambda each: each.ratio, default=best)

    def _finding(self, what_ifs: WhatIfs, best: ModelVariant, model: float, linear: float) -> Finding:
        probe, name = what_ifs.probe, best.name.partition(",")[0]
        low, high = model * (1.0 - best.ratio_high), model * (1.0 - best.ratio_low)
        method = (
            f"Amdahl: {model:.0%} of the handlers' time is the model, which takes {best.ratio:.2f} of its time in "
            f"{best.name} ({best.ratio_low:.2f} to {best.ratio_high:.2f}, {probe.rows or 1} rows, "
            f"{probe.threads} threads, on a copy)"
        )
        compiled = "compiled" in best.name
        snippet = _SNIPPETS["autocast" if best.how.startswith("torch.autocast") else name]
        return self.finding(
            location=location(what_ifs.site),
            evidence=tuple(
                each
                for each in (
                    Evidence("model", what_ifs.copy.name),
                    Evidence("time of handlers in linear layers of the model", linear, "share"),
                    Evidence("a call of the copy as it is", probe.seconds, "s"),
                    Evidence(f"a call of the copy in {best.name}", best.seconds, "s"),
                    Evidence("weights as they are", probe.size, "B"),
                    Evidence(f"weights in {name}", best.size, "B") if best.size else None,
                    Evidence("the CPU's largest cache", probe.cache_bytes, "B") if probe.cache_bytes else None,
                    measured("drift of the output, of its largest value", best.relative_drift, "share"),
                    measured("rows with the same largest output", best.agreement, "share"),
                )
                if each is not None
            ),
            gain=Gain(
                model * (1.0 - best.ratio),
                max(0.0, self.shared_cores * low),
                min(0.99, high),
                0.0,
                method,
                "capacity",
                confidence=0.6,
            ),
            fix=Fix(
                f"Serve the model in {name}{' and compile it' if compiled else ''}, after measuring its accuracy on "
                "your own test data",
                snippet + (_COMPILE if compiled else ""),
                effort=2,
                risk=0.3,
            ),
            after="what the handlers do beside the model becomes the bottleneck",
        )
