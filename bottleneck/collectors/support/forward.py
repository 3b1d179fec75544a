"""The root forward of torch models: learns which classes are called outermost, then wraps only those.

It stays as invisible to the program as possible. The functions that we set on classes refer to our objects through two
globals that pickle as None, so a class pickled by value to another process falls back to the plain call. torch.compile
only sees the plain call (it would wrap the contents of a closure). Whatever other code sets as ``Module.__call__``,
such as a tracer, is called as it would be without us."""

import sys

from ... import signals
from ...agent.frames import function_of, line_of
from ...agent.recorder import now
from ...agent.unpatched import get_ident
from .. import dress
from .batches import Batches, is_watched

_LEARN_CALLS = 64  # outermost forwards to see before wrapping only their classes
_LEARN_AGAIN = 8  # after a new loader or optimizer: a new model is usually called at once
_MAX_PLACES = 16
_LOSSES = "torch.nn.modules.loss"
_FORWARD, _EVAL = _BOTH = signals.FORWARD, signals.EVAL

_timer = None  # of this process, while it records
_learner = None  # while classes are being learned


class _Ours:
    """Pickles as None, so that our objects stay in this process."""

    __slots__ = ()

    def __reduce__(self):
        return type(None), ()


class _Timer(_Ours):
    """Times the outermost call of a module as the phase FORWARD or EVAL."""

    __slots__ = ("collector", "grad_enabled", "inferred", "inputs", "recorder", "rings", "tensor")

    def __init__(self, collector, torch):
        self.collector = collector
        self.recorder = collector.recorder
        self.rings = collector.recorder.rings
        self.grad_enabled = torch.is_grad_enabled
        self.tensor = torch.Tensor
        self.inputs = Batches(collector.recorder, torch, least_rows=1)
        self.inferred = 0

    def size(self, values):
        """The leading dimension of the first tensor; 0 if unknown, as for nested tensors and symbolic shapes."""
        for value in values:
            if isinstance(value, self.tensor):
                try:
                    first = value.shape[0] if value.dim() else 1
                except Exception:
                    return 0
                return first if type(first) is int else 0
        return 0

    def infers(self, args, kwargs, t0):
        """Look at the inputs of a pass without gradients: of the passes 1, 2, 4, ..., and of one in 64."""
        count = self.inferred = self.inferred + 1
        if not count & (count - 1) or not count & 63:
            self.inputs.look([*args, kwargs], signals.INFERRED, t0)

    def served(self, ring, t0, t1, size):
        """Record a forward pass inside a server, with the requests in flight."""
        ring.put(signals.MODEL_CALL, min(self.recorder.serving.in_flight, 65535), t0, t1, size)


class _Learner(_Ours):
    """Notes the classes of outermost calls except torch's losses, which are not models and mostly short."""

    __slots__ = ("collector", "depth", "finish", "found", "left")

    def __init__(self, collector, found, finish, calls):
        self.collector = collector
        self.found = found
        self.finish = finish
        self.left = calls
        self.depth = {}

    def __call__(self, plain, timed, module, args, kwargs):
        thread = get_ident()
        if not self.collector.on or self.depth.get(thread) or type(module).__module__ == _LOSSES:
            return plain(module, *args, **kwargs)
        self.depth[thread] = 1
        try:
            try:
                ring = self.collector.recorder.ring()
                if ring.phase != signals.FORWARD and ring.phase != signals.EVAL:
                    self.found(type(module), sys._getframe(2), args or kwargs.values())
                    self.left -= 1
                    if self.left == 0:
                        self.finish()
            except BaseException as error:
                self.collector.off("learn", error)
            return timed(module, *args, **kwargs)
        finally:
            self.depth[thread] = 0


