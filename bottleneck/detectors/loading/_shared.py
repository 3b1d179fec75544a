"""What the data-loading detectors share: locations, the law applied to this run, and the advice line."""

from __future__ import annotations

import numpy as np

from ...findings import Evidence, Gain, Location
from ...prediction import LoaderTerms, best_workers, block_bootstrap, gain, step_with_workers
from ...timeline.loading import Floats, Loading
from ...timeline.steps import Loader, Steps
from ...timeline.tables import Frame, Site

WAIT_DEAD_BAND = 0.05  # of the step; below it nobody gains (signatures.md 0, common bands)


def location(site: Site | None) -> Location | None:
    """A call site as the place of a finding."""
    return None if site is None else Location(site.file, site.line, site.function)


def frame_location(frame: Frame) -> Location:
    """A sampled frame as the place of a finding."""
    return Location(frame.file, frame.line, frame.function)


def terms(loading: Loading) -> LoaderTerms:
    """The law's terms of this run."""
    return LoaderTerms(
        float(loading.work.mean()), loading.load, loading.load_cpu, loading.work_cpu, max(1.0, loading.cores)
    )


def advised_workers(loading: Loading) -> int:
    """n* for this machine: by the law, at most 8 a core for pure waiting, at most the cores for CPU-bound loading."""
    pure_waiting = loading.load_cpu < 0.2 * loading.load
    # Who waits needs no core of its own: a crowded machine is no reason for fewer.
    most = int(np.ceil(loading.all_cores * 8)) if pure_waiting else max(1, int(np.ceil(loading.cores)))
    return best_workers(terms(loading), most)


def gain_of_step(
    loading: Loading, steps: Steps, new_step: float, new_load_first: float, method: str, confidence: float = 0.8
) -> Gain:
    """Price a fix that makes the typical step ``new_step`` seconds; each pass still waits for its first batch."""
    per_pass = loading.start_seconds + new_load_first if new_load_first else 0.0
    count = steps.count

    def saved(wait: Floats, work: Floats) -> float:
        # The new step scales with the work of the steps drawn, so that their spread carries over.
        now = float(wait.mean() + work.mean())
        expected = new_step * float(work.mean()) / max(float(loading.work.mean()), 1e-9)
        floor = min(new_step, now)
        return max(0.0, (now - (expected if new_step <= loading.work.mean() * 1.2 else floor)) * count)

    value, low, high = block_bootstrap((loading.wait, loading.work), saved)
    cost = per_pass * loading.passes
    value, low, high = max(0.0, value - cost), max(0.0, low - cost), max(0.0, high - cost)
    return gain(
        value,
        steps.run_seconds,
        method,
        low_seconds=low,
        high_seconds=high,
        step_share=value / max(steps.total_seconds, 1e-9),
        confidence=confidence,
    )


def wait_evidence(loading: Loading, steps: Steps) -> tuple[Evidence, ...]:
    """The numbers every input finding shows."""
    return (
        Evidence("typical step", steps.typical_seconds, "s"),
        Evidence("waiting for data", loading.wait_share, "share"),
        Evidence("time to make one batch", loading.load, "s"),
        Evidence("of which on the CPU", min(1.0, loading.load_cpu / max(loading.load, 1e-9)), "share"),
        Evidence("workers", loading.workers, "count"),
        Evidence("idle cores meanwhile", round(loading.idle_cores, 1), "cores"),
    )


def predicted_step(loading: Loading, workers: int) -> float:
    """T' with ``workers``, in seconds."""
    return step_with_workers(terms(loading), workers)


def loader_snippet(loader: Loader, workers: int) -> str:
    """The DataLoader arguments to paste."""
    extra = "" if loader.facts.get("persistent_workers") else ", persistent_workers=True"
    return f"DataLoader(..., num_workers={workers}{extra})"


def after_text(loading: Loading, new_step: float) -> str:
    """What limits once the step takes ``new_step`` seconds."""
    work = float(loading.work.mean())
    if new_step <= work * 1.1:
        return f"the training work itself, {work * 1e3:.1f} ms a step"
    return f"data loading still, {new_step * 1e3:.1f} ms a step"
