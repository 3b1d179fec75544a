"""Made-up programs, one faulty and one mended for each signature, and programs that only look alike."""

from __future__ import annotations

from .simulator import ADAM, RELU, SGEMM, TENSOR_GEMM, Simulator

MB = 1 << 20


def layers(sim: Simulator, count: int, time: float, name: str = TENSOR_GEMM, dispatch: float = 8.0) -> None:
    for _ in range(count):
        sim.kernel(name, time, dispatch=dispatch)


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


def copies_in_between(sim: Simulator, pageable: bool = False, rate: float = 20_000) -> None:
    sim.copy(64 * MB, rate, pageable=pageable)
    layers(sim, 60, 100)
    sim.item()


def copies_ahead(sim: Simulator) -> None:
    sim.copy(64 * MB, 20_000, blocking=False, stream=20, after=21)
    layers(sim, 60, 100)
    sim.item()


def from_pageable_memory(sim: Simulator) -> None:
    """The batch from pageable memory, its labels from pinned memory."""
    sim.copy(2 * MB, 24_000, blocking=False)
    sim.copy(64 * MB, 6_000, pageable=True)
    layers(sim, 60, 100)
    sim.item()


def from_pinned_memory(sim: Simulator) -> None:
    sim.copy(2 * MB, 24_000, blocking=False, stream=20, after=21)
    sim.copy(64 * MB, 24_000, blocking=False, stream=20, after=21)
    layers(sim, 60, 100)
    sim.item()


def small_pieces(sim: Simulator) -> None:
    for _ in range(200):
        sim.copy(4096, 4_000, pageable=True)
        sim.python(5)
    layers(sim, 60, 100)
    sim.item()


def one_piece(sim: Simulator) -> None:
    sim.copy(200 * 4096, 24_000, blocking=False)
    layers(sim, 60, 100)
    sim.item()


def single_precision(sim: Simulator) -> None:
    layers(sim, 60, 150, SGEMM)
    sim.kernel(ADAM, 500, "aten::_fused_adam_")
    sim.item()


def on_tensor_cores(sim: Simulator) -> None:
    layers(sim, 60, 55, TENSOR_GEMM)
    sim.kernel(ADAM, 500, "aten::_fused_adam_")
    sim.item()


def element_by_element(sim: Simulator) -> None:
    for _ in range(20):
        sim.kernel(TENSOR_GEMM, 100)
        layers(sim, 6, 60, RELU)
    sim.item()


def fused(sim: Simulator) -> None:
    for _ in range(20):
        sim.kernel(TENSOR_GEMM, 100)
        sim.kernel("triton_poi_fused_add_mul_relu_0", 75)
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
PAIRS = {
    "sync-point": (fetches_each_step, fetches_rarely),
    "launch-bound": (tiny_kernels, tiny_kernels_replayed),
    "no-copy-overlap": (copies_in_between, copies_ahead),
    "pageable-copy": (from_pageable_memory, from_pinned_memory),
    "many-small-copies": (small_pieces, one_piece),
    "fp32-matmul": (single_precision, on_tensor_cores),
    "unfused-pointwise": (element_by_element, fused),
}
