"""Kernels in the traced steps, classified by name: matrix products, element-wise work, chains. Pure.

The names are those of cuBLAS, cuDNN, CUTLASS, Triton and torch's own kernels. An unrecognized name is "other".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .window import Device

#: Matrix products and convolutions that run on tensor cores; most of the first line comes from kineto's tb_plugin.
_TENSOR_CORES = re.compile(
    r"[hs]884|[hs]1688|16816|i8816|hmma|imma|xmma_sparse|"
    r"tensorop|wgmma|gmma|warpgroup|tf32|bf16|f16f16|fp16|hgemm|nvjet"
)
_ATTENTION = re.compile(r"flash_|flash::|fmha")  # existing attention kernels run on tensor cores
#: Kernels known to compute in single precision without tensor cores.
_FP32 = re.compile(r"sgemm|scudnn|simt_s|ffma|f32f32_f32f32")
_MATRIX = re.compile(r"gemm|gemv|conv|wgrad|dgrad|winograd|[sh]\d*cudnn|cutlass|nvjet|matmul")
_POINTWISE = re.compile(
    r"elementwise_kernel|layer_?norm|batch_?norm|bn_fw|bn_bw|group_?norm|rms_?norm|softmax|dropout|catarray"
)
_FUSED = re.compile(r"multi_tensor_apply|triton_|fused|foreach")  # one launch does the work of many
_CHAIN = 3  # this many in a row, with nothing in between


@dataclass(frozen=True)
class DeviceKernels:
    """Seconds per step of the device's kernels. ``count``: kernels per step; ``typical_seconds``: the median kernel.

    ``fp32_matrix_seconds``, ``tensor_matrix_seconds``: matrix work without and with tensor cores;
    ``unknown_matrix_seconds``: could be either. ``pointwise_seconds``: element-wise work and norms; ``chains_seconds``:
    the part of it in back-to-back kernels; ``chained_seconds``: what would remain of that if each chain were a single
    pass over memory. ``chain_kernel_seconds``: the median kernel in a chain.
    """

    count: float
    typical_seconds: float
    total_seconds: float
    fp32_matrix_seconds: float
    tensor_matrix_seconds: float
    unknown_matrix_seconds: float
    pointwise_seconds: float
    chains_seconds: float
    chained_seconds: float
    kernels_per_chain: float
    chain_kernel_seconds: float
    largest_fp32: str

    @classmethod
    def compute(cls, device: Device) -> DeviceKernels:
        rows = device.of("kernel")
        names = device.rows["name"][rows]
        kinds = np.array([kind_of(name) for name in device.names] or [""])[names]
        seconds = device.seconds(rows)
        per_step = {kind: float(seconds[kinds == kind].sum()) / device.steps for kind in KINDS}
        lengths, whole, median = _chains(device, rows, kinds == "pointwise", seconds)
        fp32 = np.bincount(names, weights=seconds * (kinds == "fp32"), minlength=1)
        return cls(
            count=len(rows) / device.steps,
            typical_seconds=float(np.median(seconds)) if len(rows) else 0.0,
            total_seconds=float(seconds.sum()) / device.steps,
            fp32_matrix_seconds=per_step["fp32"],
            tensor_matrix_seconds=per_step["tensor"],
            unknown_matrix_seconds=per_step["matrix"],
            pointwise_seconds=per_step["pointwise"],
            chains_seconds=float(whole.sum()) / device.steps,
            chained_seconds=float((whole / lengths).sum()) / device.steps,
            kernels_per_chain=float(lengths.mean()) if len(lengths) else 0.0,
            chain_kernel_seconds=median,
            largest_fp32=device.names[int(np.argmax(fp32))] if per_step["fp32"] else "",
        )


KINDS = ("fp32", "tensor", "matrix", "pointwise", "other")


def kind_of(name: str) -> str:
    """What a kernel does, judged by its name. ``matrix``: a matrix product, but the name does not say how."""
    lower = name.lower()
    if _FUSED.search(lower):
        return "other"
    if _ATTENTION.search(lower):
        return "tensor"
    if _POINTWISE.search(lower):
        return "pointwise"
    if _MATRIX.search(lower) and "convert" not in lower:
        if _TENSOR_CORES.search(lower):
            return "tensor"
        return "fp32" if _FP32.search(lower) else "matrix"
    return "other"


def _chains(
    device: Device, rows: npt.NDArray[np.int64], pointwise: npt.NDArray[np.bool_], seconds: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], float]:
    """(kernels, seconds) of each chain of element-wise kernels on one stream, and the median kernel in the chains."""
    order = np.argsort(device.rows["lane"][rows], kind="stable")
    mine, taken, lanes = pointwise[order], seconds[order], device.rows["lane"][rows][order]
    follows = mine & np.append(False, mine[:-1]) & np.append(False, lanes[1:] == lanes[:-1])
    number = np.cumsum(~follows)
    length = np.bincount(number, weights=mine.astype(float)).astype(float)
    whole = np.bincount(number, weights=taken).astype(float)
    long = length >= _CHAIN
    median = float(np.median(taken[long[number]])) if long.any() else 0.0
    return length[long], whole[long], median
