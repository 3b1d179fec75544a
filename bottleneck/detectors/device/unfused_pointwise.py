"""Element-wise kernels in a row, each of which goes through memory again."""

from __future__ import annotations

from ...artifacts.device.kernels import DeviceKernels
from ...artifacts.device.places import DevicePlaces
from ...artifacts.device.window import Device
from ...artifacts.loading.loading import Loading
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Fine, Fix, Outcome
from .. import Detector
from .._common import location
from ._shared import KERNELS, STEP_DEAD_BAND, evidence, priced


class UnfusedPointwise(Detector):
    """Element-wise operations and norms run as separate kernels, each reading and writing the whole tensor.

    Why it matters
        They compute almost nothing: their time is memory traffic, and a chain of k kernels moves the data k times
        where one fused kernel would move it once.
    How it is measured
        In a window of traced steps (``--device-window``): kernels whose names say element-wise or norm, three or more
        in a row on a stream. ``T' = T - t (1 - 1/k)`` for a chain of k, as far as the host waits for the device.
        Memory traffic is not measured: short kernels, which are not memory-bound, are left out.
    How to fix it
        Use ``torch.compile``, fused norms and activations, ``scaled_dot_product_attention``, channels-last
        convolutions.
    When to ignore it
        When shapes change in every step, so that the model would be recompiled again and again.
    """

    id = "unfused-pointwise"
    title = "Element-wise kernels are not fused"
    stage = "training"
    pointwise_threshold = 0.20  # of the device's time in chains: less is what every model has
    kernel_threshold_seconds = 10e-6  # the median kernel of a chain: a shorter one is all overhead (launch-bound)

    def detect(
        self, steps: Steps, device: Device, kernels: DeviceKernels, places: DevicePlaces, loading: Loading | None
    ) -> Outcome:
        typical, share = max(device.typical_seconds, 1e-12), kernels.chains_seconds / max(device.busy_seconds, 1e-12)
        if share < self.pointwise_threshold:
            reason = "device time in chains of element-wise kernels"
            return Fine(share, self.pointwise_threshold, "share", reason)
        if kernels.chain_kernel_seconds < self.kernel_threshold_seconds:
            reason = "median element-wise kernel time: too short to be memory-bound"
            return Fine(kernels.chain_kernel_seconds, self.kernel_threshold_seconds, "s", reason)
        fused = kernels.chains_seconds - kernels.chained_seconds
        saved = device.saved_seconds(0.75 * fused)  # of a chain, not everything can be one kernel: reductions split it
        if saved < STEP_DEAD_BAND * typical:
            return Fine(saved / typical, STEP_DEAD_BAND, "share", "step time that fusing would save")
        worth = priced(
            device,
            steps,
            loading,
            saved,
            f"T' = T - t (1 - 1/k): t = {kernels.chains_seconds * 1e3:.2f} ms, k = {kernels.kernels_per_chain:.1f}",
            low=device.saved_seconds(0.5 * fused),
            high=device.saved_seconds(fused),
            confidence=0.4,
        )
        return self.finding(
            location=location(places.forward),
            evidence=evidence(
                device,
                Evidence("time in consecutive element-wise kernels per step", kernels.chains_seconds, "s"),
                Evidence("share of device time in element-wise kernels", share, "share"),
                Evidence("kernels per element-wise chain", round(kernels.kernels_per_chain, 1), "count"),
                Evidence("median element-wise kernel time", kernels.chain_kernel_seconds, "s"),
            ),
            gain=worth,
            fix=Fix("Compile the model to fuse them", "model = torch.compile(model)", effort=2, risk=0.1),
            after="matrix multiplications become the bottleneck"
            if kernels.fp32_matrix_seconds + kernels.tensor_matrix_seconds > 0
            else "the host becomes the bottleneck",
            removes={KERNELS: worth.seconds},
        )
