"""What one step of torch's optimizers costs on a CPU: by loop, by foreach, fused. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

_SIZES = (64, 4096, 65536, 1 << 20)  # values of a tensor

#: Microseconds a tensor of these sizes, one thread (torch 2.13, least of many steps). Other machines are faster or
#: slower as a whole: only ratios are used. Between the sizes, and on from them, in proportion on a log scale.
_LOOP = {
    "SGD": (1.7, 2.3, 14.3, 337),
    "SGD momentum": (5.8, 10.3, 58.4, 731),
    "Adam": (22.2, 32.6, 144, 3981),
    "AdamW": (25.6, 35.1, 150, 4629),
    "Adagrad": (13.0, 20.3, 104, 2701),
    "RMSprop": (14.2, 23.3, 120, 2990),
    "NAdam": (28.4, 38.2, 165, 5167),
    "RAdam": (22.2, 29.2, 111, 3331),
    "Adamax": (17.5, 25.1, 114, 1663),
    "Adadelta": (25.0, 39.3, 193, 5030),
}
_FUSED = {
    "SGD": (0.7, 1.3, 17.8, 345),
    "SGD momentum": (1.2, 2.2, 36.7, 533),
    "Adam": (3.4, 5.6, 49.7, 676),
    "AdamW": (3.5, 7.1, 51.5, 780),
    "Adagrad": (3.2, 5.2, 38.5, 527),
}
_FOREACH = {
    "SGD": (1.0, 1.6, 18.2, 336),
    "SGD momentum": (3.6, 5.5, 50.6, 834),
    "Adam": (12.8, 25.1, 281, 4240),
    "AdamW": (15.1, 29.1, 293, 4628),
    "Adagrad": (8.8, 20.6, 422, 5412),
    "RMSprop": (7.1, 13.4, 233, 3906),
    "NAdam": (15.9, 33.1, 322, 5443),
    "RAdam": (16.5, 28.4, 295, 4899),
    "Adamax": (8.8, 20.0, 274, 3838),
    "Adadelta": (12.7, 32.4, 578, 7495),
}
_WAYS = {"loop": _LOOP, "foreach": _FOREACH, "fused": _FUSED}


def cost_us(name: str, way: str, sizes: Iterable[tuple[float, int]]) -> float | None:
    """Microseconds of one step on the machine of the table, for (values, number of tensors); None: not in the table."""
    known = _WAYS[way].get(name)
    if known is None:
        return None
    at = [math.log2(size) for size in _SIZES]
    total = 0.0
    for size, count in sizes:
        beyond = max(1.0, size / _SIZES[-1])  # memory alone
        total += count * beyond * 2.0 ** float(np.interp(math.log2(max(size, 1.0)), at, np.log2(known)))
    return total
