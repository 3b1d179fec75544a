"""The phase that a sample of a training loop carries."""

from __future__ import annotations

import sys

import pytest
from bottleneck_profiler import signals

from collectors.children import Run

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="POSIX timers on a CPU clock")

LOOP = """
import torch
def busy():
    sum(range(8000))
def forward():
    busy()
def loss():
    busy()
def backward():
    busy()
def update():
    busy()
class Twice(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        return x * 2
    @staticmethod
    def backward(context, gradient):
        backward()
        return gradient * 2
class Net(torch.nn.Linear):
    def forward(self, x):
        forward()
        return Twice.apply(super().forward(x))
class SGD(torch.optim.SGD):
    def step(self):
        update()
        super().step()
def lossy(self, result, truth):
    loss()
    return (result - truth).square().mean()
torch.nn.MSELoss.forward = lossy
model, criterion = Net(2, 2), torch.nn.MSELoss()
optimizer, x = SGD(model.parameters(), 0.01), torch.zeros(2, 2)
for step in range(3000):
    optimizer.zero_grad()
    criterion(model(x), x).backward()
    optimizer.step()
"""


def test_a_sample_of_a_step_that_is_not_recorded_in_full_carries_its_phase(tmp_path):
    run = Run(tmp_path, LOOP)
    assert run.result.returncode == 0, run.result.stderr
    expected = {
        "forward": signals.FORWARD,
        "loss": signals.NONE,
        "backward": signals.BACKWARD,
        "update": signals.OPTIMIZER,
    }
    for function, phase in expected.items():
        whole = run.seconds(signals.STACK_CPU, function)
        assert whole > 0.1 and run.seconds(signals.STACK_CPU, function, phase) > 0.9 * whole, function
