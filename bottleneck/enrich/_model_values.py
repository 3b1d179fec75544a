"""What the model's process knows of tensors and of the machine. Used by ``_model_worker.py`` alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

Given = tuple[tuple[Any, ...], dict[str, Any]]


def rows_of(torch: Any, given: Given) -> int:
    """The leading dimension of the first tensor with two or more; 0 without one."""
    first = next(iter(tensors_of(torch, given)), None)
    return int(first.shape[0]) if first is not None and first.dim() > 1 else 0


def grown(torch: Any, tensor: Any, rows: int, to: int) -> Any:
    """The tensor with its rows repeated, if ``rows`` is what it has of them."""
    if tensor.dim() < 1 or tensor.shape[0] != rows:
        return tensor
    return tensor.index_select(0, torch.arange(to) % rows)


def mapped(torch: Any, value: Any, change: Callable[[Any], Any]) -> Any:
    """``value`` with every tensor in it changed."""
    if isinstance(value, torch.Tensor):
        return change(value)
    if type(value) in (tuple, list):
        return type(value)(mapped(torch, each, change) for each in value)
    if type(value) is dict:
        return {key: mapped(torch, each, change) for key, each in value.items()}
    return value


def tensors_of(torch: Any, value: Any, depth: int = 5) -> list[Any]:
    """The tensors in containers and in the objects that models return, in order."""
    if isinstance(value, torch.Tensor):
        return [value]
    if not depth:
        return []
    if isinstance(value, dict):
        inner = list(value.values())
    elif isinstance(value, (list, tuple)):
        inner = list(value)
    else:
        inner = list(getattr(value, "__dict__", {}).values())
    return [tensor for each in inner for tensor in tensors_of(torch, each, depth - 1)]


def drift(
    torch: Any, before: list[list[Any]], after: list[list[Any]]
) -> tuple[float | None, float | None, float | None]:
    """(largest difference, the same relative to the largest output, share of rows with the same argmax)."""
    most, scale, same, rows = 0.0, 0.0, 0, 0
    for old, new in zip(before, after, strict=True):
        if len(old) != len(new):
            return None, None, None
        first = True
        for one, other in zip(old, new, strict=True):
            if one.shape != other.shape:
                return None, None, None
            if not one.is_floating_point() or not one.numel():
                continue
            one, other = one.double(), other.double()
            most = max(most, float((one - other).abs().max()))
            scale = max(scale, float(one.abs().max()))
            if first and one.dim() and one.shape[-1] > 1:
                equal = one.argmax(-1) == other.argmax(-1)
                same, rows, first = same + int(equal.sum()), rows + equal.numel(), False
    if not math.isfinite(most) or not scale:
        return None, None, None
    return most, most / scale, same / rows if rows else None


def bf16_flags(path: Path) -> bool:
    """Whether the CPU computes in bf16."""
    try:
        text = path.read_text("ascii", "replace")
    except OSError:
        return False
    lines = (line.partition(":") for line in text.splitlines())
    flags = {flag for name, _, found in lines if name.strip() in ("flags", "Features") for flag in found.split()}
    return bool(flags & {"avx512_bf16", "amx_bf16", "avx_ne_convert", "bf16"})


def cache_bytes() -> int:
    """The CPU's largest cache; 0 if the kernel does not say."""
    sizes = [0]
    for path in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        text = path.read_text().strip()
        factor = {"K": 1 << 10, "M": 1 << 20}.get(text[-1:], 1)
        sizes.append(int(text.rstrip("KM") or 0) * factor)
    return max(sizes)


def main_type(module: Any) -> str:
    """Of most weights."""
    counts: dict[str, int] = {}
    for weight in module.parameters():
        kind = str(weight.dtype).rpartition(".")[2]
        counts[kind] = counts.get(kind, 0) + weight.numel()
    return max(counts, key=lambda kind: counts[kind]) if counts else ""