class RootForward:
    """Hooks the models of one process. ``learn()`` looks for new ones, for example after a new loader or optimizer."""

    def __init__(self, collector, torch):
        global _timer
        self._collector = collector
        self._recorder = collector.recorder
        self._module_class = torch.nn.Module
        self._torch = torch
        self._is_traced = is_traced(torch)
        self._classes = set()
        self._narrowed = set()
        self._places = set()
        _timer = _Timer(collector, torch)

    def learn(self):
        """Wrap ``Module.__call__`` until the next outermost calls reveal their classes; harmless if already wrapped."""
        global _learner
        if _learner is None and _timer is not None:
            calls = _LEARN_AGAIN if self._narrowed else _LEARN_CALLS
            # Known classes also go through the learner for now: they may have new call sites, or switch to training.
            for learned in self._narrowed:
                self._collector.patches.put_back(learned, "__call__")
            self._narrowed.clear()
            _learner = _Learner(self._collector, self._found, self._finish, calls)
            plain = vars(self._module_class)["__call__"]
            hooked = _learning(plain, self._is_traced)
            self._collector.patches.replace(self._module_class, "__call__", dress(hooked, plain))

    def stop(self):
        """Turn any hooks that remain into pass-throughs."""
        global _timer, _learner
        _timer = _learner = None

    def _finish(self):
        global _learner
        _learner = None
        self._collector.patches.put_back(self._module_class, "__call__")
        for learned in self._classes - self._narrowed:
            self._narrowed.add(learned)
            owner = next(base for base in learned.__mro__ if "__call__" in vars(base))
            plain = vars(owner)["__call__"]
            if owner is learned:
                if not learned.__module__.startswith("torch."):  # a class of the user's, which may do anything
                    continue
                owner = plain  # compiled modules have only this one
            hooked = _timed(owner, plain, self._is_traced)
            self._collector.patches.replace(learned, "__call__", dress(hooked, plain))

    def _found(self, owner, frame, values):
        """Handle an outermost call of ``owner``: note its class and, once per call path, the user's lines."""
        self._classes.add(owner)
        frames = []
        while frame is not None:
            if self._recorder.is_user(frame.f_code):
                frames.append((frame.f_code, line_of(frame)))
            frame = frame.f_back
        grad = _timer is not None and _timer.grad_enabled()
        place = (grad, *[(id(code), line) for code, line in frames])
        if place not in self._places and len(self._places) < _MAX_PLACES:
            self._places.add(place)
            name = self._recorder.files.name
            shown = [(function_of(code), name(code.co_filename), line) for code, line in frames]
            self._recorder.note("forward", frames=shown, grad=grad, rows=_rows(self._torch, values))


def _rows(torch, values):
    """The number of samples in the first tensor; 0 if its shape is ambiguous."""
    first = next((value for value in values if type(value) is torch.Tensor), None)
    if first is None or is_watched(torch) or not first.dtype.is_floating_point:
        return 0
    shape = tuple(first.shape)
    if len(shape) < 2:
        return 1  # one vector of features
    # With three dimensions, the first may be time.
    return shape[0] if len(shape) != 3 and type(shape[0]) is int else 0


def is_traced(torch):
    """Whether torch.compile is tracing the caller; it knows this function and evaluates it itself."""
    known = getattr(torch.compiler, "is_dynamo_compiling", None) or getattr(torch.compiler, "is_compiling", None)
    return known or (lambda: False)


def _learning(plain, traced):
    timed = _timed(plain, plain, traced)

    def __call__(module, *args, **kwargs):
        if traced() or _learner is None:
            return plain(module, *args, **kwargs)
        return _learner(plain, timed, module, args, kwargs)

    return __call__


def _timed(owner, plain, traced):
    """Record ``plain`` as a phase. A single function without layers, since our code is cold in the caches every step.

    When its class is pickled by value, the names it uses are pickled too. They are numbers, names from the standard
    library, and ``_timer``, which becomes None.
    """

    def __call__(module, *args, **kwargs):
        if traced():
            return plain(module, *args, **kwargs)
        timer = _timer
        # Looked up at each call: a tracer or the user may have replaced it since.
        call = owner.__call__
        if timer is None:
            return call(module, *args, **kwargs)
        try:
            ring = timer.rings.get(get_ident()) or timer.recorder.ring()
            outer = ring.phase
            nested = outer in _BOTH or not timer.collector.on
            if not nested:
                phase = ring.phase = _FORWARD if timer.grad_enabled() else _EVAL
                size = 0 if timer.recorder.serving is None else timer.size(args or kwargs.values())
                t0 = now()
        except BaseException as error:
            timer.collector.off("before", error)
            nested = True
        if nested:
            return call(module, *args, **kwargs)
        try:
            return call(module, *args, **kwargs)
        finally:
            try:
                t1 = ring.close(phase, outer, t0, size)
                if timer.recorder.serving is not None:
                    timer.served(ring, t0, t1, size)
                if phase == _EVAL:
                    timer.infers(args, kwargs, t0)
            except BaseException as error:
                timer.collector.off("after", error)

    return __call__
