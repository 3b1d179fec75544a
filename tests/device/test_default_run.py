"""A default run of a program on a device: the host's waiting is told apart, and the device is left alone."""

from __future__ import annotations

import json

import numpy as np
from bottleneck_profiler import signals
from bottleneck_profiler.recording.facts import Carried, DeviceInUse, DeviceMemory, ModelMoved
from bottleneck_profiler.recording.read import load

from .simulated import recorded

HEAD = """
import gc, os, threading, time, torch
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
data = TensorDataset(torch.randn(3200, 32), torch.randint(0, 10, (3200,)))
loss_of = torch.nn.functional.cross_entropy
def net():
    return torch.nn.Sequential(torch.nn.Linear(32, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10))
def train(device, model, steps, after=lambda loss: None):
    model = model.to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for step, (x, y) in enumerate(DataLoader(data, batch_size=32)):
        loss = loss_of(model(x.to(device)), y.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        after(loss)
        if step == steps:
            break
"""

ITEM = """
total = []
train("sim", net(), 40, lambda loss: total.append(loss.item()))
"""

CAPTURES = """
destroyed = []
class Destroyed(torch.sim.Event):
    def __del__(self):
        destroyed.append(os.getpid())
torch.sim.Event = Destroyed
train("cpu", net(), 30)
assert torch.sim.Event.made == 0, "it was used before the program did"
train("sim", net(), 20)
made = torch.sim.Event.made
assert made > 0
if not os.fork():  # as a DataLoader's worker begins
    for x, y in DataLoader(data, batch_size=32):
        net()(x)
    gc.collect()
    os._exit(len(destroyed))
assert os.wait()[1] == 0
graphs = []
def capture():
    while len(graphs) < 20:
        graphs.append(torch.sim.Graph())
        with graphs[-1]:
            time.sleep(0.02)
        time.sleep(0.01)
thread = threading.Thread(target=capture)
thread.start()
while thread.is_alive():
    train("sim", net(), 20)
with torch.sim.Graph() as here:
    train("sim", net(), 5)
print(sum(graph.broken for graph in graphs), here.broken, len(graphs))
"""


def test_waiting_for_a_big_model_is_neither_a_finding_nor_a_slow_line(tmp_path):
    ran = recorded(tmp_path, HEAD + ITEM, flops=2e7)
    assert ran.code == 0, ran.err
    recording = load(ran.folder)
    assert [fact.name for _, fact in recording.facts.of(DeviceInUse)] == ["sim"]
    memory = [fact for _, fact in recording.facts.of(DeviceMemory)]
    assert all(0 < fact.allocated_bytes <= fact.peak_bytes < fact.total_bytes for fact in memory)
    batches = {(fact.bytes, fact.pinned) for _, fact in recording.facts.of(Carried)}
    assert batches == {(32 * 32 * 4 + 32 * 8, False)}
    moved = [(fact.bytes, fact.name, fact.index) for _, fact in recording.facts.of(ModelMoved)]
    assert moved == [(4 * (33 * 256 + 257 * 10), "sim", 0)]  # once, before the loop
    assert (recording.events["kind"] == signals.H2D).sum() == 1
    (use,) = json.loads((ran.folder / "diagnosis.json").read_text())["devices"]
    assert use["model_bytes"] == moved[0][0]
    steps = {name: column[3:].sum() for name, column in recording.steps.items() if name in signals.PHASES}
    assert steps["sync"] > 0.5 * sum(steps.values()), steps
    assert steps["other"] < 0.2 * sum(steps.values()), steps
    waiting = recording.stacks[(recording.stacks["flags"] & 0xFF) == signals.SYNC]
    lines = [recording.facts.stacks[0, int(stack)] for stack in waiting["arg"]]
    users = {next((frame.line for frame in frames if frame.user), 0) for frames in lines}
    here = HEAD.splitlines().index("        loss = loss_of(model(x.to(device)), y.to(device))") + 1
    assert users & {here, len(HEAD.splitlines()) + 3}, users  # copies from pageable memory, and item()
    assert not set(ran.found) & {"residual-python", "hot-python", "sync-point", "hot-logging"}, ran.found


def test_nothing_touches_the_device_too_early_or_while_a_graph_is_captured(tmp_path):
    ran = recorded(tmp_path, HEAD + CAPTURES)
    assert ran.code == 0, ran.err
    assert ran.out.split()[:3] == ["0", "False", "20"]
    marks = load(ran.folder).marks
    stretches = np.unique(marks["arg"] & np.uint64((1 << signals.WAITED_AT) - 1))
    assert len(stretches) > 5 and len(marks) > 3 * len(stretches)  # it goes on after each capture


TEACHER = """
teacher = net().to("sim:1").eval()
side = torch.sim.Stream("sim:1")
student = net().to("sim:0")
optimizer = torch.optim.SGD(student.parameters(), lr=0.01)
for x, y in DataLoader(data, batch_size=32):
    with torch.no_grad(), torch.sim.stream(side):
        hints = teacher(x.to("sim:1")).softmax(1).to("sim:0")
    torch.sim.current_stream().wait_stream(side)
    loss = loss_of(student(x.to("sim:0")), hints)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(torch.sim.current_device(), torch.sim.device_count())
"""


def test_a_second_device_has_an_entry_and_no_figures(tmp_path):
    ran = recorded(tmp_path, HEAD + TEACHER, flops=2e9, devices=2)
    assert ran.code == 0, ran.err
    assert ran.out.split()[:2] == ["0", "2"]
    first, second = json.loads((ran.folder / "diagnosis.json").read_text())["devices"]
    assert (first["index"], first["name"], first["basis"]) == (0, "sim", "events")
    assert (second["index"], second["basis"], second["busy_share"]) == (1, "not-measured", None)
