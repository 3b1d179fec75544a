"""``torch.nn.parallel``: the setup of model replicas, and the gradient exchange of DistributedDataParallel.

The exchange runs in C++ during the backward pass, and DDP itself times it now and then. We read its measurements in
one backward pass of four, less often as the run goes on. The other passes have no overhead.
"""

import sys
import weakref
from functools import partial

from . import BaseCollector
from .support.hooking import hook

_FIRST = 20  # trainings before the first look
_EVERY = 4  # initial number of backward passes and optimizer steps between two looks; DDP times its passes as often
_DOUBLED = 64  # looks after which the interval doubles: hundreds of looks in the longest run
_VARIED = 3  # intervals vary, so that looks do not always fall on the same part of an accumulation
_TIMES = ("backward_compute_time", "backward_comm_time", "backward_compute_comm_overlap_time")


class Collector(BaseCollector):
    id = "parallel"
    module = "torch.nn.parallel"

    def hook(self, module):
        self.models = []  # (number, weak reference)
        self.looks = 0
        self.recorder.exchange = self
        for name, made in (("DistributedDataParallel", self._distributed), ("DataParallel", self._data_parallel)):
            hook(self, getattr(module, name), "__init__", partial(self.wrap, before=self._making, after=made))

    def detach(self):
        super().detach()
        if self.recorder is not None:
            self.recorder.exchange = None

    def _making(self, args, kwargs):
        return args[0] if args else None, self.recorder.site(3)

    def _data_parallel(self, token, result, failed):
        model, site = token
        if not failed and model is not None:
            used = [index for index in getattr(model, "device_ids", None) or () if type(index) is int]
            self.recorder.note("data_parallel", site=site, devices=len(used), indexes=used)

    def _distributed(self, token, result, failed):
        model, site = token
        if failed or model is None:
            return
        recorder = self.recorder
        number = len(self.models) + 1
        self.models.append((number, weakref.ref(model)))
        device = model.device.type if model.device is not None else "cpu"
        if device == "cpu":  # DDP's default is one pass in a hundred; timing would synchronize a GPU
            model._set_ddp_runtime_logging_sample_rate(_EVERY)
        distributed = sys.modules["torch.distributed"]
        recorder.note(
            "ddp",
            id=number,
            site=site,
            device=device,
            backend=distributed.get_backend(model.process_group),
            rank=distributed.get_rank(),
            world_size=distributed.get_world_size(model.process_group),
            find_unused=bool(model.find_unused_parameters),
            static_graph=bool(model.static_graph),
        )
        recorder.look_at = min(getattr(recorder, "look_at", _FIRST), recorder.trainings + _FIRST)

    def look(self, site):
        """Note the state of the exchange at the start of a backward pass. Returns the trainings until the next look."""
        for number, reference in self.models if self.on else ():
            model = reference()
            if model is None:
                continue
            try:
                self._note(number, model, site)
            except BaseException as error:
                self.off("look", error)
        self.looks += 1
        return (_EVERY << self.looks // _DOUBLED) + self.looks % _VARIED if self.models else None

    def _note(self, number, model, site):
        seen = model._get_ddp_logging_data()
        sizes = str(seen.get("rebuilt_bucket_sizes") or seen.get("bucket_sizes") or "")
        self.recorder.note(
            "exchange",
            id=number,
            site=site,
            # Set by the last forward: whether this backward pass exchanges gradients.
            synced=bool(model.require_forward_param_sync),
            iteration=int(seen.get("iteration", 0)),
            times_ns=[int(seen.get(name, 0)) for name in _TIMES],
            buckets=[int(size) for size in sizes.split(",") if size.strip().isdigit()],
            unused_bytes=int(seen.get("unused_parameter_size", 0)),
        )
