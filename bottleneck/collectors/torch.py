"""``torch``: root forward, backward, optimizer step, models moved to a device, checkpoints, files read.

Optimizers use torch's public global hooks. Backward is wrapped in ``torch.autograd``, which ``Tensor.backward`` calls.
``support/forward.py`` explains the root forward. torch.compile traces our hooks too, so each is a no-op meanwhile.
"""

import sys
from functools import partial

from .. import signals
from ..agent.recorder import now
from ..agent.unpatched import get_ident
from . import BaseCollector, dress
from .support.device_clock import follow
from .support.forward import RootForward, is_traced
from .support.governor import governor_of
from .support.hooking import hook, unseen
from .support.moved_models import MovedModels
from .support.optimizers import Optimizers
from .support.reads import argument, reader, size_of

_SETTLED = 20  # backward passes and optimizer steps: options set by then stay set
_NEVER = 1 << 62
_LOOK_AGAIN = 16  # times as many later: check whether the number of threads has changed
_MAX_OPERATIONS = 4096  # counted per graph: above this, just "many"


class Collector(BaseCollector):
    id = "training"
    module = "torch"

    def hook(self, torch):
        self.recorder.trainings = getattr(self.recorder, "trainings", 0)
        self.handles = []
        self.is_compiling = is_traced(torch)
        self.wait = _SETTLED
        self.next_look = self.recorder.look_at = self.recorder.trainings + self.wait
        self.anomaly = getattr(torch, "is_anomaly_enabled", None)
        self.threads = torch.get_num_threads
        self.hiding = getattr(torch._C, "_FunctionBase", ())
        for name in ("backward", "grad"):
            self.patches.replace(torch.autograd, name, self._backward(getattr(torch.autograd, name)))
        self.forward = RootForward(self, torch)
        self.recorder.look_again = self.forward.look_again
        MovedModels(self, torch)
        self._hook_optimizer()
        hook(self, torch, "save", self.checkpoint)
        describe = lambda args, kwargs, result: size_of(argument(args, kwargs, 0, "f"))  # noqa: E731
        hook(self, torch, "load", partial(reader, self, call="torch.load", form="torch", describe=describe))

    def detach(self):
        self.recorder.look_again = None
        self.forward.stop()
        super().detach()
        for handle in self.handles:
            handle.remove()
        self.handles = []

    def _backward(self, original):
        backward = signals.BACKWARD
        recorder = self.recorder
        rings = recorder.rings
        is_compiling = self.is_compiling

        def hooked(*args, **kwargs):
            if is_compiling() or not self.on:
                return original(*args, **kwargs)
            ring = rings.get(get_ident())
            if ring is not None and ring.skip:
                ring.skip -= 1
                return original(*args, **kwargs)
            try:
                ring = ring or recorder.ring()
                outer = ring.phase
                nested = outer == backward  # a function that runs a backward pass inside the outer one
                if not nested:
                    recorder.trainings += 1
                    if recorder.trainings > recorder.look_at:
                        self._look(args[0] if args else None)
                    ring.phase = backward
                    t0 = now()
                    if ring.clock is not None:
                        ring.clock.mark(ring, backward, t0)
            except BaseException as error:
                self.off("before", error)
                nested = True
            if nested:
                return original(*args, **kwargs)
            try:
                return original(*args, **kwargs)
            finally:
                try:
                    ring.close(backward, outer, t0)
                except BaseException as error:
                    self.off("after", error)

        hooked = dress(unseen(hooked, original), original)
        recorder.phases.mark(hooked.__code__, lambda frame: backward)
        return hooked

    def _look(self, outputs):
        """Check the settings now and then, inside the user's call: a with-statement may set an option temporarily."""
        recorder = self.recorder
        if recorder.compiling:  # torch itself calls backward here, with different settings
            return
        done = recorder.trainings
        if done > self.next_look:
            first = self.wait == _SETTLED
            self.wait *= _LOOK_AGAIN
            self.next_look = done + self.wait
            if first and self.anomaly is not None:
                recorder.note("switches", anomaly=bool(self.anomaly()))
            operations = _operations(outputs, self.hiding) if first else 0
            recorder.note("threads", count=int(self.threads()), operations=operations)
        exchange = getattr(recorder, "exchange", None)
        further = None if exchange is None else exchange.look(recorder.site(3))
        recorder.look_at = min(self.next_look, done + (further or _NEVER))

    def _hook_optimizer(self):
        from torch.optim.optimizer import (
            Optimizer,
            register_optimizer_step_post_hook,
            register_optimizer_step_pre_hook,
        )

        seen = set()
        optimizers = Optimizers(self.recorder)

        def made(args, kwargs):
            if args:
                seen.discard(id(args[0]))
                optimizers.made(args[0])

        stepping = getattr(Optimizer, "profile_hook_step", None)  # the decorator in which step() calls its hooks
        if stepping is not None:
            self.recorder.phases.mark(stepping(_nothing).__code__, lambda frame: signals.OPTIMIZER)
        hook(self, Optimizer, "__init__", partial(self.wrap, before=made, after=lambda token, result, failed: None))
        self.handles.append(register_optimizer_step_pre_hook(self._before_step(seen, optimizers)))
        self.handles.append(register_optimizer_step_post_hook(self._after_step()))

    def _before_step(self, seen, optimizers):
        recorder = self.recorder
        rings = recorder.rings
        phase = signals.OPTIMIZER
        is_compiling = self.is_compiling

        def before(optimizer, args, kwargs):
            if is_compiling() or not self.on:
                return
            ring = rings.get(get_ident())
            if ring is not None and ring.skip and not ring.open:
                return
            try:
                ring = ring or recorder.ring()
                me = id(optimizer)
                if ring.open:
                    _drop_lost(ring, me)
                if me not in seen:
                    seen.add(me)
                    self.forward.look_again()
                    follow(self, ring)
                    optimizers.note(optimizer)
                outer = ring.phase
                ring.phase = phase
                t0 = now()
                ring.open.append((me, outer, t0))
                if ring.clock is not None:
                    ring.clock.mark(ring, phase, t0)
            except BaseException as error:
                self.off("before", error)

        return before

    def _after_step(self):
        recorder = self.recorder
        rings = recorder.rings
        phase = signals.OPTIMIZER
        is_compiling = self.is_compiling

        def after(optimizer, args, kwargs):
            if is_compiling():
                return
            try:
                ring = rings.get(get_ident())
                if ring is None:
                    return
                if ring.open and ring.open[-1][0] == id(optimizer):
                    _, outer, t0 = ring.open.pop()
                    t1 = ring.close(phase, outer, t0)
                elif ring.skip and not ring.open:
                    t1 = 0
                else:
                    return
                recorder.trainings += 1
                if not recorder.looping:  # the DataLoader collector handles loops over a DataLoader
                    self._stepped(ring, t1)
            except BaseException as error:
                self.off("after", error)

        return after

    def _stepped(self, ring, t1):
        """A step of a loop without a DataLoader ended at ``t1``, 0 if it was not recorded in full."""
        governor = ring.governors.get(0) or governor_of(self.recorder, ring, 0, t1)
        if governor is not None:
            governor.step(ring, t1) if t1 else governor.passed(ring, 0)
        growth = self.recorder.growth
        if growth is not None and growth.due():
            growth.look(self.recorder.user_frame(sys._getframe(2)))

    def checkpoint(self, function):
        """Record ``function`` as a checkpoint with the user's call site."""
        return self.phase(function, signals.CHECKPOINT, lambda args, kwargs: self.recorder.site(4))


def _nothing():
    pass


def _operations(outputs, hiding):
    """The number of operations in the autograd graph of these tensors. 0 if there is no graph, or if it has ``hiding``
    nodes, which contain an unknown number: Python functions, checkpointed or compiled code, recurrent layers."""
    outputs = outputs if isinstance(outputs, (tuple, list)) else [outputs]
    todo = [getattr(output, "grad_fn", None) for output in outputs]
    seen = set()
    while todo and len(seen) < _MAX_OPERATIONS:
        node = todo.pop()
        if node is None or node in seen:
            continue
        name = node.name()
        if isinstance(node, hiding) or "Rnn" in name:
            return 0
        if not name.endswith("AccumulateGrad"):
            seen.add(node)
            todo += [following for following, _ in node.next_functions]
    return len(seen)


def _drop_lost(ring, optimizer):
    """Drop a step of ``optimizer`` that is still open because it raised; restore the thread's enclosing phase."""
    for index, (number, outer, _) in enumerate(ring.open):
        if number == optimizer:
            ring.phase = outer
            del ring.open[index:]
            return
