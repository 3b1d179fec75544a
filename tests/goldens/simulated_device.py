"""A training loop beside a simulated accelerator whose work is written into torch.profiler's own trace.

Run by regenerate.py as ``simulated_device.py SIGNATURE [fixed]`` with ``--device-window``: the host's trace and the
clock are real, and the made-up program of tests/device/programs.py is played in each traced step.
"""

import json
import os
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from device import programs, simulator

RUN_SECONDS, SETTLING = 15, 6
program = programs.GOLDENS[sys.argv[1]][len(sys.argv) > 2]
STEP_SECONDS = simulator.step_time(program) / 1e6
STEPS = round(RUN_SECONDS / STEP_SECONDS)
BYTES = sys.argv[1] == "wide-dtype-transfer" and len(sys.argv) == 2
export = torch.profiler.profile.export_chrome_trace


class Batches(torch.utils.data.Dataset):
    """Batches that lie in memory."""

    images = (torch.randint(0, 256, (16, 3, 512, programs.IMAGES // 98304)) / 255) if BYTES else torch.randn(16, 8)

    def __len__(self):
        return STEPS

    def __getitem__(self, index):
        return self.images


def with_device(profiler, path):
    """Export, and add what the device would have done in each step."""
    export(profiler, path)
    found = json.loads(Path(path).read_text())
    events = [event for event in found["traceEvents"] if event.get("cat") != "cpu_op"]
    marks = [event["ts"] for event in events if event["name"] == "bottleneck.clock"]
    made = simulator.Simulator(marks[0] - SETTLING * STEP_SECONDS * 1e6, os.getpid())
    for _ in range(SETTLING):
        program(made)
    for mark in marks:
        made.host = max(made.host, mark)
        program(made)
    found["traceEvents"] = events + [event for event in made.events if event["ts"] >= marks[0]]
    found["deviceProperties"] = [simulator.PROPERTIES]
    Path(path).write_text(json.dumps(found))


class Model(torch.nn.Module):
    """As long as the device's step takes."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(8, 1)
        self.began = time.monotonic()

    def forward(self, batch):
        time.sleep(max(0.0, self.began + STEP_SECONDS - time.monotonic()))
        self.began = time.monotonic()
        return self.layer(batch)


torch.profiler.profile.export_chrome_trace = with_device
device = torch.device("cpu")
model = Model()
optimizer = torch.optim.SGD(model.parameters(), 0.01)
total = 0.0
for batch in torch.utils.data.DataLoader(Batches(), batch_size=None):
    batch = batch.to(device)
    loss = model(batch.view(-1, 8)[:16]).square().mean()
    optimizer.zero_grad()
    loss.backward()
    total += loss.item()
    optimizer.step()
