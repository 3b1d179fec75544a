"""Programs that look closely at what we hook: they print the same with and without us."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from helpers import bottleneck

MODELS = """
import pickle, sys
import cloudpickle, torch
from torch._dynamo.utils import counters

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 3)
    def forward(self, x):
        return self.layer(x).relu()

def graphs(function):
    counters.clear()
    torch._dynamo.reset()
    compiled = torch.compile(function, backend="eager", fullgraph=True)
    for _ in range(3):
        compiled(torch.ones(4, 3))
    return dict(counters["stats"])

def tools():
    print(graphs(net), graphs(lambda x: torch.nn.MSELoss()(net(x), x)))
    dynamic = {"x": {0: torch.export.Dim("batch")}}
    for strict in (False, True):
        program = torch.export.export(net, (torch.ones(4, 3),), dynamic_shapes=dynamic, strict=strict)
        print([node.op for node in program.graph.nodes])
    print(torch.fx.symbolic_trace(net).code, torch.jit.script(net).code)
    print(torch.jit.trace(net, torch.ones(4, 3)).code, torch.vmap(net)(torch.ones(4, 3)).shape)
    copies = cloudpickle.dumps(net), pickle.dumps([torch.save, torch.load, torch.autograd.grad])
    code = "import pickle, sys, torch; print(pickle.load(sys.stdin.buffer)(torch.ones(1, 3)).shape)"
    import os, subprocess
    alone = {k: v for k, v in os.environ.items() if k != "PYTHONPATH" and not k.startswith("BOTTLENECK")}
    print(subprocess.run([sys.executable, "-c", code], input=copies[0], capture_output=True, env=alone).stdout)

torch.manual_seed(0)
net = Net()
tools()
optimizer = torch.optim.SGD(net.parameters(), 0.1)
for _ in range(100):  # by now the root class is known and wrapped
    net(torch.ones(2, 3)).sum().backward()
    optimizer.step()
torch.nn.functional.relu(torch.nn.Linear(3, 3)(torch.ones(1, 3)))
tools()
calls = []
original = torch.nn.Module.__call__
torch.nn.Module.__call__ = lambda self, *a, **k: (calls.append(1), original(self, *a, **k))[1]
fresh = torch.nn.Bilinear(2, 2, 2)
torch.optim.SGD(fresh.parameters(), 0.1).step()
for _ in range(100):
    fresh(torch.ones(1, 2), torch.ones(1, 2))
print(len(calls))
print(net(torch.nested.nested_tensor([torch.ones(2, 3), torch.ones(1, 3)])).is_nested)
"""

LOADERS = """
import inspect, warnings
import numpy as np, torch
from torch.utils.data import DataLoader, Dataset, IterableDataset
warnings.simplefilter("error")

class Counted(IterableDataset):
    def __iter__(self): yield from range(20)
    def __len__(self): return 10 if self.short else 20
class Flags(Dataset):
    def __len__(self): return 10
    def __getitem__(self, idx, double=False): return idx * (2 if double else 1)
class Raw:
    def __len__(self): return 6
    def __getitem__(self, i, raw=False): return ("raw", i) if raw else i
class Derived(Raw):
    def __getitem__(self, i): return super().__getitem__(i, raw=True)[1]
class Frozen(type):
    def __setattr__(cls, name, value): raise AttributeError(name)
class Shut(metaclass=Frozen):
    __slots__ = ()
    def __len__(self): return 4
    def __getitem__(self, i): return i
class Array(Dataset):
    def __init__(self): self.dataset = np.arange(8.0)
    def __len__(self): return 8
    def __getitem__(self, i): return self.dataset[i]
class Equal(DataLoader):
    def __eq__(self, other): return self is other
class Generated(DataLoader):
    def _get_iterator(self):
        for i in range(3): yield i
