"""What the data-loading detectors share: locations, the law applied to this run, and the advice line."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ...artifacts.loading.loader import Loader
from ...artifacts.loading.loading import Loading
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Changes, Evidence, Gain, StepModel
from ...diagnosis.laws import (
    best_workers,
    block_bootstrap,
    changed,
    cores_needed_share,
    gain,
    law_error,
    step_model,
    step_seconds,
    warmer,
)
from ...recording.model import Site

REPLACED_ERROR = 0.10  # of the time of work for which cheaper work steps in: what that costs is not measured
WAIT_DEAD_BAND = 0.05  # of the step; below it nobody gains (Kineto, XProf, TraceML)


def dataset_site(loader: Loader) -> Site | None:
    """Where the user's Dataset makes a sample; of one that torch has joined from several, where the loader is made."""
    site = loader.dataset_site
    return loader.site if site is None or "/torch/utils/data/" in site.file else site


def advised_workers(model: StepModel, loading: Loading) -> int:
    """n* for this machine: by the law, at most 8 a core for pure waiting, at most the cores for CPU-bound loading."""
    pure_waiting = loading.load_cpu_seconds < 0.2 * loading.load_seconds
    # Who waits needs no core of its own: a crowded machine is no reason for fewer.
    most = int(np.ceil(loading.all_cores * 8)) if pure_waiting else max(1, int(np.ceil(loading.cores)))
    return best_workers(model, most)


def priced(
    loading: Loading,
    steps: Steps,
    changes: Changes,
    method: str,
    *,
    first_wait: float = 0.0,
    confidence: float = 0.8,
    fix_error: float = 0.0,
    part: float = 1.0,
) -> Gain:
    """What the law says a change saves; each pass still pays for its start where it has a ``first_wait``.

    ``part``: of the steps, to which the change comes. The range holds how much the steps vary, the error of the law in
    what remains of a step, and ``fix_error``, of how much a fix takes away that puts cheaper work in the place of work
    (one sigma, relative).
    """
    model, after = changes.of, changed(changes.of, changes)
    count = steps.count * part

    def saved(wait: float, work: float) -> float:
        drawn = replace(model, work_seconds=work)
        if not model.workers:
            drawn = replace(drawn, load_seconds=wait)
        now, law = wait + work, step_seconds(drawn)
        # Waiting that the law does not see is not promised to go.
        unseen = max(1.0, now / max(law, 1e-9))
        return max(0.0, now - step_seconds(changed(drawn, changes)) * unseen) * count

    value, low, high = block_bootstrap((loading.wait_seconds, loading.work_seconds), saved)
    error = law_error(after) * step_seconds(after) * count
    cost = (loading.start_seconds + first_wait) * loading.epochs if first_wait else 0.0
    mine = max(0.0, value - cost)
    free = 1.0 - cores_needed_share(after) if after.workers else 1.0  # workers compute while the step does
    return gain(
        mine,
        steps.run_seconds,
        method,
        low_seconds=mine - math.hypot(value - low, error),
        high_seconds=mine + math.hypot(high - value, error),
        besides=warmer(steps, mine, free),
        step_share=mine / max(steps.total_seconds, 1e-9),
        relative_error=fix_error,
        confidence=confidence,
    )


def with_first_workers(loading: Loading, steps: Steps, confidence: float = 0.8) -> tuple[int, Changes, float, Gain]:
    """Batches made in n* workers where none are made ahead yet: (n*, the change, the new step in seconds, its gain)."""
    model = step_model(loading, steps)
    workers = advised_workers(model, loading)
    changes = Changes(model, workers=workers)
    new_step = step_seconds(changed(model, changes))
    method = (
        f"T' = max(C, L/n, CPU/cores) = {new_step * 1e3:.1f} ms with n = {workers}, "
        f"C = {loading.work_seconds.mean() * 1e3:.1f} ms, L = {loading.load_seconds * 1e3:.1f} ms"
    )
    worth = priced(loading, steps, changes, method, first_wait=loading.load_seconds, confidence=confidence)
    return workers, changes, new_step, worth


def wait_evidence(loading: Loading, steps: Steps) -> tuple[Evidence, ...]:
    """The numbers every input finding shows: means over the same steps, since throughput is what limits."""
    return (
        Evidence("mean step time", steps.total_seconds / max(steps.count, 1), "s"),
        Evidence("step time waiting for data", loading.wait_share, "share"),
        Evidence("time to load one batch", loading.load_seconds, "s"),
        Evidence("CPU share of loading", min(1.0, loading.load_cpu_seconds / max(loading.load_seconds, 1e-9)), "share"),
        Evidence("dataloader workers", loading.workers, "count"),
        Evidence("idle cores during the wait", round(loading.idle_cores, 1), "cores"),
    )


def after_text(loading: Loading, new_step: float) -> str:
    """What limits once the step takes ``new_step`` seconds."""
    work = float(loading.work_seconds.mean())
    if new_step <= work * 1.1:
        return f"the training work becomes the bottleneck ({work * 1e3:.1f} ms per step)"
    return f"data loading remains the bottleneck ({new_step * 1e3:.1f} ms per step)"
