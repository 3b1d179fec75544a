"""The root forward of torch models: one function in the place of ``Module.__call__``, none on the user's classes.

A class or model that is pickled by value therefore holds nothing of ours. torch.compile only sees the plain call (it
would wrap the contents of a closure)."""

import sys

from ... import signals
from ...agent.frames import function_of, line_of
from ...agent.recorder import now
from ...agent.unpatched import get_ident
from .. import dress
from .batches import Batches, is_watched
from .device_clock import follow
from .model_copy import ModelCopies

_FIRST_LOOKS = 64  # outermost forwards whose callers are noted
_LOOKS = 8  # after a new loader or optimizer: a new model is usually called at once
_MAX_PLACES = 16
_LOSSES = "torch.nn.modules.loss"
_FORWARD, _EVAL = _BOTH = signals.FORWARD, signals.EVAL

_timer = None  # of this process, while it records


class _Timer:
    """Times the outermost call of a module as the phase FORWARD or EVAL."""

    def __init__(self, collector, torch):
        self.collector = collector
        self.recorder = collector.recorder
        self.rings = collector.recorder.rings
        self.grad_enabled = torch.is_grad_enabled
        self.tensor = torch.Tensor
        self.inputs = Batches(collector.recorder, torch, least_rows=1)
        self.inferred = self.calls = self.known_threads = 0
        self.threads = torch.get_num_threads
        self.copies = ModelCopies(self.recorder, torch) if "model" in self.recorder.options else None
        self.looks = _FIRST_LOOKS  # calls whose callers are still to be noted, by ``found``
        self.found = None

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
        """Record a forward pass inside a server, with the requests in flight. Of the passes 1, 2, 4, ... tell, too, how
        many threads an operation may use in this thread, where that has changed."""
        ring.put(signals.MODEL_CALL, min(self.recorder.serving.in_flight, 65535), t0, t1, size)
        count = self.calls = self.calls + 1
        if not count & (count - 1):
            threads = int(self.threads())
            if threads != self.known_threads:
                self.known_threads = threads
                self.recorder.note("threads", count=threads)


class RootForward:
    """Times the models of one process. ``look_again()`` notes new callers, as after a new loader or optimizer."""

    def __init__(self, collector, torch):
        global _timer
        self._recorder = collector.recorder
        self._torch = torch
        self._places = set()
        _timer = _Timer(collector, torch)
        _timer.found = self._found
        plain = vars(torch.nn.Module)["__call__"]
        hooked = _timed(plain, is_traced(torch))
        self._recorder.phases.mark(hooked.__code__, _phase)
        collector.patches.replace(torch.nn.Module, "__call__", dress(hooked, plain))

    def look_again(self):
        """Note the callers of the next outermost calls."""
        if _timer is not None:
            _timer.looks = max(_timer.looks, _LOOKS)

    def stop(self):
        """Turn the hook into a pass-through, should it remain."""
        global _timer
        _timer = None

    def _found(self, frame, values):
        """Note the user's lines of an outermost call, once per call path."""
        frames = []
        while frame is not None:
            if self._recorder.is_user(frame.f_code):
                frames.append((frame.f_code, line_of(frame)))
            frame = frame.f_back
        grad = _timer.grad_enabled()
        place = (grad, *[(id(code), line) for code, line in frames])
        if place not in self._places and len(self._places) < _MAX_PLACES:
            self._places.add(place)
            name = self._recorder.files.name
            shown = [(function_of(code), name(code.co_filename), line) for code, line in frames]
            self._recorder.note("forward", frames=shown, grad=grad, rows=_rows(self._torch, values))


def _phase(frame):
    """The phase of a frame of our hook in a step that is not recorded in full."""
    return signals.NONE if type(frame.f_locals["self"]).__module__ == _LOSSES else _FORWARD


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


def _timed(plain, traced):
    """Record ``plain`` as a phase, in one function without layers: our code is cold in the caches every step."""

    def __call__(self, *args, **kwargs):
        timer = _timer
        if traced() or timer is None:
            return plain(self, *args, **kwargs)
        ring = timer.rings.get(get_ident())
        # Most calls: a layer of a model, or a step that is not recorded in full.
        if ring is not None and (ring.phase in _BOTH or (ring.skip and not ring.infers and timer.grad_enabled())):
            return plain(self, *args, **kwargs)
        try:
            ring = ring or timer.recorder.ring()
            outer = ring.phase
            # A loss is no model, and mostly short.
            inner = not timer.collector.on or type(self).__module__ == _LOSSES
            if not inner:
                if timer.looks:
                    timer.looks -= 1
                    timer.found(sys._getframe(1), args or kwargs.values())
                    follow(timer.collector, ring)
                copied = None if timer.copies is None else timer.copies.before(self, args, kwargs)
                phase = ring.phase = _FORWARD if timer.grad_enabled() else _EVAL
                size = t0 = 0
                if not ring.skip or not ring.infers:
                    size = 0 if timer.recorder.serving is None else timer.size(args or kwargs.values())
                    t0 = now()
                    if ring.clock is not None:
                        ring.clock.mark(ring, phase, t0)
        except BaseException as error:
            timer.collector.off("before", error)
            inner = True
        if inner:
            return plain(self, *args, **kwargs)
        try:
            return plain(self, *args, **kwargs)
        finally:
            try:
                if t0:
                    t1 = ring.close(phase, outer, t0, size)
                    if timer.recorder.serving is not None:
                        timer.served(ring, t0, t1, size)
                    if copied is not None:
                        timer.copies.after(copied, t1 - t0)
                    if phase == _EVAL:
                        timer.infers(args, kwargs, t0)
                else:
                    ring.phase = outer
            except BaseException as error:
                timer.collector.off("after", error)

    return __call__
