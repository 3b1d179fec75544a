"""Inside a DataLoader worker (or the main process if there are no workers): sampled items, batches, collate.

We time one item in 16 and the first of each batch, in wall and thread CPU time. Of batches that take less than 2 ms we
time only one in 32. ``Collate`` and ``WorkerInit`` are top-level classes and pickle only the user's function and plain
values, so they pickle whenever the function does.
"""

import os
import sys
from functools import partial
from operator import getitem
from time import thread_time_ns
from weakref import ref

from ... import signals
from ...agent import recorder as recorder_module
from ...agent.recorder import is_users_exception, now
from .batch_parts import note_batch_parts
from .hooking import hook
from .objects import note_pages
from .outputs import note_output
from .queues import watch_queues

_QUICK_NS = 2_000_000  # one in 32 of faster batches is timed: they cost little, and our overhead would matter
_QUICK_MASK = 31
_EVERY = 15  # mask: one item in 16
_WHOLE_EVERY = 7  # mask: one whole-batch fetch in 8 is split


class _State:
    """State shared by the item and collate wrappers of one process; pickles as None, so no pickle contains it."""

    __slots__ = ("batches", "cpu", "failed", "items", "mask", "recorder", "start", "timing")

    def __init__(self):
        self.recorder = None
        self.reset()

    def __reduce__(self):
        return type(None), ()

    def reset(self):
        self.items = 0
        self.batches = 0
        self.mask = 0
        self.timing = True  # the current batch is timed
        self.start = 0
        self.cpu = 0
        self.failed = False

    def off(self, where, error):
        if is_users_exception(error):
            raise error
        self.failed = True
        recorder = self.recorder or recorder_module.recorder()
        if recorder is not None:
            recorder.sampling = False
            recorder.fail("samples", where, error)

    def timed(self, mask):
        """Whether to time the next item: the first of a batch, then one in ``mask + 1``."""
        if not self.timing or self.failed:
            return False
        self.items += 1
        return not self.start or not self.items & mask

    def begin(self):
        """Token of a timed item, None if it is not timed; starts the batch if this is its first item."""
        recorder = recorder_module.recorder()
        if recorder is None or recorder.sampling or not recorder.active:
            return None
        self.recorder = recorder
        t0, c0 = now(), thread_time_ns()
        if not self.start:
            self.start, self.cpu = t0, c0
        recorder.sampling = True
        return recorder, t0, c0

    @staticmethod
    def finish(token, whole, args, outcome):
        """``outcome``: [the value from the Dataset], or [] if it raised."""
        recorder, t0, c0 = token
        recorder.sampling = False
        t1 = now()
        ring = recorder.ring()
        ring.put(signals.SAMPLE, len(args[0]) if whole and args else 1, t0, t1, thread_time_ns() - c0)
        if outcome and args and not whole:
            note_output(recorder, ring, args[0], outcome[0], t0, t1)


state = _State()


def _timed(whole, function, *args):
    """``function(*args)``, timed; ``whole``: it returns all samples of a batch instead of one."""
    try:
        token = state.begin()
    except BaseException as error:
        state.off("before", error)
        token = None
    if token is None:
        return function(*args)
    outcome = []
    try:
        outcome.append(function(*args))
        return outcome[0]
    finally:
        try:
            state.finish(token, whole, args[1:], outcome)
        except BaseException as error:
            state.off("after", error)


class _Items:
    """A view of the Dataset for torch's fetcher, which indexes it; the Dataset and its class stay untouched."""

    __getitems__ = None  # none, to a fetcher that asks

    def __init__(self, dataset):
        self._dataset = dataset

    def __getitem__(self, index):
        if state.timed(_EVERY):
            return _timed(False, getitem, self._dataset, index)
        return self._dataset[index]

    def __getattr__(self, name):
        return getattr(self._dataset, name)


class _Batches(_Items):
    """The same of a Dataset that returns all samples of a batch at once."""

    def __getitems__(self, indices):  # type: ignore[override]
        if state.timed(_WHOLE_EVERY):
            return _timed(True, _all_items, self._dataset, indices)
        return self._dataset.__getitems__(indices)


def _all_items(dataset, indices):
    return dataset.__getitems__(indices)


