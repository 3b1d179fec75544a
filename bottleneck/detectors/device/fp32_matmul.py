"""Matrix products in single precision on a device that has tensor cores."""

from __future__ import annotations

from ...artifacts.device.kernels import DeviceKernels
from ...artifacts.device.places import DevicePlaces
from ...artifacts.device.window import Device
from ...artifacts.loading.loading import Loading
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Fine, Fix, NotApplicable, NotMeasured, Outcome
from .. import Detector
from .._common import location
from ._shared import KERNELS, STEP_DEAD_BAND, evidence, priced

_AMPERE = (8, 0)
_SWITCH = (
    'torch.set_float32_matmul_precision("high")  # TF32\ntorch.backends.cudnn.allow_tf32 = True  # for convolutions'
)
_AUTOCAST = "with torch.autocast({}):\n    loss = criterion(model(inputs), targets)"


class Fp32Matmul(Detector):
    """Matrix multiplications and convolutions run in single precision although the device has tensor cores.

    Why it matters
        Tensor cores compute the same products several times faster in bf16, fp16, or TF32 (fp32 inputs with a shorter
        mantissa).
    How it is measured
        In a window of traced steps (``--device-window``): the time of kernels whose names say single precision without
        tensor cores, when hardly any kernel uses them. Such kernels become three times faster where they are
        compute-bound and twice where they are memory-bound (a published rule, not measured here), as far as the host
        waits for the device.
    How to fix it
        Enable TF32 with one line, or use autocast with bf16.
    When to ignore it
        When the numerics require single precision.
    """

    id = "fp32-matmul"
    title = "Matrix multiplications do not use the tensor cores"
    stage = "training"
    capability_threshold = 7  # compute capability with tensor cores (kineto)
    tensor_share = 0.10  # of the matrix work: with more of it somebody has chosen (XProf's 16-bit share)
    compute_saving = 2 / 3  # of the time: three times faster
    memory_saving = 1 / 2

    def detect(
        self, steps: Steps, device: Device, kernels: DeviceKernels, places: DevicePlaces, loading: Loading | None
    ) -> Outcome:
        if not any(device.capability):
            return NotMeasured("The trace does not say whether the device has tensor cores.")
        if device.capability[0] < self.capability_threshold:
            return NotApplicable("The device has no tensor cores.")
        typical = max(device.typical_seconds, 1e-12)
        whole = kernels.fp32_matrix_seconds + kernels.tensor_matrix_seconds + kernels.unknown_matrix_seconds
        if kernels.tensor_matrix_seconds >= self.tensor_share * whole > 0:
            used = kernels.tensor_matrix_seconds / whole
            return Fine(used, self.tensor_share, "share", "matrix time on tensor cores")
        saved = device.saved_seconds(kernels.fp32_matrix_seconds * self.compute_saving)
        if saved < STEP_DEAD_BAND * typical:
            return Fine(saved / typical, STEP_DEAD_BAND, "share", "step time that tensor cores would save")
        worth = priced(
            device,
            steps,
            loading,
            saved,
            f"{kernels.fp32_matrix_seconds * 1e3:.2f} ms of fp32 products per step, three times faster",
            low=device.saved_seconds(kernels.fp32_matrix_seconds * self.memory_saving),
            high=device.saved_seconds(kernels.fp32_matrix_seconds * 0.8),
            confidence=0.4,
        )
        recent = device.capability >= _AMPERE
        bf16, fp16 = '"cuda", dtype=torch.bfloat16', '"cuda", dtype=torch.float16'
        return self.finding(
            location=location(places.forward),
            evidence=evidence(
                device,
                Evidence("fp32 matrix time per step", kernels.fp32_matrix_seconds, "s"),
                Evidence("tensor-core matrix time per step", kernels.tensor_matrix_seconds, "s"),
                Evidence("largest fp32 kernel", kernels.largest_fp32[:80]),
            ),
            gain=worth,
            fix=Fix(
                "Run matrix multiplications on the tensor cores (TF32 or bf16)" if recent else "Use fp16 autocast",
                f"{_SWITCH}\n# or:\n{_AUTOCAST.format(bf16)}"
                if recent
                else f"{_AUTOCAST.format(fp16)}\nscaler.scale(loss).backward()  # scaler = torch.amp.GradScaler()",
                effort=1 if recent else 2,
                risk=0.2,
            ),
            after="element-wise kernels and memory bandwidth become the bottleneck",
            removes={KERNELS: worth.seconds},
        )
