"""A short step, and what it costs the host: prints CPU seconds of the training thread and wall seconds a step.

With NO_EVENTS set, a recording places no timing events.
"""

import json
import os
import sys
import time

import torch
from common import DEVICE, STEPS, layers, sized, synchronize

if os.environ.get("NO_EVENTS"):
    clock = sys.modules.get("_bottleneck_child.collectors.support.device_clock")
    if clock is not None:
        clock.in_use = lambda: None

ROUNDS, COUNT = 5, STEPS * 3
model = layers(4, sized(1024, 32))
optimizer = torch.optim.SGD(model.parameters(), 1e-4)
parameter = next(model.parameters())
inputs = torch.randn(256, sized(1024, 32), device=DEVICE, dtype=parameter.dtype)
cpu, wall = [], []
for _ in range(ROUNDS):
    synchronize()
    before = time.thread_time(), time.perf_counter()
    for _ in range(COUNT):
        optimizer.zero_grad()
        model(inputs).square().mean().backward()
        optimizer.step()
    cpu.append((time.thread_time() - before[0]) / COUNT)
    synchronize()
    wall.append((time.perf_counter() - before[1]) / COUNT)
print("RESULT", json.dumps({"cpu_seconds": min(cpu[1:]), "wall_seconds": min(wall[1:])}))
