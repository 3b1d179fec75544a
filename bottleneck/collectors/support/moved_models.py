"""The copy of a model to a device before training: ``Module.to`` and ``Module.cuda``, as the phase H2D.

Methods of tensors are C functions that programs compare and look up by identity, so they stay as they are; so do moves
in a loop, which the device's own clock sees. torch.compile only sees the plain call.
"""

from ... import signals
from ...agent.recorder import now
from .. import dress
from .forward import is_traced

_NAMES = ("to", "cuda", "xpu")
_HOST = "cpu"


class MovedModels:
    """Hooks the methods of ``torch.nn.Module`` for one collector."""

    def __init__(self, collector, torch):
        self._collector = collector
        self._recorder = collector.recorder
        self._parameter = torch.nn.Parameter
        for name in _NAMES:
            plain = vars(torch.nn.Module).get(name)
            if plain is not None:
                collector.patches.replace(torch.nn.Module, name, dress(_timed(plain, is_traced(torch), self), plain))

    def begin(self, model):
        """(ring, outer phase, begin, device before), unless there is nothing to record."""
        recorder = self._recorder
        if not self._collector.on or recorder.looping or recorder.trainings:
            return None
        ring = recorder.ring()
        if ring.phase == signals.H2D:
            return None
        first = next(self._parameters(model), None)
        if first is None:
            return None
        token = ring, ring.phase, now(), first.device
        ring.phase = signals.H2D
        return token

    def end(self, model, token):
        """Record the move, if it was one to another device."""
        ring, outer, t0, before = token
        parameters = list(self._parameters(model))
        after = parameters[0].device if parameters else before
        if after == before or after.type == _HOST:
            ring.phase = outer
            return
        ring.close(signals.H2D, outer, t0, self._recorder.site(3))
        moved = sum(each.numel() * each.element_size() for each in parameters)
        self._recorder.note("model_moved", time_ns=t0, bytes=moved, name=after.type, index=after.index or 0)

    def failed(self, error, token=None):
        if token is not None:
            token[0].phase = token[1]
        self._collector.off("move", error)

    def _parameters(self, module):
        """Plain ones, with nothing of the user's code called."""
        todo, seen = [module], set()
        while todo:
            each = todo.pop()
            if id(each) in seen:
                continue
            seen.add(id(each))
            own = vars(each)
            yield from (value for value in (own.get("_parameters") or {}).values() if type(value) is self._parameter)
            todo += [value for value in (own.get("_modules") or {}).values() if value is not None]


def _timed(plain, traced, moves):
    def moved(self, *args, **kwargs):
        if traced():
            return plain(self, *args, **kwargs)
        try:
            token = moves.begin(self)
        except BaseException as error:
            moves.failed(error)
            token = None
        if token is None:
            return plain(self, *args, **kwargs)
        try:
            return plain(self, *args, **kwargs)
        finally:
            try:
                moves.end(self, token)
            except BaseException as error:
                moves.failed(error, token)

    return moved