class Threes:
    __slots__ = ("left",)
    def __init__(self): self.left = 3
    def __iter__(self): return self
    def __next__(self):
        self.left -= 1
        if self.left < 0: raise StopIteration
        return self.left
class Slotted(DataLoader):
    def _get_iterator(self): return Threes()

stream = Counted()
stream.short = False
flags = Flags()
for data in (stream, flags, Raw(), Derived(), Shut(), Array(), list(range(5)), torch.arange(6), np.arange(4)):
    print(type(data).__name__, [batch.tolist() for batch in DataLoader(data, batch_size=2)])
print([b.tolist() for b in Equal([1, 2])], list(Generated([1, 2])), list(Slotted([1])), type(iter(stream)).__name__)
print(sorted(vars(iter(DataLoader([1, 2])))))
print(flags.__getitem__(3, double=True), flags.__getitem__(idx=2), inspect.signature(Flags.__getitem__))
print(torch.Tensor.__getitem__, hasattr(torch.Tensor, "_bottleneck_watched"))
"""

PROCESSES = """
import os, pickle, signal, sys
import torch
from torch.utils.data import DataLoader

model = torch.nn.Linear(4, 4)
optimizer = torch.optim.SGD(model.parameters(), 0.1)
def train(count):
    for _ in DataLoader(list(range(count))):
        model(torch.ones(2, 4)).sum().backward()
        optimizer.step()
train(5)
half = iter(DataLoader(list(range(10))))
next(half)
if os.fork() == 0:
    train(30)
    list(half)
    os._exit(0)
os.wait()
os.closerange(3, 256)  # as a daemon does
with open("mine.txt", "w") as file:
    train(30)
    file.write("mine")
print(open("mine.txt").read())
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
sum(i * i for i in range(2_000_000))
signal.alarm(1)
print(signal.sigwait(signal.valid_signals()) == signal.SIGALRM)
"""


@pytest.mark.parametrize("program", [MODELS, LOADERS, PROCESSES], ids=["models", "loaders", "processes"])
def test_it_prints_the_same(tmp_path: Path, program: str):
    (tmp_path / "alone").mkdir()
    script = tmp_path / "job.py"
    script.write_text(program)
    alone = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, cwd=tmp_path / "alone", check=False
    )
    assert alone.returncode == 0, alone.stderr
    ran = bottleneck(tmp_path, script)
    assert (ran.code, ran.out) == (alone.returncode, alone.stdout), ran.err
    assert not [note for note in ran.diagnosis["run"]["notes"] if "switched off" in note]


def test_a_forked_child_counts_for_itself(tmp_path: Path):
    script = tmp_path / "job.py"
    script.write_text(PROCESSES)
    ran = bottleneck(tmp_path, script)
    from bottleneck_profiler import signals
    from bottleneck_profiler.recording.read import load

    totals = load(ran.folder).totals
    steps: dict[int, int] = {}
    for (process, phase, _), (count, _) in totals.items():
        if phase == signals.OPTIMIZER:
            steps[process] = steps.get(process, 0) + count
    assert sorted(steps.values()) == [30, 35]


INTERPRETERS = """
import threading
try:
    import _interpreters as interpreters
    run = interpreters.exec
except ImportError:
    import _xxsubinterpreters as interpreters
    run = interpreters.run_string
def works():
    made = interpreters.create()
    for _ in range(5):
        run(made, "import os, sys; os.write(1, b'%d' % ('_bottleneck_child' in sys.modules))")
threads = [threading.Thread(target=works) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


@pytest.mark.parametrize("version", ["3.11", "3.13"])
def test_another_interpreter_of_the_process_is_left_alone(tmp_path: Path, version: str) -> None:
    found = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}*/bin/python"))
    if not found:
        pytest.skip(f"no Python {version} here")
    script = tmp_path / "interpreters.py"
    script.write_text(INTERPRETERS)
    ran = bottleneck(tmp_path, found[-1], script)
    assert (ran.code, ran.out) == (0, "0" * 10), ran.err
