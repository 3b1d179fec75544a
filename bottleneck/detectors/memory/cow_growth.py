"""Every worker comes to have its own copy of the dataset's Python objects."""

from __future__ import annotations

from ...artifacts.loading.loader import Loader
from ...artifacts.memory.sharing import Sharing
from ...diagnosis.findings import Evidence, Fine, Fix, Outcome
from .. import Detector
from .._common import location


class CowGrowth(Detector):
    """The dataset keeps its index in a list or dict of Python objects, and every worker ends up with a copy of it.

    Why it matters
        A forked worker shares all memory with its parent until one of them writes to a page. Reading a Python object
        writes to it: its reference count. So before the epoch is over every worker has its own copy of the index, and
        a run that fit in memory at first is killed hours later.
    How it is measured
        The private and shared pages of one worker, read every second or less often. If its private pages grow by as
        much as the shared ones shrink, that is copying and not new memory. It is reported when the dataset held a list
        or dict of that size when the loader started. It costs memory and hardly any time: it is a warning only if it
        takes the last of what the machine or the cgroup has.
    How to fix it
        Keep the index in a few large arrays (numpy, torch, pyarrow) instead of many objects.
    When to ignore it
        When all copies fit: each worker grows by the size of the index and no further.
    """

    id = "cow-growth"
    title = "Every dataloader worker copies the dataset's Python objects"
    stage = "data loading"
    explains = ("memory-near-limit",)
    min_copied_bytes = 64 << 20  # of all workers: less is within what the interpreter and its libraries rewrite
    min_held_share = 0.5  # of what was copied, that the dataset's objects can be

    def detect(self, sharing: Sharing, loader: Loader) -> Outcome:
        copied = sharing.copied_bytes * sharing.workers
        if copied < self.min_copied_bytes:
            return Fine(copied, self.min_copied_bytes, "B", "shared memory copied by the workers")
        held = sharing.objects_bytes / max(sharing.copied_bytes, 1.0)
        if held < self.min_held_share:
            return Fine(held, self.min_held_share, "share", "share of the copies explained by the dataset's objects")
        name, site = sharing.name, sharing.site
        evidence = [
            Evidence("object held by the dataset", f"{name}, a {sharing.kind} of {sharing.length} objects"),
            Evidence("size of the dataset's objects", sharing.objects_bytes, "B"),
            Evidence("dataloader workers", sharing.workers, "count"),
            Evidence("bytes copied per worker so far", sharing.copied_bytes, "B"),
            Evidence("bytes copied by all workers by the end of the epoch", copied + sharing.coming_bytes, "B"),
        ]
        left = sharing.headroom_share
        if left is not None:
            evidence.append(Evidence("free memory at the end of the epoch", left, "share"))
        return self.finding(
            evidence=tuple(evidence),
            fix=Fix(
                f"Store {name} in arrays: reading them does not write to shared pages",
                "# once, where it is made: numbers in a column, fixed-width texts\n"
                f"self.{name} = np.array([...], dtype=np.float32)\n"
                "self.names = np.array([...])  # or pyarrow.array([...]) for long texts",
                effort=2,
            ),
            location=location(site or loader.site),
            headroom_share=left,
        )
