"""Made-up programs, one faulty and one mended for each signature, and programs that only look alike."""

from __future__ import annotations

from .simulator import ADAM, RELU, SGEMM, TENSOR_GEMM, Simulator

MB = 1 << 20
IMAGES = 24 * MB  # of a batch, as floats of 4 bytes


def layers(sim: Simulator, count: int, time: float, name: str = TENSOR_GEMM, dispatch: float = 8.0) -> None:
    for _ in range(count):
        sim.kernel(name, time, dispatch=dispatch)


def trains(sim: Simulator, count: int) -> None:
    """The host reads a value while much is still to be launched, and is ahead again before the device has run dry."""
    layers(sim, count // 2, 100)
    sim.item()
    layers(sim, count // 2, 100)


def fetches_each_step(sim: Simulator) -> None:
    sim.python(1500)
    layers(sim, 100, 100)
    sim.kernel(ADAM, 200, "aten::_fused_adam_")
    sim.item()
    sim.python(2500)


def fetches_rarely(sim: Simulator) -> None:
    sim.python(1500)
    layers(sim, 100, 100)
    sim.kernel(ADAM, 200, "aten::_fused_adam_")
    sim.python(2500)


def fetches_where_the_device_is_full(sim: Simulator) -> None:
    """The host is back before the device has run dry: the value is of the step before."""
    layers(sim, 200, 60)
    sim.item()


def tiny_kernels(sim: Simulator) -> None:
    layers(sim, 600, 4, dispatch=20)


def tiny_kernels_replayed(sim: Simulator) -> None:
    """As a graph: one launch, and the kernels follow each other."""
    sim.python(40)
    sim.kernel(TENSOR_GEMM, 600 * 4, "replay", dispatch=20)
    sim.synchronize()


def tiny_kernels_queued(sim: Simulator) -> None:
    """The same, and nobody waits for it."""
    sim.python(40)
    sim.kernel(TENSOR_GEMM, 600 * 4, "replay", dispatch=20)


def copies_in_between(sim: Simulator, pageable: bool = False, rate: float = 20_000) -> None:
    sim.copy(64 * MB, rate, pageable=pageable)
    trains(sim, 60)


def copies_ahead(sim: Simulator) -> None:
    sim.copy(64 * MB, 20_000, blocking=False, stream=20, after=21)
    trains(sim, 60)


def from_pageable_memory(sim: Simulator) -> None:
    """The batch from pageable memory, its labels from pinned memory."""
    sim.copy(2 * MB, 24_000, blocking=False)
    sim.copy(64 * MB, 6_000, pageable=True)
    trains(sim, 60)


def from_pinned_memory(sim: Simulator) -> None:
    sim.copy(2 * MB, 24_000, blocking=False)
    sim.copy(64 * MB, 24_000, blocking=False)
    trains(sim, 60)


def from_pinned_memory_ahead(sim: Simulator) -> None:
    sim.copy(2 * MB, 24_000, blocking=False, stream=20, after=21)
    sim.copy(64 * MB, 24_000, blocking=False, stream=20, after=21)
    trains(sim, 60)


def floats_of_bytes(sim: Simulator) -> None:
    sim.copy(IMAGES, 3_000)
    trains(sim, 50)


def bytes_sent(sim: Simulator) -> None:
    sim.copy(IMAGES // 4, 3_000)
    trains(sim, 50)


def bytes_sent_ahead(sim: Simulator) -> None:
    sim.copy(IMAGES // 4, 3_000, blocking=False, stream=20, after=21)
    layers(sim, 50, 100)


def small_pieces(sim: Simulator) -> None:
    for _ in range(400):
        sim.copy(4096, 4_000, pageable=True)
        sim.python(5)
    trains(sim, 60)


def one_piece(sim: Simulator) -> None:
    sim.copy(400 * 4096, 24_000, blocking=False)
    trains(sim, 60)


def single_precision(sim: Simulator) -> None:
    layers(sim, 30, 150, SGEMM)
    sim.item()
    layers(sim, 30, 150, SGEMM)
    sim.kernel(ADAM, 500, "aten::_fused_adam_")


def on_tensor_cores(sim: Simulator) -> None:
    layers(sim, 30, 55)
    sim.item()
    layers(sim, 30, 55)
    sim.kernel(ADAM, 500, "aten::_fused_adam_")


def element_by_element(sim: Simulator) -> None:
    for layer in range(20):
        sim.kernel(TENSOR_GEMM, 100)
        layers(sim, 6, 60, RELU)
        if layer == 5:
            sim.item()


def fused(sim: Simulator) -> None:
    for layer in range(20):
        sim.kernel(TENSOR_GEMM, 100)
        sim.kernel("triton_poi_fused_add_mul_relu_0", 75)
        if layer == 5:
            sim.item()


def one_activation_a_layer(sim: Simulator) -> None:
    for _ in range(20):
        sim.kernel(TENSOR_GEMM, 200)
        sim.kernel(RELU, 40)
    sim.item()


def long_pause_of_python(sim: Simulator) -> None:
    """The host does something else for long: few gaps, and no matter of launches."""
    layers(sim, 60, 8)
    sim.python(6000)


def waits_for_data(sim: Simulator) -> None:
    """The wait is at the end of each step, as the loop sees it."""
    layers(sim, 60, 50)
    sim.item()
    sim.python(9000)


#: signature -> (program with the fault, the same without it)
def memory_of_the_driver(sim: Simulator) -> None:
    for _ in range(20):
        sim.allocate()
        layers(sim, 10, 60)
        sim.free_memory()


def memory_that_is_kept(sim: Simulator) -> None:
    layers(sim, 200, 60)


PAIRS = {
    "device-allocator": (memory_of_the_driver, memory_that_is_kept),
    "sync-point": (fetches_each_step, fetches_rarely),
    "launch-bound": (tiny_kernels, tiny_kernels_replayed),
    "no-copy-overlap": (copies_in_between, copies_ahead),
    "pageable-copy": (from_pageable_memory, from_pinned_memory),
    "many-small-copies": (small_pieces, one_piece),
    "wide-dtype-transfer": (floats_of_bytes, bytes_sent),
    "fp32-matmul": (single_precision, on_tensor_cores),
    "unfused-pointwise": (element_by_element, fused),
}

#: The same for the goldens, in which nothing is left to be said of the mended one.
GOLDENS = {
    **PAIRS,
    "launch-bound": (tiny_kernels, tiny_kernels_queued),
    "pageable-copy": (from_pageable_memory, from_pinned_memory_ahead),
    "wide-dtype-transfer": (floats_of_bytes, bytes_sent_ahead),
}
