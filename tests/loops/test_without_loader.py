"""Loops without a DataLoader: what feeds the model is the input, and what follows it is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import bottleneck

GENERATOR = """
import time, torch
torch.set_num_threads(1)
def stream(count):
    for number in range(count):
        time.sleep(0.02)  # the cause
        yield torch.randn(8, 16)
model = torch.nn.Linear(16, 2)
optimizer = torch.optim.SGD(model.parameters(), 0.1)
for batch in stream(100):
    optimizer.zero_grad()
    model(batch).square().mean().backward()
    optimizer.step()
"""

SCORING = """
import torch
torch.set_num_threads(1)
def load(number):
    total = 0
    for i in range(150_000):
        total += i * number  # the cause
    return torch.full((1, 16), float(total % 7))
def main():
    model = torch.nn.Linear(16, 2).eval()
    with torch.inference_mode():
        for number in range(150):
            x = load(number)
            y = model(x)
            if torch.isnan(y).any():
                break
main()
"""

LOSS = """
import torch
torch.set_num_threads(1)
def contrast(a, b):
    total = 0.0
    for i in range(len(a)):
        for j in range(len(b)):
            total = total + (a[i] * b[j]).sum().exp() / 1e3
    return total
model = torch.nn.Linear(16, 8)
optimizer = torch.optim.SGD(model.parameters(), 1e-4)
data = torch.randn(120, 2, 12, 16)
for pair in data:
    a, b = model(pair[0]), model(pair[1])
    loss = contrast(a, b)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


@pytest.mark.parametrize(
    ("program", "causes"),
    [
        (GENERATOR, {"input-wait"}),
        # With an idle core another process should load; without one, less work is all that helps.
        (SCORING, {"input-wait", "cpu-bound-decode"}),
    ],
    ids=["generator", "offline scoring"],
)
def test_the_loop_that_makes_its_own_batches(tmp_path: Path, program: str, causes: set[str]):
    script = tmp_path / "job.py"
    script.write_text(program)
    ran = bottleneck(tmp_path, script)
    assert ran.code == 0 and ran.found and ran.found[0] in causes, ran.err
    line = ran.diagnosis["findings"][0]["location"]["line"]
    assert "range(150_000)" in program.splitlines()[line - 1] or "# the cause" in program.splitlines()[line - 1]


def test_a_loss_written_in_python_is_part_of_the_training(tmp_path: Path):
    script = tmp_path / "job.py"
    script.write_text(LOSS)
    ran = bottleneck(tmp_path, script)
    assert ran.code == 0 and ran.found == [], ran.err
    assert ran.diagnosis["verdict"] == "fine"
