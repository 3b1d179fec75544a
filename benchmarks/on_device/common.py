"""What the programs of this folder share: the device, sizes that suit it, and the time of a step."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable

import torch

DEVICE = os.environ.get("DEVICE") or ("cuda" if torch.cuda.is_available() else "cpu")
BIG = DEVICE == "cuda"  # anything else only shows that the program works
STEPS = int(os.environ.get("STEPS", "150" if BIG else "60"))  # beside those of the window, at least 20 must be judged
HALF = torch.bfloat16 if BIG else torch.float32
_WARM_UP = 10


def sized(big: int, small: int) -> int:
    """``big`` on a real device."""
    return big if BIG else small


def synchronize() -> None:
    """Wait until the device has done everything."""
    module = getattr(torch, DEVICE)
    if hasattr(module, "synchronize"):
        module.synchronize()


class Clock:
    """``step()`` after each step; ``seconds``: of one step after the first ten, work of the device included."""

    def __init__(self) -> None:
        self._count = 0
        self._began = 0.0

    def step(self) -> None:
        self._count += 1
        if self._count == _WARM_UP:
            synchronize()
            self._began = time.perf_counter()

    @property
    def seconds(self) -> float:
        synchronize()
        return (time.perf_counter() - self._began) / (self._count - _WARM_UP)


def layers(count: int, width: int, dtype: torch.dtype = HALF) -> torch.nn.Module:
    """A stack of square matrix products, on the device."""
    stack = [layer for _ in range(count) for layer in (torch.nn.Linear(width, width), torch.nn.ReLU())]
    return torch.nn.Sequential(*stack).to(DEVICE, dtype)


def run(main: Callable[[bool], float]) -> None:
    """Run the program as the command line says, ``slow``, ``fixed`` or both in turn, and print the time of a step."""
    for name in sys.argv[1:] or ["slow"]:
        torch.manual_seed(0)
        print("RESULT", json.dumps({name: main(name == "fixed")}), flush=True)
