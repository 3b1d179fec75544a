"""torch.compile compiles again and again while the training runs."""

from __future__ import annotations

from ...artifacts.loading.loading import Loading
from ...artifacts.training.compiles import Compiles
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Finding, Fine, Fix, Outcome
from ...diagnosis.laws import gain
from .. import Detector
from .._common import limit_after, location
from ._shared import seconds_saved_by_rarer


class Recompile(Detector):
    """Code compiled by torch.compile does not fit the next input, and the same code is compiled again.

    Why it matters
        A compilation takes as long as many steps, and after eight of them torch gives up and runs the code uncompiled.
    How it is measured
        torch reports each compilation. Those of code that was compiled before count, if some happen after warm-up; the
        first compilation of anything is the price of compiling and never counts. The gain is their time, minus one
        compilation for all sizes together.
    How to fix it
        If sizes vary: ``dynamic=True``, ``mark_dynamic``, or padding to a few sizes. Otherwise keep changing values,
        such as a step counter in an attribute, out of the compiled code.
    When to ignore it
        When there are few sizes and the run is long: each is compiled once.
    """

    id = "recompile"
    title = "torch.compile keeps recompiling"
    stage = "training"
    min_count = 3  # after warm-up (own): one or two are what torch needs to see that a size varies
    share_threshold = 0.02  # of the run
    sizes_threshold = 0.5  # of the compilations: more of them for another size make that the reason

    def detect(self, steps: Steps, compiles: Compiles, loading: Loading | None) -> Outcome:
        if compiles.late < self.min_count:
            return Fine(compiles.late, self.min_count, "count", "recompilations after warm-up")
        share = compiles.late_seconds / max(steps.run_seconds, 1e-9)
        if share < self.share_threshold:
            return Fine(share, self.share_threshold, "share", "run time spent recompiling after warm-up")
        return self._finding(steps, compiles, loading)

    def _finding(self, steps: Steps, compiles: Compiles, loading: Loading | None) -> Finding:
        each, others = compiles.seconds / compiles.again, compiles.again - 1
        saved = seconds_saved_by_rarer(steps, loading, each * others, others, cpu_share=1.0)
        by_sizes = compiles.sizes >= self.sizes_threshold * compiles.again
        backward = compiles.backward_seconds / compiles.seconds
        return self.finding(
            location=location(compiles.site),
            evidence=(
                Evidence("recompilations", compiles.again, "count"),
                Evidence("recompilations after warm-up", compiles.late, "count"),
                Evidence("recompilations for another size", compiles.sizes, "count"),
                Evidence("time per compilation", each, "s"),
                Evidence("share of the run", compiles.seconds / max(steps.run_seconds, 1e-9), "share"),
                Evidence("first compilations", compiles.first, "count"),
            ),
            gain=gain(
                saved,
                steps.run_seconds,
                f"{compiles.again} compilations of {each:.2f} s, one of them kept",
                low_seconds=saved * (1 - 1 / others),  # the one for all sizes takes longer
                high_seconds=compiles.seconds,
                step_share=saved * compiles.late_seconds / compiles.seconds / max(steps.total_seconds, 1e-9),
                relative_error=0.05,
            ),
            fix=_SIZES_FIX if by_sizes else _OTHER_FIX,
            after=limit_after(steps, loading, saved / max(steps.count, 1), "the remaining work of the step"),
            removes={"forward": saved * (1 - backward), "backward": saved * backward},
        )


_SIZES_FIX = Fix(
    "Compile once for all sizes (dynamic=True), or pad to a few sizes",
    "model = torch.compile(model, dynamic=True)\n"
    "# or, before the call, only for the dimension that varies:\n"
    "# torch._dynamo.mark_dynamic(x, 1)",
    effort=1,
    risk=0.1,  # slower kernels where sizes are small
)
_OTHER_FIX = Fix(
    "Keep values that change from step to step out of the compiled code",
    "# TORCH_LOGS=recompiles, in the environment of a short run, names the value that torch compiles for\n"
    "# a step counter in an attribute: keep it outside of the model, or in a tensor",
    effort=2,
    risk=0.1,
)
