"""Inside a DataLoader worker (or the main process if there are no workers): sampled items, batches, collate.

We time one item in 16 and the first of each batch, in wall and thread CPU time. Of batches that take less than 2 ms we
time only one in 32. The two wrapper classes are top-level and hold only the wrapped object, so they pickle whenever the
user's functions do.
"""

import os
import sys
from time import thread_time_ns

from ... import signals
from ...agent import recorder as recorder_module
from ...agent.recorder import is_users_exception, now
from .. import Patches, dress
from .batch_parts import note_batch_parts
from .objects import note_pages
from .outputs import note_output
from .queues import watch_queues

_QUICK_NS = 2_000_000  # one in 32 of faster batches is timed: they cost little, and our overhead would matter
_QUICK_MASK = 31
_SHARED = ("builtins", "numpy", "pandas", "polars", "pyarrow", "torch")
_EVERY = 15  # mask: one item in 16
_WHOLE_EVERY = 7  # mask: one whole-batch fetch in 8 is split


class _State:
    """State shared by the item and collate wrappers of one process; pickles as None, like all our objects."""

    __slots__ = ("batches", "cpu", "failed", "feeding", "items", "mask", "recorder", "start", "timing")

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
        self.feeding = False  # a loader is requesting the iterator of its IterableDataset

    def off(self, where, error):
        if is_users_exception(error):
            raise error
        self.failed = True
        recorder = self.recorder or recorder_module.recorder()
        if recorder is not None:
            recorder.sampling = False
            recorder.fail("samples", where, error)

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


def _timed(original, whole):
    """Wrap ``original`` (``__getitem__``, or ``__getitems__`` if ``whole``) to time some of its calls.

    Everything it refers to pickles without us: a Dataset class pickled by value must work in another process.
    """
    mask = _WHOLE_EVERY if whole else _EVERY
    shared = state

    def fetch(dataset, *args, **kwargs):
        if shared is None or not shared.timing or shared.failed:
            return original(dataset, *args, **kwargs)
        shared.items += 1
        if shared.start and shared.items & mask:
            return original(dataset, *args, **kwargs)
        try:
            token = shared.begin()
        except BaseException as error:
            shared.off("before", error)
            token = None
        if token is None:
            return original(dataset, *args, **kwargs)
        outcome = []
        try:
            outcome.append(original(dataset, *args, **kwargs))
            return outcome[0]
        finally:
            try:
                shared.finish(token, whole, args, outcome)
            except BaseException as error:
                shared.off("after", error)

    return dress(fetch, original)


class _TimedIterator:
    """The iterator of an IterableDataset; its next() is timed like an item."""

    def __init__(self, iterator):
        self._iterator = iterator
        self._step = _timed(lambda _self: next(iterator), whole=False)

    def __iter__(self):
        return self

    def __next__(self):
        return self._step(None)

    def __getattr__(self, name):
        return getattr(self._iterator, name)


def _timed_iter(original):
    shared = state

    def __iter__(dataset):
        iterator = original(dataset)
        return iterator if shared is None or not shared.feeding else _TimedIterator(iterator)

    return dress(__iter__, original)


def watch_dataset(recorder, dataset, patches):
    """Time sampled items of ``dataset`` by patching its class. Classes that other code indexes too are not patched."""
    owner = type(dataset)
    recorder.sampling = False
    data = sys.modules["torch.utils.data"]
    shared = not issubclass(owner, data.Dataset) and owner.__module__.partition(".")[0] in _SHARED
    if shared or "_bottleneck_watched" in vars(owner):
        return
    try:
        patches.replace(owner, "_bottleneck_watched", True)
        if isinstance(dataset, data.IterableDataset):
            patches.replace(owner, "__iter__", _timed_iter(owner.__iter__))
            return
        for name, whole in (("__getitem__", False), ("__getitems__", True)):
            original = next((vars(each)[name] for each in owner.__mro__ if name in vars(each)), None)
            # Objects from lru_cache, singledispatchmethod and the like have their own state: do not wrap or time them.
            if isinstance(original, type(watch_dataset)):
                patches.replace(owner, name, _timed(original, whole))
    except (AttributeError, TypeError):  # a built-in type, or a class that does not allow patching
        return


class Collate:
    """Times the user's ``collate_fn``; the batch ends when it returns."""

    def __init__(self, function):
        self.function = function

    def __call__(self, batch):
        if not state.timing:
            state.batches += 1
            state.timing = not state.batches & state.mask
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
        state.feeding = True
        recorder.note("worker", loader=self.loader, worker=worker_id, pid=os.getpid())
        if self.look_at_pages:
            note_pages(recorder)
        dataset = sys.modules["torch.utils.data"].get_worker_info().dataset
        watch_dataset(recorder, dataset, Patches())
        watch_queues(recorder)
        stacks = sys.modules.get(__package__ + ".stacks")
        if stacks is not None and hasattr(stacks, "restart"):
            stacks.restart(recorder)
