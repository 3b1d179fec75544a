"""Writing out what happens takes a noticeable part of the steps."""

from __future__ import annotations

import math

from ...artifacts.loading.loading import Loading
from ...artifacts.training.output import Output
from ...artifacts.training.places import Place
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Finding, Fine, Fix, NotMeasured, Outcome
from ...diagnosis.laws import gain, seconds_saved_by_less_work, warmer
from .. import Detector
from .._common import limit_after, location
from ._shared import times_rarer

_LAW_ERROR = 0.08  # one sigma, relative, beside the chance of the samples
_TOLD_APART = {
    "tqdm": "\n# a bar need not follow every step: tqdm(..., mininterval=1.0), set_postfix(..., refresh=False)",
    "logging": "\n# or raise the log level: logging.getLogger().setLevel(logging.INFO)",
    "text of tensors": "\n# the text of a whole tensor is dear: write its norm, mean or shape",
}
_IN_THE_BACKGROUND = """
# or as often as now, by a thread that waits for the disk meanwhile:
import concurrent.futures
background = concurrent.futures.ThreadPoolExecutor(1)  # once, before the loop
# then background.submit(...) what this line does"""


class HotLogging(Detector):
    """The training thread writes logs, progress bars or tracker records within the steps, and that takes a long time.

    Why it matters
        Each line is cheap until it is written in every step, formatted from whole tensors, or flushed to disk.
    How it is measured
        Sampled stacks within the steps that are in a logging library, a progress bar or a tracker below your line, or
        end in a line of yours that only prints or writes text. Data loading, evaluations and checkpoints are left out,
        and so is the iterable that a progress bar wraps.
    How to fix it
        Write every k steps, write less (norms instead of tensors), raise the log level, or let a thread wait for the
        disk.
    When to ignore it
        When the record of every step is needed, as in an audit.
    """

    id = "hot-logging"
    title = "Logging slows every step"
    stage = "training"
    share_threshold = 0.02  # of the steps (own)
    min_sampled_seconds = 0.2  # of stacks: fewer samples are chance
    target_share = 0.01  # of the run: what the output may still cost
    max_times = 100  # rarer: a line every hundred steps is what most programs print

    def detect(self, steps: Steps, output: Output, loading: Loading | None) -> Outcome:
        place = output.place
        if output.share < self.share_threshold or place is None:
            return Fine(output.share, self.share_threshold, "share", "step time spent writing logs")
        if output.sampled_seconds < self.min_sampled_seconds:
            return NotMeasured("Too few samples fell into writing logs.")
        return self._finding(steps, output, place, loading)

    def _finding(self, steps: Steps, output: Output, place: Place, loading: Loading | None) -> Finding:
        total, count = output.total_seconds, max(steps.count, 1)
        times = times_rarer(total / steps.run_seconds, self.target_share, self.max_times)
        less = total * (1 - 1 / times)
        saved = seconds_saved_by_less_work(steps, loading, less / count, place.cpu_share)
        priced = gain(
            saved,
            steps.run_seconds,
            f"{total:.2f} s of writing, sampled {output.samples} times; done {times} times less often",
            # Who changes only the line that is named saves that line's part.
            low_seconds=saved * place.call_share,
            high_seconds=max(saved, seconds_saved_by_less_work(steps, loading, less / count, 1.0)),
            besides=warmer(steps, saved),
            step_share=saved / max(steps.total_seconds, 1e-9),
            relative_error=math.hypot(_LAW_ERROR, 1 / math.sqrt(output.samples)),
        )
        return self.finding(
            location=location(place.frame),
            evidence=(
                Evidence("step time spent writing logs", output.share, "share"),
                Evidence("main logging tool", output.tool),
                Evidence("share of logging time at this line", place.share, "share"),
                Evidence("CPU share of logging", place.cpu_share, "share"),
                Evidence("logging time per step", total / count, "s"),
            ),
            gain=priced,
            fix=_fix(place, output.tool, times),
            after=limit_after(steps, loading, saved / count, "the remaining work of the step"),
            removes={phase: saved * seconds / max(total, 1e-9) for phase, seconds in output.seconds.items()},
        )


def _fix(place: Place, tool: str, times: int) -> Fix:
    waits = place.cpu_share < 0.5
    otherwise = "let a background thread wait for it" if waits else "write less"
    snippet = f"# line {place.call.line}: under a condition that holds {times} times less often"
    return Fix(
        f"Write {times} times less often, or {otherwise}",
        snippet + _TOLD_APART.get(tool, "") + (_IN_THE_BACKGROUND if waits else ""),
        effort=1,
    )
