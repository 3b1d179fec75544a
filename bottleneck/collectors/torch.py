"""``torch``: root forward, backward, optimizer step, checkpoints.

Optimizers by torch's public global hooks; backward by wrapping ``Tensor.backward`` and ``torch.autograd``; the root
forward by learning which classes are called outermost and wrapping only those.
"""

import os
import sys
from _thread import get_ident

from .. import signals
from ..recorder import now
from . import BaseCollector, dress

_MAX_PLACES = 16
_LEARN_CALLS = 64  # outermost forwards looked at before the wrap is narrowed to their classes


class Collector(BaseCollector):
    id = "training"
    module = "torch"

    def hook(self, torch):
        self.torch = torch
        self.recorder.trainings = getattr(self.recorder, "trainings", 0)
        self.handles = []
        self._hook_backward(torch)
        self._hook_optimizer(torch)
        self._hook_forward(torch)
        self.patches.replace(torch, "save", self.checkpoint(torch.save))

    def detach(self):
        super().detach()
        for handle in self.handles:
            handle.remove()
        self.handles = []

    # -- backward ------------------------------------------------------------------------------------------

    def _hook_backward(self, torch):
        for owner, name in ((torch.Tensor, "backward"), (torch.autograd, "backward"), (torch.autograd, "grad")):
            self.patches.replace(owner, name, self._backward(getattr(owner, name)))

    def _backward(self, original):
        backward = signals.BACKWARD
        recorder = self.recorder
        rings = recorder.rings

        def hooked(*args, **kwargs):
            if not self.on:
                return original(*args, **kwargs)
            try:
                ring = rings.get(get_ident()) or recorder.ring()
                outer = ring.phase
                recorder.trainings += 1
                if outer != backward:
                    ring.phase = backward
                t0 = now()
            except BaseException as error:
                self.off("before", error)
                return original(*args, **kwargs)
            try:
                return original(*args, **kwargs)
            finally:
                try:
                    if outer != backward:
                        ring.close(backward, outer, t0)
                except BaseException as error:
                    self.off("after", error)

        return dress(hooked, original)

    # -- optimizer -----------------------------------------------------------------------------------------

    def _hook_optimizer(self, torch):
        from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

        recorder = self.recorder
        rings = recorder.rings
        optimizer_phase = signals.OPTIMIZER
        opened = []

        def before(optimizer, args, kwargs):
            if self.on:
                try:
                    ring = rings.get(get_ident()) or recorder.ring()
                    outer = ring.phase
                    ring.phase = optimizer_phase
                    opened.append((ring, outer, now()))
                except BaseException as error:
                    self.off("before", error)

        def after(optimizer, args, kwargs):
            if opened:
                try:
                    ring, outer, t0 = opened.pop()
                    if self.on:
                        recorder.trainings += 1
                        ring.close(optimizer_phase, outer, t0)
                    if len(opened) > 8:  # steps that raised never came back
                        del opened[:]
                except BaseException as error:
                    self.off("after", error)

        self.handles.append(register_optimizer_step_pre_hook(before))
        self.handles.append(register_optimizer_step_post_hook(after))

    # -- forward -------------------------------------------------------------------------------------------

    def _hook_forward(self, torch):
        """Learn, then narrow: wrap ``Module.__call__`` only until the outermost classes are known."""
        module_class = torch.nn.Module
        self._plain_call = module_class.__call__
        self._learned = set()
        self._places = set()
        self._learning = 0
        self._learn()

    def _learn(self):
        module_class = self.torch.nn.Module
        plain = self._plain_call
        rings = self.recorder.rings
        recorder = self.recorder
        depth = {}

        def learning(module, *args, **kwargs):
            thread = get_ident()
            if not self.on or depth.get(thread):
                return plain(module, *args, **kwargs)
            depth[thread] = 1
            try:
                ring = rings.get(thread) or recorder.ring()
                if ring.phase not in (signals.FORWARD, signals.EVAL):
                    self._learned_one(type(module))
                return self._timed(plain, ring, module, args, kwargs)
            finally:
                depth[thread] = 0

        if vars(module_class).get("__call__") is plain:
            self.patches.replace(module_class, "__call__", dress(learning, plain))

    def _learned_one(self, owner):
        """An outermost call of ``owner`` was seen; after enough of them wrap just the learned classes."""
        self._learned.add(owner)
        self._note_place(sys._getframe(2))
        self._learning += 1
        if self._learning < _LEARN_CALLS or self._learning > _LEARN_CALLS:
            return
        module_class = self.torch.nn.Module
        self.patches.put_back(module_class, "__call__")
        for learned in self._learned:
            if "__call__" not in vars(learned) and learned is not module_class:
                self.patches.replace(learned, "__call__", self._narrow(learned.__call__))

    def _note_place(self, frame):
        """Write down once, for each way to get there, the user's lines that a forward is called from."""
        frames = []
        while frame is not None:
            if self.recorder.is_user(frame.f_code):
                frames.append((frame.f_code, frame.f_lineno))
            frame = frame.f_back
        place = tuple(frames)
        if place not in self._places and len(self._places) < _MAX_PLACES:
            self._places.add(place)
            shown = [(getattr(c, "co_qualname", c.co_name), os.path.abspath(c.co_filename), line) for c, line in frames]
            self.recorder.note("forward", frames=shown)

    def _narrow(self, plain):
        rings = self.recorder.rings
        recorder = self.recorder

        def narrowed(module, *args, **kwargs):
            if not self.on:
                return plain(module, *args, **kwargs)
            ring = rings.get(get_ident()) or recorder.ring()
            return self._timed(plain, ring, module, args, kwargs)

        return dress(narrowed, plain)

    def _timed(self, plain, ring, module, args, kwargs):
        outer = ring.phase
        if outer == signals.FORWARD or outer == signals.EVAL:
            return plain(module, *args, **kwargs)
        try:
            phase = signals.FORWARD if self.torch.is_grad_enabled() else signals.EVAL
            size = 0
            for value in args:
                shape = getattr(value, "shape", None)
                if shape is not None:
                    size = int(shape[0]) if len(shape) else 1
                    break
            ring.phase = phase
            t0 = now()
        except BaseException as error:
            self.off("before", error)
            return plain(module, *args, **kwargs)
        try:
            return plain(module, *args, **kwargs)
        finally:
            try:
                t1 = ring.close(phase, outer, t0, size)
                serving = self.recorder.serving
                if serving is not None:
                    ring.put(signals.MODEL_CALL, min(serving.in_flight, 65535), t0, t1, size)
            except BaseException as error:
                self.off("after", error)

    # -- checkpoints ---------------------------------------------------------------------------------------

    def checkpoint(self, function):
        """``function`` recorded as a checkpoint with the user's call site."""
        return self.phase(function, signals.CHECKPOINT, lambda args, kwargs: self.recorder.site(4))