class _Iterator:
    """The iterator of an IterableDataset; its next() is timed like an item."""

    def __init__(self, iterator):
        self._iterator = iterator

    def __iter__(self):
        return self

    def __next__(self):
        return _timed(False, next, self._iterator) if state.timed(_EVERY) else next(self._iterator)

    def __getattr__(self, name):
        return getattr(self._iterator, name)


def watch_fetchers(collector, module):
    """Time sampled items of the fetchers of torch's, which ask a Dataset for the samples of a batch."""

    def over_items(args, result, failed):
        fetcher = args[0]
        # Only of a loader that we record, whose collate_fn ends the batch.
        if type(fetcher) is module._MapDatasetFetcher and type(fetcher.collate_fn) is Collate:
            kind = _Batches if getattr(fetcher.dataset, "__getitems__", None) else _Items
            views = ref(fetcher), fetcher.dataset, kind(fetcher.dataset)
            fetcher.collate_fn.views = views  # type: ignore[assignment]
            fetcher.collate_fn.show()

    def over_iterator(args, result, failed):
        if not failed and type(args[0].collate_fn) is Collate:
            args[0].dataset_iter = _Iterator(args[0].dataset_iter)

    owners = (module._BaseDatasetFetcher, over_items), (module._IterableDatasetFetcher, over_iterator)
    for owner, after in owners:
        hook(collector, owner, "__init__", partial(collector.wrap, before=lambda args, kwargs: args, after=after))


class Collate:
    """Times the user's ``collate_fn``; the batch ends when it returns."""

    views = None  # (the fetcher, the Dataset, our view of it)

    def __init__(self, function):
        self.function = function

    def __reduce__(self):
        return Collate, (self.function,)

    def show(self):
        """Let the fetcher see our view of the Dataset if its next batch is timed, else the Dataset itself."""
        if self.views is not None:
            fetcher, dataset, items = self.views
            fetcher = fetcher()
            if fetcher is not None:
                fetcher.dataset = items if state.timing and not state.failed else dataset

    def __call__(self, batch):
        if not state.timing:
            state.batches += 1
            if not state.batches & state.mask:
                state.timing = True
                self.show()
            return self.function(batch)
        if state.failed or recorder_module.recorder() is None:
            return self.function(batch)
        t0, c0 = now(), thread_time_ns()
        result = self.function(batch)
        try:
            t1, c1 = now(), thread_time_ns()
            recorder = recorder_module.recorder()
            ring = recorder.ring()
            ring.put(signals.COLLATE, 0, t0, t1, c1 - c0)
            if not state.batches and recorder.options.get("window"):
                note_batch_parts(recorder, result)
            if state.start:
                size = len(batch) if hasattr(batch, "__len__") else 1
                ring.put(signals.BATCH, min(size, 65535), state.start, t1, c1 - state.cpu)
                state.mask = _QUICK_MASK if t1 - state.start < _QUICK_NS else 0
                state.start = 0
            state.batches += 1
            state.timing = not state.batches & state.mask
            self.show()
        except BaseException as error:
            state.off("after", error)
        return result


class WorkerInit:
    """Runs first in a worker process: joins the recording, then calls the user's own ``worker_init_fn``."""

    def __init__(self, function, recorder, loader, look_at_pages):
        self.function = function
        self.run_dir = recorder.run_dir
        self.until = recorder.until
        self.loader = loader
        self.look_at_pages = look_at_pages

    def __call__(self, worker_id):
        try:
            self._join(worker_id)
        except BaseException as error:
            state.off("worker", error)
        if self.function is not None:
            self.function(worker_id)

    def _join(self, worker_id):
        recorder = recorder_module.recorder() or recorder_module.install(self.run_dir, until=self.until)
        if not recorder.lasts():
            return
        recorder.role = signals.WORKER
        state.reset()
        state.recorder = recorder
        recorder.note("worker", loader=self.loader, worker=worker_id, pid=os.getpid())
        if self.look_at_pages:
            note_pages(recorder)
        watch_queues(recorder)
        stacks = sys.modules.get(__package__ + ".stacks")
        if stacks is not None and hasattr(stacks, "restart"):
            stacks.restart(recorder)
