"""Python between the phases takes a large part of the step."""

from __future__ import annotations

import math

from ...artifacts.device.timed import Timed
from ...artifacts.loading.loading import Loading
from ...artifacts.run.user_lines import UserLines
from ...artifacts.training.places import Place
from ...artifacts.training.residual import Residual
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Fine, Fix, Gain, NotApplicable, Outcome, StepModel
from ...diagnosis.laws import best_workers, gain, seconds_saved_by_less_work, step_seconds_with_workers, warmer
from .. import Detector
from .._common import limit_after, location
from ._shared import times_rarer


class ResidualPython(Detector):
    """The training thread runs Python code that is not loading, forward, backward or optimizer.

    Why it matters
        Metrics, logging and bookkeeping on the training thread delay every step.
    How it is measured
        The wall time of the step minus all named phases; sampled stacks inside that remainder name the place: the
        innermost function, or line of the loop, that still holds most of the time with all it calls. A function that
        contains the training itself is never named as a whole. What torch's own functions do, and what the loss is
        made of, is the training itself and not counted.
    How to fix it
        Do it every k steps, vectorise it, or move it off the training thread. Code that prepares the input belongs in
        the Dataset, where workers run it.
    When to ignore it
        When the function is work that you want done in every step.
    """

    id = "residual-python"
    title = "Python code in the training loop slows every step"
    stage = "training"
    share_threshold = 0.10  # of the step (TraceML, gpuprof)
    place_share_threshold = 0.4  # of the residual in one line of the loop or one function: else no place to name
    max_times = 50  # how much rarer: beyond it little is gained, and numbers so old tell nothing
    target_share = 0.02  # of the run: what the work may still cost when it is done every k steps
    min_saved_share = 0.03  # of the steps: less is not worth processes
    vectorised_share = 0.1  # of a Python loop's time that whole-array operations still take (conservative)
    copies_share = 0.5  # of the place's time in which the host waits for copies to the device: not for Python
    min_sampled_seconds = 0.2  # of stacks: fewer samples name nothing

    def detect(
        self,
        steps: Steps,
        residual: Residual,
        loading: Loading | None,
        lines: UserLines | None,
        timed: Timed | None = None,
    ) -> Outcome:
        if residual.share < self.share_threshold:
            return Fine(residual.share, self.share_threshold, "share", "step time outside the named phases")
        place = residual.place
        share = place.share if place is not None else 0.0
        if residual.sampled_seconds < self.min_sampled_seconds or place is None or share < self.place_share_threshold:
            return Fine(share, self.place_share_threshold, "share", "share of time outside the phases in one place")
        if lines is not None and lines.asks_own_server_at(place.frame.file, place.frame.line):
            return NotApplicable("The main thread waits for the program's own server, which runs the model.")
        if lines is not None and lines.awaits_at(place.frame.file, place.frame.line):
            return NotApplicable("Tasks of an event loop wait there, which is no Python code.")
        name = f"line {place.frame.line}" if place.function is None else place.function.rpartition(".")[2]
        ceiling = residual.seconds * share
        if timed is not None and timed.blocking_seconds * steps.count >= self.copies_share * ceiling:
            copy = timed.copy
            if copy is not None and (copy.file, copy.line) == (place.frame.file, place.frame.line):
                return NotApplicable("Most time outside the phases goes to copies to the device, not to Python.")
        if residual.feeds or not steps.training:
            priced, fix = self._beside(steps, residual, place, loading, ceiling)
        else:
            priced, fix = self._rarer(steps, place, name, loading, residual.seconds)
        return self.finding(
            title="Input is prepared in the training loop itself" if residual.feeds else self.title,
            location=location(place.frame),
            evidence=(
                Evidence("step time outside the named phases", residual.share, "share"),
                Evidence("share of time outside the phases at this line", share, "share"),
                Evidence("CPU share at this line", place.cpu_share, "share"),
                Evidence("time at this line per step", ceiling / max(steps.count, 1), "s"),
            ),
            gain=priced,
            fix=fix,
            after=limit_after(steps, loading, priced.seconds / max(steps.count, 1), "the remaining work of the step"),
            removes={"other": priced.seconds},
        )

    def _rarer(
        self, steps: Steps, place: Place, name: str, loading: Loading | None, residual: float
    ) -> tuple[Gain, Fix]:
        """Metrics and bookkeeping: not at every step. All that the loop calls for it is left out then."""
        ceiling, here = residual * place.call_share, residual * place.share
        every = times_rarer(ceiling / steps.run_seconds, self.target_share, self.max_times)
        less = ceiling * (1 - 1 / every) / max(steps.count, 1)
        saved = seconds_saved_by_less_work(steps, loading, less, place.cpu_share)
        priced = gain(
            saved,
            steps.run_seconds,
            f"ceiling {ceiling:.2f} s, of which {here:.2f} s in {name}; done once every {every} steps",
            low_seconds=0.85 * saved * here / ceiling,
            high_seconds=max(saved, seconds_saved_by_less_work(steps, loading, ceiling / max(steps.count, 1), 1.0)),
            besides=warmer(steps, saved),
            step_share=saved / max(steps.total_seconds, 1e-9),
            confidence=0.6,
        )
        return priced, _rarer_fix(place, name, every)

    def _beside(
        self, steps: Steps, residual: Residual, place: Place, loading: Loading | None, ceiling: float
    ) -> tuple[Gain, Fix]:
        """Work that every step needs: another process does it meanwhile."""
        count = max(steps.count, 1)
        step, here = steps.total_seconds / count, ceiling / count
        cores = loading.cores if loading is not None else 1.0
        load = here + (loading.load_seconds if loading is not None else 0.0)
        cpu = here * place.cpu_share
        load_cpu = cpu + (loading.load_cpu_seconds if loading is not None else 0.0)
        work_cpu = max(0.0, loading.work_cpu_seconds - cpu) if loading is not None else step - here
        terms = StepModel(max(step - load, 0.0), load, load_cpu, work_cpu, cores)
        workers = best_workers(terms, max(1, math.ceil(cores)))
        saved = max(0.0, step - step_seconds_with_workers(terms, workers)) * count
        if saved < self.min_saved_share * steps.total_seconds and place.cpu_share >= 0.5:
            return self._cheaper(steps, place, ceiling)
        priced = gain(
            saved,
            steps.run_seconds,
            f"T' = max(C, L/n, CPU/cores) with n = {workers} and the {here * 1e3:.1f} ms spent here as part of L",
            step_share=saved / max(steps.total_seconds, 1e-9),
            confidence=0.6,
        )
        return priced, _beside_fix(place, workers, residual.feeds)

    def _cheaper(self, steps: Steps, place: Place, ceiling: float) -> tuple[Gain, Fix]:
        """No core is idle: only less work helps."""
        saved = ceiling * (1 - self.vectorised_share)
        priced = gain(
            saved,
            steps.run_seconds,
            f"ceiling {ceiling:.2f} s; whole-array operations take {self.vectorised_share:.0%} of a Python loop's time",
            low_seconds=0.6 * saved,
            high_seconds=ceiling,
            besides=warmer(steps, saved),
            step_share=saved / max(steps.total_seconds, 1e-9),
            confidence=0.4,
        )
        return priced, Fix(
            "This runs in Python and no core is idle: vectorise it, or compute it once and store the result",
            f"# line {place.frame.line}: whole-array operations of numpy or torch instead of a loop over elements",
            effort=2,
        )


