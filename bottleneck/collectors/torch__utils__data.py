"""``torch.utils.data.DataLoader``: waits and passes, and samples and batches inside its workers.

We hook ``DataLoader.__init__`` and ``__iter__``, and ``__next__`` on the class from which the returned iterator
inherits it. Recording in the workers is set up by picklable wrappers of ``worker_init_fn`` and ``collate_fn``, which
are installed only while the iterator is being created.
"""

import os
import sys
import weakref
from functools import partial

from .. import signals
from ..agent.recorder import now
from ..agent.unpatched import get_ident
from . import BaseCollector, dress
from .support.batches import Batches
from .support.governor import governor_of
from .support.growth import Growth
from .support.hooking import hook
from .support.loader_note import innermost, note_loader
from .support.objects import note_largest
from .support.samples import Collate, WorkerInit, watch_fetchers


class _ByIdentity:
    """``get(id(object))``: maps objects to values by identity, since they may be unhashable or compare equal.

    We set nothing on the objects; when one is deleted, its entry is removed and ``over`` is called with the value.
    """

    def __init__(self, over=None):
        self._values = {}
        self._ends = {}
        self._over = over
        self.get = self._values.get

    def put(self, item, value):
        key = id(item)
        if key not in self._ends:
            self._ends[key] = weakref.ref(item, lambda _: self._deleted(key))
        self._values[key] = value

    def _deleted(self, key, is_exiting=sys.is_finalizing):  # bound here: at exit, our globals are gone
        self._ends.pop(key, None)
        value = self._values.pop(key, None)
        if self._over is not None and value is not None and not is_exiting():
            self._over(value)


_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: a class whose attributes can be set


class _Pass:
    """One iteration over one loader, on the thread (and in the process) whose ring it writes to."""

    __slots__ = ("began", "count", "governor", "loader", "ring", "trainings")

    def __init__(self, ring, loader, recorder, site):
        self.ring = ring
        self.loader = loader
        self.began = now()
        self.trainings = recorder.trainings
        self.count = 0
        self.governor = governor_of(recorder, ring, site, self.began)
        if self.governor is not None:
            self.governor.begin(ring, self.began, self)


