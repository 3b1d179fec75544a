"""Inside a DataLoader worker (or the main process, when it has none): sampled items, batches, collate.

One item in 16 and the first of each batch are timed, in wall and thread CPU time; of batches that take less than
2 ms only one in 8 is. The two wrapper classes are
top-level and hold only what they wrap, so that they pickle whenever the user's own functions do.
"""

import os
import sys
from time import thread_time_ns

from .. import recorder as recorder_module
from .. import signals
from ..recorder import is_users_exception, now
from . import Patches, dress

_QUICK_NS = 2_000_000  # batches below this are timed one in 8: their cost hardly matters, ours would
_QUICK_MASK = 7
_EVERY = 15  # mask: one item in 16
_WHOLE_EVERY = 7  # mask: one whole-batch fetch in 8 is split


class _State:
    """What the item wrapper and the collate wrapper of one process share."""

    __slots__ = ("batches", "cpu", "failed", "items", "mask", "start", "timing")

    def __init__(self):
        self.reset()

    def reset(self):
        self.items = 0
        self.batches = 0
        self.mask = 0
        self.timing = True  # the batch under way is one to time
        self.start = 0
        self.cpu = 0
        self.failed = False


state = _State()


def _off(where, error):
    if is_users_exception(error):
        raise error
    state.failed = True
    recorder = recorder_module.recorder()
    recorder.sampling = False
    recorder.fail("samples", where, error)


def _begin():
    """Token of a timed item; opens the batch when it is its first."""
    recorder = recorder_module.recorder()
    t0, c0 = now(), thread_time_ns()
    if not state.start:
        state.start, state.cpu = t0, c0
    recorder.sampling = True
    return recorder, t0, c0


def _finish(token, count):
    recorder, t0, c0 = token
    recorder.sampling = False
    recorder.ring().put(signals.SAMPLE, count, t0, now(), thread_time_ns() - c0)


def _timed(original, whole):
    """``original`` (a ``__getitem__`` or, ``whole``, a ``__getitems__``) with one call in so many timed."""
    mask = _WHOLE_EVERY if whole else _EVERY

    def fetch(dataset, index):
        if not state.timing or state.failed:
            return original(dataset, index)
        state.items += 1
        if (state.start and state.items & mask) or recorder_module.recorder().sampling:
            return original(dataset, index)
        try:
            token = _begin()
        except BaseException as error:
            _off("before", error)
            return original(dataset, index)
        try:
            return original(dataset, index)
        finally:
            try:
                _finish(token, len(index) if whole else 1)
            except BaseException as error:
                _off("after", error)

    return dress(fetch, original)


class _TimedIterator:
    """The iterator of an IterableDataset, next() timed like an item."""

    def __init__(self, iterator):
        self._iterator = iterator
        step = _timed(lambda _self, _index: next(iterator), whole=False)
        self._step = step

    def __iter__(self):
        return self

    def __next__(self):
        return self._step(None, None)

    def __getattr__(self, name):
        return getattr(self._iterator, name)


def watch_dataset(recorder, dataset, patches):
    """Time sampled items of ``dataset`` by patching its class; built-in types stay as they are."""
    owner = type(dataset)
    recorder.sampling = False
    if "_bottleneck_watched" in vars(owner):
        return
    try:
        patches.replace(owner, "_bottleneck_watched", True)
    except TypeError:
        return
    for name, whole in (("__getitem__", False), ("__getitems__", True)):
        original = getattr(owner, name, None)
        if original is not None:
            patches.replace(owner, name, _timed(original, whole))
    if not hasattr(owner, "__getitem__") and hasattr(owner, "__iter__"):
        plain = owner.__iter__
        patches.replace(owner, "__iter__", dress(lambda self: _TimedIterator(plain(self)), plain))


class Collate:
    """The user's ``collate_fn``, timed; its end is the end of the batch."""

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
            ring = recorder_module.recorder().ring()
            ring.put(signals.COLLATE, 0, t0, t1, c1 - c0)
            if state.start:
                size = len(batch) if hasattr(batch, "__len__") else 1
                ring.put(signals.BATCH, min(size, 65535), state.start, t1, c1 - state.cpu)
                state.mask = _QUICK_MASK if t1 - state.start < _QUICK_NS else 0
                state.start = 0
            state.batches += 1
            state.timing = not state.batches & state.mask
        except BaseException as error:
            _off("after", error)
        return result


class WorkerInit:
    """Runs first in a worker process: joins the recording, then calls the user's own ``worker_init_fn``."""

    def __init__(self, function, run_dir, loader):
        self.function = function
        self.run_dir = run_dir
        self.loader = loader

    def __call__(self, worker_id):
        try:
            self._join(worker_id)
        except BaseException as error:
            if is_users_exception(error):
                raise
            state.failed = True
            recorder = recorder_module.recorder()
            if recorder is not None:
                recorder.fail("samples", "worker", error)
        if self.function is not None:
            self.function(worker_id)

    def _join(self, worker_id):
        recorder = recorder_module.recorder() or recorder_module.install(self.run_dir)
        recorder.role = signals.WORKER
        state.reset()
        threads = sys.modules["torch"].get_num_threads()
        recorder.note("worker", loader=self.loader, worker=worker_id, pid=os.getpid(), threads=threads)
        dataset = sys.modules["torch.utils.data"].get_worker_info().dataset
        watch_dataset(recorder, dataset, Patches())
        stacks = sys.modules.get(__package__ + "._stacks")
        if stacks is not None and hasattr(stacks, "restart"):
            stacks.restart(recorder)
