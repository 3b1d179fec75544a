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

REPLAY = """
import collections, random, torch
torch.set_num_threads(1)
policy = torch.nn.Linear(64, 4)
optimizer = torch.optim.SGD(policy.parameters(), 0.01)
memory = collections.deque(maxlen=1000)
state = torch.randn(64)
for turn in range(400):
    with torch.no_grad():
        action = int(policy(state).argmax())
    state = state.roll(action)
    memory.append((state.tolist(), action, random.random()))
    if len(memory) < 100:
        continue
    batch = random.sample(memory, 64)
    rewards = torch.tensor([item[2] for item in batch])
    states = torch.tensor([[v * 0.5 + 0.1 for v in item[0]] for item in batch for _ in range(5)])[::5]  # the cause
    chosen = policy(states).gather(1, torch.tensor([item[1] for item in batch])[:, None])[:, 0]
    loss = (chosen - rewards).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
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
        # The policy acts before it learns: what stands after that forward feeds the next one.
        (REPLAY, {"input-wait", "cpu-bound-decode"}),
    ],
    ids=["generator", "offline scoring", "replay"],
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
