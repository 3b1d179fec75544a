"""Several accelerators work together in a way that is known to be slow."""

from __future__ import annotations

from ...artifacts.device.gpu import Gpu
from ...artifacts.distributed.engine import Engine
from ...diagnosis.findings import Evidence, Fine, Fix, Outcome
from .. import Detector
from .._common import location


class SlowMultiGpu(Detector):
    """One process drives several accelerators with DataParallel, or the ranks all-reduce their gradients over gloo.

    Why it matters
        DataParallel copies the model to all devices in every step and runs them from threads of one interpreter; gloo
        sends gradients through host memory.
    How it is measured
        From how the model was created. The cost is not measured here: it is listed under "also noticed" without a
        gain.
    How to fix it
        Run one process per device, with DistributedDataParallel and the nccl backend.
    When to ignore it
        When the devices cannot reach each other, or the model is only evaluated occasionally.
    """

    id = "slow-multi-gpu"
    title = "Slow multi-GPU mechanism (DataParallel or gloo)"
    stage = "training"
    devices_threshold = 2  # that one process copies a model to
    slow_backends = ("gloo", "mpi")

    def detect(self, engine: Engine, gpu: Gpu) -> Outcome:
        copies = engine.devices >= self.devices_threshold
        if not copies and engine.backend not in self.slow_backends:
            return Fine(engine.devices, self.devices_threshold, "count", "devices the model is copied to in each step")
        what = "DataParallel" if copies else engine.backend
        return self.finding(
            location=location(engine.site),
            evidence=(Evidence("mechanism", what), Evidence("devices per model", max(engine.devices, 1), "count")),
            fix=Fix(
                "Run one process per device, with DistributedDataParallel"
                if copies
                else f"Use the nccl backend: {engine.backend} sends gradients through host memory",
                'torch.distributed.init_process_group("nccl")  # started by: torchrun --nproc-per-node N\n'
                "model = torch.nn.parallel.DistributedDataParallel(model.to(device), device_ids=[device])",
                effort=2,
                risk=0.05,
            ),
            hint=True,
        )
