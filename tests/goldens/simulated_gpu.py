"""A training loop beside a simulated accelerator: it tells the fake NVML library when the device would be busy.

Run by regenerate.py with the library of tests/host/fake_nvml.c: ``simulated_gpu.py SECONDS_OF_WAIT``.
"""

import os
import sys
import time

import bottleneck_profiler as bp
import torch

WAIT_SECONDS, WORK_SECONDS, STEPS = float(sys.argv[1]), 0.12, 60
SCRIPT = os.environ["FAKE_NVML"]


def device_is(percent):
    """What the library answers from now on; replaced in one piece, since it is read at any time."""
    with open(SCRIPT + ".new", "w") as file:
        file.write("count 1\ngpu0.uuid GPU-0\ngpu0.name Simulated accelerator\n")
        file.write(f"gpu0.utilization {percent}\ngpu0.memory 4000000000 16000000000\n")
    os.replace(SCRIPT + ".new", SCRIPT)


def stream():
    """Batches of a source outside of this machine."""
    for _ in range(STEPS):
        device_is(0)
        time.sleep(WAIT_SECONDS)
        device_is(96)
        yield torch.randn(16, 8)


model = torch.nn.Linear(8, 1)
optimizer = torch.optim.SGD(model.parameters(), 0.01)
for batch in bp.steps(stream()):
    loss = model(batch).square().mean()
    loss.backward()
    optimizer.zero_grad()
    until = time.monotonic() + WORK_SECONDS  # stands for the device's work, which the host waits for
    while time.monotonic() < until:
        loss = model(batch).square().mean()
        loss.backward()
    optimizer.step()
