"""Collating the batch costs more than making its samples."""

from __future__ import annotations

from ...artifacts.loading.loader import Loader
from ...artifacts.loading.loading import Loading
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Changes, Evidence, Fine, Fix, NotApplicable, Outcome
from ...diagnosis.laws import changed, step_model, step_seconds
from .. import Detector
from .._common import location
from . import _shared


class SerialCollate(Detector):
    """Collating samples into a batch takes most of the loading time, in the training thread.

    Why it matters
        Collate runs once per batch and is not shared between samples: it is serial time on the critical path.
    How it is measured
        The time of ``collate_fn`` for every batch, against the time to load the batch and the step.
    How to fix it
        Stack arrays in one call (``torch.stack``, ``np.stack``) instead of loops and lists; pad with
        ``pad_sequence``; have workers so that collate overlaps the training.
    When to ignore it
        When the collate function is a tokenizer or another library that must run per batch. torch's default is not
        judged.
    """

    id = "serial-collate"
    title = "Collating batches is the slow part of loading"
    stage = "data loading"
    explains = ("input-wait", "workers-zero", "starved-gpu", "cpu-bound-decode", "too-few-workers")
    step_share_threshold = 0.05  # of the step (own)
    load_share_threshold = 0.5  # of the loading: below it the samples are the problem
    vectorised_share = 0.05  # of the old collate that a vectorised one still costs (own measurement)

    def detect(self, steps: Steps, loader: Loader, loading: Loading) -> Outcome:
        if loader.collate_site is None:
            return NotApplicable("Batches are put together by torch's own collate function.")
        collate = loading.collate_share * loading.load_seconds
        exposed = collate if loader.num_workers == 0 else collate / max(loader.num_workers, 1)
        share = min(loading.wait_share, exposed / max(steps.typical_seconds, 1e-9))
        if share < self.step_share_threshold:
            return Fine(share, self.step_share_threshold, "share", "step time spent in collate")
        if loading.collate_share < self.load_share_threshold:
            return Fine(loading.collate_share, self.load_share_threshold, "share", "share of loading spent in collate")
        less = collate * (1 - self.vectorised_share)
        model = step_model(loading, steps)
        changes = Changes(
            model,
            load_seconds=-less,
            load_cpu_seconds=-less * loading.load_cpu_seconds / max(loading.load_seconds, 1e-9),
        )
        new_step = step_seconds(changed(model, changes))
        gain = _shared.priced(
            loading,
            steps,
            changes,
            f"T' = T - (t_collate - t_new), t_collate = {collate * 1e3:.1f} ms measured, "
            f"t_new {self.vectorised_share:.0%} of it",
            confidence=0.6,
            fix_error=_shared.REPLACED_ERROR,
        )
        return self.finding(
            location=location(loader.collate_site or loader.site),
            evidence=(
                *_shared.wait_evidence(loading, steps),
                Evidence("collate time per batch", collate, "s"),
                Evidence("share of loading spent in collate", loading.collate_share, "share"),
            ),
            gain=gain,
            fix=Fix(
                "Build the batch with whole-array operations",
                "x, y = zip(*samples)\n"
                "x = torch.stack(x)  # samples of one shape\n"
                "# or, if samples differ in length:\n"
                "x = torch.nn.utils.rnn.pad_sequence(x, batch_first=True)",
                effort=2,
            ),
            after=_shared.after_text(loading, new_step),
            removes={"data_wait": gain.seconds},
            changes=changes,
        )
