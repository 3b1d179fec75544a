"""An accelerator that idles while the loop waits for data."""

from __future__ import annotations

from dataclasses import dataclass

from ...artifacts.device.gpu import Gpu
from ...artifacts.device.places import DevicePlaces
from ...artifacts.device.timed import Timed
from ...artifacts.device.window import Device
from ...artifacts.loading.input_stages import InputStages
from ...artifacts.loading.loader import Loader
from ...artifacts.run.machine import Machine
from ...artifacts.training.steps import Steps
from ...diagnosis import laws as prediction
from ...diagnosis.findings import Evidence, Finding, Fine, Fix, NotMeasured, Outcome
from .. import Detector
from .._common import location, workers_edit

_TF_DATA = "dataset = dataset.map(f, num_parallel_calls=tf.data.AUTOTUNE).batch(n).prefetch(tf.data.AUTOTUNE)"
_WORKERS = 4  # suggested where the number of cores is not known, as in a trace


@dataclass(frozen=True)
class _Idle:
    """``share``: of the steps' wall time; ``in_wait``: of that, while the loop waits for data."""

    share: float
    in_wait: float
    devices: int
    simulated: bool

    @classmethod
    def traced(cls, device: Device) -> _Idle:
        in_wait = device.idle_seconds_by("input") / max(device.idle_seconds, 1e-12)
        return cls(device.idle_share, in_wait, 1, device.simulated)

    @classmethod
    def timed(cls, timed: Timed) -> _Idle:
        in_wait = timed.idle_seconds_by_cause["input"] / max(timed.idle_seconds, 1e-12)
        return cls(timed.idle_share, in_wait, 1, timed.simulated)


class StarvedGpu(Detector):
    """The accelerator idles exactly while the training loop waits for its next batch.

    Why it matters
        The most expensive part of the machine does nothing while something cheaper is the bottleneck.
    How it is measured
        Utilization samples over the steps after warm-up, against the wait in ``next(loader)`` at the same moments. The
        gain is a ceiling: the idle time that falls inside the wait. In the trace of another tool, the gaps between the
        kernels take the place of the samples, and a profile of TensorFlow names the slowest stage of its pipeline;
        without samples, events at the borders of the phases.
    How to fix it
        Apply the data-loading finding reported beside this one; it names the cause and the line.
    When to ignore it
        When the gaps fall outside the wait: then small kernels or synchronisation are the bottleneck, not data.
    """

    id = "starved-gpu"
    title = "The accelerator waits for data"
    stage = "training"
    explains = ("input-wait",)
    idle_threshold_share = 0.10  # of the steps' wall time
    inside_wait_share = 0.80  # of the idle time
    traced_wait_share = 0.50  # the same where it is exact

    def detect(
        self,
        steps: Steps,
        gpu: Gpu | None,
        device: Device | None,
        timed: Timed | None,
        places: DevicePlaces | None,
        machine: Machine,
        loader: Loader | None,
        stages: InputStages | None,
    ) -> Outcome:
        if not steps.judgeable:
            return NotMeasured("Too few steps to judge the accelerator.")
        if gpu is not None:
            idle = _Idle(gpu.idle_share, gpu.idle_in_wait_share, gpu.count, gpu.simulated)
        elif device is not None and steps.imported:
            idle = _Idle.traced(device)
        elif timed is not None:
            idle = _Idle.timed(timed)
        else:
            return NotMeasured("No accelerator was measured.")
        if idle.share < self.idle_threshold_share:
            return Fine(idle.share, self.idle_threshold_share, "share", "accelerator idle time")
        inside = self.inside_wait_share if gpu is not None else self.traced_wait_share
        if idle.in_wait < inside:
            return Fine(idle.in_wait, inside, "share", "accelerator idle time spent waiting for data")
        return self._finding(steps, idle, places, machine, loader, stages)

    def _finding(
        self,
        steps: Steps,
        idle: _Idle,
        places: DevicePlaces | None,
        machine: Machine,
        loader: Loader | None,
        stages: InputStages | None,
    ) -> Finding:
        overlap = min(idle.share * idle.in_wait, steps.share("data_wait", "loader_start"))
        saved = overlap * steps.total_seconds
        evidence = [
            Evidence("accelerator idle time during the steps", idle.share, "share"),
            Evidence("share of idle time spent waiting for data", idle.in_wait, "share"),
            Evidence("accelerators measured", idle.devices, "count"),
        ]
        if idle.simulated:
            evidence.append(Evidence("accelerator", "simulated"))
        if stages is not None:
            evidence.append(Evidence("slowest stage of the tf.data pipeline by itself", stages.slowest))
            evidence.append(
                Evidence("share of the pipeline's time in its slowest stage", stages.slowest_share, "share")
            )
        workers = _WORKERS if steps.imported else max(1, int(machine.cores))
        gain = prediction.gain(
            saved,
            steps.run_seconds,
            "ceiling: idle time of the accelerator inside the wait for data",
            low_seconds=0.5 * saved,
            step_share=overlap,
            confidence=0.6,
        )
        return self.finding(
            location=location(loader.site if loader is not None else places.batches if places is not None else None),
            evidence=tuple(evidence),
            fix=Fix(
                "Load batches faster than the accelerator consumes them",
                _TF_DATA
                if stages is not None
                else f"DataLoader(..., num_workers={workers}, persistent_workers=True, pin_memory=True)",
                effort=1,
                risk=0.1,
                edit=None if loader is None else workers_edit(loader, workers, pin_memory=True),
            ),
            gain=gain,
            after="the accelerator becomes the bottleneck",
            removes={"data_wait": saved},
            detected_by=0.8,  # it does not know why loading is slow; a finding that does comes in its place
        )