def _rarer_fix(place: Place, name: str, every: int) -> Fix:
    # Computing in a thread would still hold the interpreter; waiting does not.
    does, otherwise, snippet = (
        "waits",
        "hand it to a background thread",
        "import concurrent.futures\n"
        "background = concurrent.futures.ThreadPoolExecutor(1)  # once, before the loop\n"
        f"# then background.submit(...) what line {place.frame.line} does",
    )
    if place.cpu_share >= 0.5:
        does, otherwise = "computes", "vectorise it"
        snippet = "# or whole-array operations (numpy, torch) instead of a loop"
    return Fix(
        f"{name} {does} between the phases: do it once every {every} steps, or {otherwise}",
        f"# line {place.call.line}: under a condition that holds every {every} steps\n" + snippet,
        effort=2,
        risk=0.1,
    )


def _beside_fix(place: Place, workers: int, feeds: bool) -> Fix:
    name = place.frame.function.rpartition(".")[2]
    if feeds:
        summary = f"Do this in the Dataset or the collate function, in {workers} worker process(es)"
        snippet = f"# move what line {place.frame.line} does into Dataset.__getitem__, then\n"
        return Fix(
            summary, f"{snippet}DataLoader(..., num_workers={workers}, persistent_workers=True)", effort=2, risk=0.1
        )
    return Fix(
        "Move this to another process, so that it runs during the next step",
        "import concurrent.futures\n"
        f"pool = concurrent.futures.ProcessPoolExecutor({workers})  # once, before the loop\n"
        f"# then pool.submit(...) what line {place.frame.line} of {name} does; ask for the result a batch later",
        effort=2,
    )