class Collector(BaseCollector):
    id = "dataloader"
    module = "torch.utils.data"

    def hook(self, module):
        self.sites = _ByIdentity()
        self.of_data = _ByIdentity()
        self.ids = _ByIdentity()
        self.passes = _ByIdentity(self._left)
        self.holding = set()  # loaders whose dataset contains many Python objects
        self.count = 0
        self.recorder.trainings = 0
        self.growth = self.recorder.growth = Growth(self.recorder)
        self.batches = Batches(self.recorder, sys.modules["torch"])
        self.collections = self.growth.watch_collections()
        loader = module.DataLoader
        nothing = lambda token, result, failed: None  # noqa: E731
        hook(self, loader, "__init__", partial(self.wrap, before=self._before_init, after=nothing))
        hook(self, loader, "__iter__", self._iter)
        watch_fetchers(self, module._utils.fetch)

    def detach(self):
        super().detach()
        collections = getattr(self, "collections", None)
        if collections is not None:
            collections.detach()

    def _before_init(self, args, kwargs):
        if args and self.sites.get(id(args[0])) is None:
            site = self._site(args[1] if len(args) > 1 else kwargs.get("dataset"))
            self.sites.put(args[0], site)

    def _site(self, dataset):
        """The user's line that creates a loader. If a library recreates the user's loader (Accelerate does), the line
        of the original, found by its dataset unless several of the user's loaders share that."""
        site, known = self.recorder.site(4), self.of_data.get(id(dataset))
        if not self.recorder.is_user(sys._getframe(4).f_code):
            return known or site
        try:
            self.of_data.put(dataset, site if known in (None, site) else 0)
        except TypeError:  # some types, such as list, do not support weak references
            pass
        return site

    # -- __iter__ ------------------------------------------------------------------------------------------

    def _iter(self, original):
        def __iter__(loader):
            if not self.on:
                return original(loader)
            try:
                token = self._start(loader)
            except BaseException as error:
                self.off("before", error)
                return original(loader)
            try:
                iterator = original(loader)
            finally:
                try:
                    self._constructed(loader, token)
                except BaseException as error:
                    self.off("after", error)
            try:
                self._began(loader, iterator, token)
            except BaseException as error:
                self.off("after", error)
            return iterator

        return dress(__iter__, original)

    def _start(self, loader):
        ring = self.recorder.ring()
        number = self.ids.get(id(loader))
        if number is None:
            self.count += 1
            number = self.count
            self.ids.put(loader, number)
            self._describe(loader, number)
            if self.recorder.look_again is not None:
                self.recorder.look_again()  # a new loader may mean a new model
        worker_init, collate = loader.worker_init_fn, loader.collate_fn
        if loader.num_workers == 0:
            self.recorder.sampling = False
            loader.collate_fn = Collate(collate)
        elif self._workers_can_unpickle(loader):
            loader.collate_fn = Collate(collate)
            loader.worker_init_fn = WorkerInit(worker_init, self.recorder, number, number in self.holding)
        outer = ring.phase
        ring.phase = signals.LOADER_START
        return ring, outer, now(), number, worker_init, collate

    def _constructed(self, loader, token):
        ring, outer, t0, number, worker_init, collate = token
        loader.worker_init_fn = worker_init
        loader.collate_fn = collate
        ring.close(signals.LOADER_START, outer, t0, number)

    def _workers_can_unpickle(self, loader):
        context = getattr(loader, "multiprocessing_context", None)
        method = context.get_start_method() if context is not None else None
        if method is None:
            method = sys.modules["multiprocessing"].get_start_method(allow_none=True) or "fork"
        if method != "fork" and signals.RUN_DIR_VARIABLE not in os.environ:
            return False
        # A spawned worker can only unpickle our classes if sitecustomize has loaded us there.
        inject = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "agent", "inject")
        return method == "fork" or inject in os.environ.get("PYTHONPATH", "").split(os.pathsep)

    def _describe(self, loader, number):
        inner = innermost(loader.dataset)
        note_loader(self.recorder, loader, inner, number, self.sites.get(id(loader)) or 0)
        if loader.num_workers:
            try:
                if note_largest(self.recorder, inner, number):
                    self.holding.add(number)
            except Exception as error:
                self.recorder.fail("objects", "before", error)

    # -- __next__ ------------------------------------------------------------------------------------------

    def _began(self, loader, iterator, token):
        ring, number = token[0], token[3]
        owner = next((owner for owner in type(iterator).__mro__ if "__next__" in vars(owner)), None)
        if owner is None or not (owner.__flags__ & _HEAP_TYPE and type(iterator).__weakrefoffset__):
            return  # for example a generator: this loader is not measured
        if not hasattr(vars(owner)["__next__"], "_bottleneck"):
            hooked = self._next(vars(owner)["__next__"])
            hooked._bottleneck = True
            self.patches.replace(owner, "__next__", hooked)
        self.recorder.looping = True
        site = self.sites.get(id(loader)) or number
        self.passes.put(iterator, _Pass(ring, number, self.recorder, site))

    def _left(self, current):
        """The loop of a pass was left before its end, maybe in a stretch of steps that are not recorded in full."""
        governor = current.governor
        if governor is not None and governor.owner is current:
            at, governor.owner = now(), None
            if current.ring is self.recorder.rings.get(get_ident()):  # a ring has one writer
                governor.end(current.ring, at, current.loader, signals.END)

    def _next(self, original):
        data_wait, first, end, raised = signals.DATA_WAIT, signals.FIRST, signals.END, signals.RAISED
        recorder = self.recorder
        rings = recorder.rings
        growth = self.growth
        batches = self.batches
        passes = self.passes

        def __next__(iterator):
            current = passes.get(id(iterator))
            if current is None or rings.get(get_ident()) is not current.ring or not self.on:
                return original(iterator)  # not ours, or continued in another thread or a forked child
            ring = current.ring
            outer = ring.phase
            if outer == data_wait:
                return original(iterator)
            ring.phase = data_wait
            flags = 0 if current.count else first
            governor = current.governor
            skipped = governor is not None and governor.left
            t0 = 0 if skipped else now()
            if ring.clock is not None and t0:
                ring.clock.mark(ring, data_wait, t0)
            try:
                batch = original(iterator)
            except BaseException as stop:
                try:
                    over = isinstance(stop, StopIteration)
                    flags |= end if over else raised
                    if skipped:
                        ring.phase = outer
                        t1 = governor.last(ring, current.loader, flags | outer)
                    else:
                        t1 = ring.close(data_wait, outer, t0, current.loader, flags)
                    if governor is not None:
                        governor.pause(t1)
                    if over:
                        trained = self.recorder.trainings != current.trainings
                        ring.put(signals.LOOP, int(trained), current.began, t1, current.loader)
                except BaseException as error:
                    self.off("after", error)
                raise
            try:
                current.count += 1
                if skipped:
                    ring.phase = outer
                    governor.passed(ring, current.loader)
                    t1 = 0
                else:
                    t1 = ring.close(data_wait, outer, t0, current.loader, flags)
                    if governor is not None and current.count > 1:
                        governor.step(ring, t1)
                growth.steps = step = growth.steps + 1  # inlines due()
                if not step & growth.mask:
                    growth.look(recorder.user_frame(sys._getframe(1)))
                if not step & batches.mask:
                    batches.look(batch, current.loader, t1 or now())
            except BaseException as error:
                ring.phase = outer
                self.off("after", error)
            return batch

        return dress(__next__, original)
