"""Batches travel from the workers as pickled bytes."""

from __future__ import annotations

import math

from ...artifacts.loading.handover import Handover
from ...artifacts.loading.loader import Loader
from ...artifacts.loading.loading import Loading
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import QUEUE_SECONDS, Evidence, Finding, Fine, Fix, Outcome
from ...diagnosis.laws import gain, law_error, step_model
from .. import Detector
from .._common import location
from . import _shared


class IpcSerialise(Detector):
    """Batches are pickled in the workers, sent through a pipe and unpickled in the training thread.

    Why it matters
        Arrays, lists and other objects are copied several times on the way. The last part, reading the pipe and
        unpickling, takes time of the training thread that no number of workers can hide. Tensors go through shared
        memory: only a handle is sent.
    How it is measured
        One batch in 16 that a worker pickles is timed and its bytes counted. The training thread's part is the share
        of its waits, from sampled call stacks, in which it was reading a batch rather than waiting for one.
    How to fix it
        Let ``collate_fn`` (or the Dataset) return tensors, few and large: ``torch.from_numpy`` copies nothing. torch's
        own collate does this for arrays and numbers. Many small tensors are no better: each is sent separately.
    When to ignore it
        When the objects cannot be tensors, such as text that the loop itself tokenizes.
    """

    id = "ipc-serialise"
    title = "Batches are pickled on their way out of the dataloader workers"
    stage = "data loading"
    explains = ("input-wait", "starved-gpu", "memory-thrash", "allocator-churn", "cpu-bound-decode")
    wait_share_threshold = _shared.WAIT_DEAD_BAND
    receive_share_threshold = 0.05  # of the step (dead band of the peers)
    min_pickled_bytes = 1 << 15  # a tensor in shared memory is 250 of them: a batch of a few cannot be made cheaper
    min_receive_seconds = 0.004  # one or two milliseconds a batch takes in any case
    shared_bytes_per_second = 2.8e9  # fresh pages of shared memory touched for the first time (own measurement)
    min_gain_share = 0.05  # of the step

    def detect(self, steps: Steps, loader: Loader, loading: Loading, handover: Handover) -> Outcome:
        share = loading.wait_share
        if share < self.wait_share_threshold:
            return Fine(share, self.wait_share_threshold, "share", "step time waiting for data")
        step = float((loading.wait_seconds + loading.work_seconds).mean())
        if handover.pickled_bytes < self.min_pickled_bytes:
            return Fine(handover.pickled_bytes, self.min_pickled_bytes, "B", "pickled bytes per batch")
        received = handover.receive_seconds
        if received < self.receive_share_threshold * step:
            return Fine(received / step, self.receive_share_threshold, "share", "step time spent receiving batches")
        least = self.min_receive_seconds * loading.crowding_factor
        if received < least:
            return Fine(received, least, "s", "time to receive a batch")
        left = QUEUE_SECONDS * loading.crowding_factor + handover.pickled_bytes / self.shared_bytes_per_second
        now = self._step_seconds(loading, received, handover.pickle_seconds)
        # What goes is CPU too, of both ends: the rest of it still wants its cores.
        gone = received - left + handover.pickle_cpu_seconds * loading.crowding_factor
        cores = (loading.load_cpu_seconds + loading.work_cpu_seconds - gone) / max(loading.cores, 1.0)
        after = max(self._step_seconds(loading, left), cores)
        saved = max(0.0, min(now, step) - after)
        if saved < self.min_gain_share * step:
            return Fine(
                saved / step, self.min_gain_share, "share", "step time that tensors in shared memory would save"
            )
        return self._finding(steps, loader, loading, handover, saved, after)

    @staticmethod
    def _step_seconds(loading: Loading, received: float, pickling: float = 0.0) -> float:
        """T = max(C + receive, max(L, pickling)/n): a thread beside the one that makes batches pickles them."""
        return max(
            float(loading.work_seconds.mean()) + received, max(loading.load_seconds, pickling) / max(loading.workers, 1)
        )

    def _finding(
        self, steps: Steps, loader: Loader, loading: Loading, handover: Handover, saved: float, after: float
    ) -> Finding:
        total = saved * steps.count
        # The share of receiving is known as well as there are samples of it; the rest is the law's own error.
        sampled = 1.28 * handover.receive_seconds / math.sqrt(max(handover.samples, 1)) * steps.count
        error = math.hypot(sampled, law_error(step_model(loading, steps)) * after * steps.count)
        rate = handover.pickled_bytes / max(handover.receive_seconds, 1e-9)
        return self.finding(
            location=location(loader.collate_site or _shared.dataset_site(loader)),
            evidence=(
                *_shared.wait_evidence(loading, steps),
                Evidence("time to receive a batch", handover.receive_seconds, "s"),
                Evidence("pickled bytes per batch", round(handover.pickled_bytes), "B"),
                Evidence("receive rate", rate, "B/s"),
                Evidence("time to pickle a batch in the worker", handover.pickle_seconds, "s"),
            ),
            gain=gain(
                total,
                steps.run_seconds,
                f"T' = max(C + receive', L/n, CPU/cores) = {after * 1e3:.1f} ms, with tensors in shared memory "
                f"instead of {handover.receive_seconds * 1e3:.1f} ms of receiving a batch",
                low_seconds=total - error,
                high_seconds=total + error,
                step_share=total / max(steps.total_seconds, 1e-9),
            ),
            fix=_TENSORS,
            after=_shared.after_text(loading, after),
            removes={"data_wait": total},
        )


_TENSORS = Fix(
    "Return tensors instead of arrays, lists or other objects: tensors go through shared memory",
    "def collate(samples):\n"
    "    x, y = zip(*samples)\n"
    "    x = torch.stack([torch.from_numpy(a) for a in x])  # numpy arrays\n"
    "    return x, torch.tensor(y)",
    effort=2,
)
