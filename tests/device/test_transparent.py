"""A program on a device notices nothing: compile counters, vmap, fake tensors, subclasses and random numbers."""

from __future__ import annotations

import sys

from helpers import finished

from .simulated import environment, recorded

SCRIPT = """
import sys, torch
from collections import Counter
from torch._dynamo.utils import counters
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.data import DataLoader, TensorDataset

class Logged(torch.Tensor):
    calls = Counter()

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        cls.calls[getattr(function, "__name__", str(function))] += 1
        return super().__torch_function__(function, types, args, kwargs or {})

class Moves(torch.nn.Sequential):
    def forward(self, x):
        self[0].to(x.device)
        return super().forward(x)

torch.manual_seed(0)
device = "sim"
data = TensorDataset(torch.randn(320, 16), torch.randint(0, 4, (320,)))
model = Moves(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 4)).to(device)
compiled = torch.compile(model, backend="eager")
optimizer = torch.optim.Adam(model.parameters())
losses = []
for x, y in DataLoader(data, batch_size=16, shuffle=True):
    x, y = x.to(device), y.to(device)
    optimizer.zero_grad()
    loss = torch.nn.functional.cross_entropy(compiled(x), y)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    losses.append(round(loss.item(), 5))
logged = x.as_subclass(Logged)
model(logged).sum().backward()
print(losses, sorted(Logged.calls.items()))
print({name: dict(found) for name, found in counters.items() if name in ("stats", "graph_break", "frames")})
print([round(value, 4) for value in torch.func.vmap(lambda row: row.sum())(x).tolist()])
with FakeTensorMode() as mode:
    print(mode.from_tensor(x).sum(0).shape)
print(torch.rand(1).item(), type(loss), torch.Tensor.item, torch.Tensor.cpu, torch.Tensor.to, sys.gettrace())
print(model.to(torch.float64) is model, model.to.__name__, next(model.parameters()).dtype)
"""


def test_the_program_gives_the_same_with_and_without_us(tmp_path):
    ran = recorded(tmp_path, SCRIPT)
    alone = finished([sys.executable, tmp_path / "train.py"], env=environment(), text=True)
    assert alone.returncode == 0, alone.stderr
    assert ran.code == 0, ran.err
    assert alone.stdout.splitlines() == ran.out.splitlines()[: len(alone.stdout.splitlines())]
    assert "calls_captured" in alone.stdout and "linear" in alone.stdout
