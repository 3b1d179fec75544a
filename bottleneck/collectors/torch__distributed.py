"""``torch.distributed``: the collectives that a program calls itself, as the phase SYNC.

Some of them are noted with size and call site, less often over time. Notes of the same call on different ranks are
matched by number, since all ranks of a group make the same calls. For a non-blocking call, we only see the start.
"""

import sys
from functools import partial

from .. import signals
from ..agent.recorder import now
from . import BaseCollector, dress
from .support.forward import is_traced
from .support.hooking import hook

_NAMES = (
    "all_reduce all_gather all_gather_into_tensor all_gather_object all_to_all all_to_all_single barrier broadcast "
    "broadcast_object_list gather gather_object monitored_barrier reduce reduce_scatter reduce_scatter_tensor scatter"
).split()
_DOUBLED = 64  # notes after which the interval doubles
_VARIED = 3  # intervals vary, so that notes do not always fall on the same tensor of a model


class Collector(BaseCollector):
    id = "collectives"
    module = "torch.distributed"

    def hook(self, module):
        self.calls = self.notes = 0
        self.next = 1
        for name in _NAMES:
            if hasattr(module, name):
                hook(self, module, name, partial(self._collective, name))

    def _collective(self, name, original):
        recorder = self.recorder
        torch = sys.modules["torch"]  # still being imported
        sync = signals.SYNC

        def hooked(*args, **kwargs):
            if is_traced(torch)() or not self.on:
                return original(*args, **kwargs)
            try:
                ring = recorder.ring()
                outer = ring.phase
                nested = outer == sync  # a collective that calls others
                if not nested:
                    ring.phase = sync
                    t0 = now()
            except BaseException as error:
                self.off("before", error)
                nested = True
            if nested:
                return original(*args, **kwargs)
            try:
                return original(*args, **kwargs)
            finally:
                try:
                    t1 = ring.close(sync, outer, t0)
                    self.calls += 1
                    if self.calls >= self.next:
                        self._note(name, t0, t1, args, kwargs)
                except BaseException as error:
                    self.off("after", error)

        return dress(hooked, original)

    def _note(self, name, t0, t1, args, kwargs):
        kind = sys.modules["torch"].Tensor
        tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, kind)]
        distance = 1 << self.notes // _DOUBLED
        distance += self.notes % _VARIED if distance > _VARIED else 0
        self.recorder.note(
            "collective",
            name=name,
            call=self.calls,
            stands_for=distance,
            site=self.recorder.site(3),
            device=tensors[0].device.type if tensors else "",
            bytes=max((tensor.numel() * tensor.element_size() for tensor in tensors), default=0),
            t0=t0,
            t1=t1,
        )
        self.notes += 1
        self.next = self.calls + distance
