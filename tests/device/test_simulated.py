"""The simulated device behaves as a real one does: it computes what the host computes, and it is asynchronous."""

from __future__ import annotations

import sys

from helpers import finished

from .simulated import environment

LEARNS = """
import torch
def losses(device):
    torch.manual_seed(0)
    conv = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.Flatten())
    model = torch.nn.Sequential(conv, torch.nn.Linear(4 * 36, 16), torch.nn.LayerNorm(16), torch.nn.Linear(16, 5))
    images, labels = torch.randn(8, 3, 8, 8), torch.randint(0, 5, (8,))
    model, images, labels = model.to(device), images.to(device), labels.to(device)
    optimizer = torch.optim.AdamW(model.parameters())
    for _ in range(4):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        yield loss.item()
here, there = list(losses("cpu")), list(losses("sim"))
assert here[-1] < here[0] and torch.allclose(torch.tensor(here), torch.tensor(there), atol=1e-4), (here, there)
x = torch.arange(12.0, device="sim").reshape(3, 4)
assert type(x) is torch.Tensor and x.device.type == "sim"
assert type(torch.nn.Linear(1, 1).to("sim").weight) is torch.nn.Parameter
held = torch.sim.memory_allocated()
more = torch.zeros(1000, device="sim") + 1
assert torch.sim.memory_allocated() - held == 4000
del more
assert torch.sim.memory_allocated() == held
assert x.t()[1, 2].item() == 9 and x[x > 5].tolist() == [6, 7, 8, 9, 10, 11] and bool((x > 3).any())
assert torch.func.vmap(lambda row: row.sum())(x).tolist() == [6, 22, 38]
"""

WAITS = """
import torch
from time import monotonic_ns as now, thread_time_ns as cpu
Event, sim = torch.sim.Event, torch.sim
w = torch.ones(64, 64, device="sim")
def work(): return w @ w  # takes the device a while
def waits(call, value):
    before = Event(enable_timing=True); before.record()
    value = value()
    after = Event(enable_timing=True); after.record()
    assert before.query() and not after.query()
    call(value)
    assert after.query() and before.elapsed_time(after) > 140
    return value
waits(lambda value: value.sum().item(), work)
waits(lambda value: value.cpu(), work)
waits(lambda value: value[0].tolist(), work)
waits(lambda value: bool(value[0, 0] > 0), work)
waits(lambda value: value.nonzero(), work)
spent = cpu()
waits(lambda value: sim.synchronize(), work)
assert cpu() - spent > 50_000_000  # it spins
done = Event(enable_timing=True)
work(); done.record()
try:
    done.elapsed_time(done)
except RuntimeError:
    pass
else:
    raise AssertionError
# A copy from pinned memory does not block, one from pageable memory does.
pinned = torch.zeros(64, 64).pin_memory()
assert pinned.is_pinned() and not torch.zeros(1).is_pinned()
done.record(); pinned.to("sim", non_blocking=True); assert not done.query()
done.record(); torch.zeros(64, 64).to("sim", non_blocking=True); assert done.query()
# Two streams work at the same time, unless one waits for the other.
side = sim.Stream()
done.record()
with sim.stream(side):
    assert sim.current_stream() is side
    work()
here, there = Event(), Event()
here.record(); there.record(side)
assert here.query() and not there.query()
sim.current_stream().wait_stream(side); here.record(); assert not here.query()
sim.synchronize()
with sim.Graph() as graph:
    work()
assert not graph.broken
with graph:
    done.query()
assert graph.broken
"""

DEVICES = """
import torch
sim = torch.sim
a = torch.ones(64, 64, device="sim:1")
assert a.device == (a @ a).device == torch.device("sim:1") and sim.current_device() == 0
assert sim.memory_allocated(1) == 64 * 64 * 4 and not sim.memory_allocated()
here, there = sim.Event(), sim.Event()
b = a @ a
here.record(); there.record(sim.current_stream(1))
assert here.query() and not there.query()  # each has its own queue
b = b.to("sim:0")
here.record()
assert b.device.index == 0 and not here.query() and b.sum().item() == 64**3  # a copy waits for its source
with sim.device(1):
    assert sim.current_device() == 1 and torch.zeros(1, device="sim").device.index == 1
with sim.stream(sim.Stream("sim:1")) as side:
    assert sim.current_device() == 1 and sim.current_stream() is side
assert sim.current_device() == 0 and sim.current_stream(1) is sim.default_stream(1)
"""


def run(script: str, **settings: float | str) -> None:
    done = finished([sys.executable, "-W", "error", "-c", script], env=environment(**settings), text=True)
    assert done.returncode == 0, done.stderr


def test_it_learns_as_the_host_does():
    run(LEARNS)


def test_the_host_waits_where_it_would():
    run(WAITS, flops=2 * 64**3 / 0.15, waits="spin")


def test_devices_have_their_own_memory_and_queues():
    run(DEVICES, flops=2 * 64**3 / 0.15, devices=2)
