"""Programs that look at what is hooked, in a way that somebody's program or test suite does: they print the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from helpers import bottleneck

#: name -> (modules without which it is skipped, program)
PROGRAMS = {
    "descriptor numbers": ((), "import os\nprint([os.open('/dev/null', os.O_RDONLY) for _ in range(3)])"),
    "signatures": (
        ("pandas",),
        """
import inspect, json, csv
import pandas as pd
early = pd.read_csv
for f in (json.load, json.loads, csv.DictReader.__init__, csv.DictReader.__next__, pd.read_csv,
          pd.read_parquet, pd.concat, pd.DataFrame.merge, pd.DataFrame.apply, pd.DataFrame.iterrows, pd.Series.map):
    print(f.__qualname__, inspect.getfullargspec(f), f.__defaults__, f.__kwdefaults__, f.__module__, vars(f).keys())
    print(f.__code__.co_varnames[:f.__code__.co_argcount], f.__code__.co_freevars, f.__code__.co_flags & 0xAC)
print(pd.io.parsers.readers.read_csv is early, inspect.isgeneratorfunction(pd.DataFrame.iterrows))
""",
    ),
    "sources": (
        ("pandas",),
        """
import inspect, json, pandas as pd
for f in (json.load, json.JSONDecoder.decode, pd.read_csv, pd.DataFrame.merge, pd.DataFrame.apply, pd.concat):
    print(f.__qualname__, len(inspect.getsource(f)), inspect.getsourcelines(f)[1], inspect.getdoc(f)[:40])
""",
    ),
    "identity": (
        ("numpy",),
        """
import io
import numpy as np
known = {np.loadtxt: "loadtxt", np.genfromtxt: "genfromtxt", np.fromfile: "fromfile", np.load: "load"}
class Mine:
    def __array_function__(self, function, types, args, kwargs):
        return known[function]
print(np.loadtxt(io.StringIO("1 2"), like=Mine()), np.genfromtxt(io.StringIO("1 2"), like=Mine()))
print(np.fromfile("/dev/null", like=Mine()), np.loadtxt(io.StringIO("1 2")))
""",
    ),
    "a function replaced by the program": (
        ("pandas",),
        """
import json, pandas as pd
kept = pd.DataFrame.merge
class Frame(pd.DataFrame):
    pass
pd.DataFrame.merge = lambda self, other, **how: "the program's own"
print(Frame({"a": [1]}).merge(None), "merge" in vars(Frame))
pd.DataFrame.merge = kept
print(len(Frame({"a": [1]}).merge(pd.DataFrame({"a": [1]}))))
json.load.__defaults__ = ()
json.load.note = 1
print(json.load.__defaults__, vars(json.load))
""",
    ),
    "errors": (
        ("pandas",),
        """
import json, pandas as pd, warnings
for call in (lambda: pd.read_csv("none.csv"), lambda: pd.read_csv(), lambda: json.loads("{"), lambda: json.load(1),
             lambda: pd.DataFrame.merge(), lambda: pd.read_csv("a", nonsense=1), lambda: pd.concat([])):
    try:
        call()
    except Exception as error:
        print(type(error).__name__, error, error.__context__ is None)
""",
    ),
    "a server": (
        ("uvicorn", "starlette", "httpx"),
        """
import asyncio, contextvars, inspect
import httpx, uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
async def plain(scope, receive, send): pass
config = uvicorn.Config(plain, proxy_headers=False)
config.load()
print(config.loaded_app is plain, inspect.getfullargspec(uvicorn.Config.load))
print(inspect.iscoroutinefunction(Starlette.__call__))
async def home(request):
    return PlainTextResponse(str([variable.name for variable in contextvars.copy_context()]))
async def main():
    transport = httpx.ASGITransport(Starlette(routes=[Route("/", home)]))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        print((await client.get("/")).text)
asyncio.run(main())
""",
    ),
    "a server's error": (
        ("uvicorn", "httpx"),
        """
import threading, time
import httpx, uvicorn
async def fails(scope, receive, send):
    if scope["type"] == "http":
        raise ValueError("on purpose")
config = uvicorn.Config(fails, port=0, log_level="error", lifespan="off")
server = uvicorn.Server(config)
thread = threading.Thread(target=server.run)
thread.start()
while not server.started:
    time.sleep(0.01)
port = server.servers[0].sockets[0].getsockname()[1]
print(httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).text)
server.should_exit = True
thread.join()
""",
    ),
    "deep recursion": (
        (),
        """
import sys, time
def burn(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end: pass
def down(n, seconds):
    if n == 0:
        burn(seconds)
        return 0
    return down(n - 1, seconds) + 1
deepest = 0
for depth in range(900, 1001):
    try: down(depth, 0.0)
    except RecursionError: break
    deepest = depth
# Since Python 3.12 a signal handler has no frames of its own beyond the limit: one must be left.
for margin in range(sys.version_info >= (3, 12), 4):
    print(margin, down(deepest - margin, 0.05) > 0)
""",
    ),
    "methods of a dataset": (
        ("torch",),
        """
import functools
import torch
from torch.utils.data import DataLoader, Dataset
class Cached(Dataset):
    def __len__(self): return 8
    @functools.lru_cache(maxsize=None)
    def __getitem__(self, i): return torch.tensor(float(i))
class Both(Dataset):
    def __len__(self): return 4
    @functools.singledispatchmethod
    def __getitem__(self, i): raise TypeError(type(i).__name__)
    @__getitem__.register
    def _(self, i: int): return f"int {i}"
    @__getitem__.register
    def _(self, i: str): return f"str {i}"
class Base(Dataset):
    def __len__(self): return 4
    def __getitem__(self, i): return i
class Derived(Base): pass
class Failing(Base):
    def __getitem__(self, i): raise KeyError(i)
class Whole(Base):
    def __getitems__(self, indices): return [-i for i in indices]
import weakref
for kind in (Base, Whole):
    data = kind()
    alive, batches = weakref.ref(data), iter(DataLoader(data, batch_size=2))
    print(next(batches).tolist())
    del data, batches
    print(alive() is None)
print([batch.tolist() for batch in DataLoader(Cached(), batch_size=4)], Cached.__getitem__.cache_info())
print(list(DataLoader(Both(), batch_size=2, collate_fn=list)), Both()["a"])
before = {name: set(vars(each)) for name, each in (("Base", Base), ("Derived", Derived))}
loader = DataLoader(Derived(), batch_size=2)
print([batch.tolist() for batch in loader])
Base.__getitem__ = lambda self, i: -i
print([batch.tolist() for batch in loader], {name: sorted(set(vars(each)) ^ before[name])
      for name, each in (("Base", Base), ("Derived", Derived))})
for workers in (0, 1):
    try:
        list(DataLoader(Failing(), num_workers=workers))
    except KeyError as error:
        print(type(error).__name__, "Original Traceback" in str(error))
""",
    ),
    "classes by value": (
        ("torch", "cloudpickle"),
        """
import cloudpickle, torch
from torch.utils.data import DataLoader, Dataset
class Numbers(Dataset):
    def __len__(self): return 400
    def __getitem__(self, i): return torch.tensor([float(i)])
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__(); self.layer = torch.nn.Linear(1, 1)
    def forward(self, x): return self.layer(x)
torch.manual_seed(0)
data, net = Numbers(), Net()
names = [set(vars(each)) for each in (Numbers, Net)]
optimizer = torch.optim.SGD(net.parameters(), 0.0)
for batch in DataLoader(data, batch_size=4):
    net(batch).sum().backward(); optimizer.step()
for value in (data, net):
    pickled = cloudpickle.dumps(value)
    print(len(pickled), b"ottleneck" in pickled)
print([set(vars(each)) == before for each, before in zip((Numbers, Net), names)], sorted(vars(net)), sorted(vars(data)))
""",
    ),
    "signatures of torch": (
        ("torch",),
        """
import inspect, torch
from torch.utils.data import DataLoader
for f in (DataLoader.__init__, DataLoader.__iter__, torch.save, torch.load, torch.optim.Optimizer.__init__,
          torch.distributed.all_reduce, torch.nn.parallel.DistributedDataParallel.__init__):
    print(f.__qualname__, inspect.getfullargspec(f)[:4], f.__defaults__, f.__kwdefaults__, f.__code__.co_varnames[:2])
    print(len(inspect.getsource(f)), inspect.getsourcelines(f)[1])
print(inspect.getfullargspec(torch.nn.Module.__call__)[:3])
""",
    ),
    "where a warning stands": (
        ("torch",),
        """
import warnings, torch
x = torch.ones(2, requires_grad=True)
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    torch.autograd.backward((x * 2).sum(), grad_variables=torch.tensor(1.0))
    torch.utils.data.DataLoader([1], prefetch_factor=None, num_workers=99)
print([(one.filename, one.lineno, one.category.__name__) for one in seen if one.filename == __file__])
""",
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_comes_out_the_same(tmp_path: Path, name: str) -> None:
    needs, program = PROGRAMS[name]
    for module in needs:
        pytest.importorskip(module)
    script = tmp_path / "job.py"
    script.write_text(program)
    words = [sys.executable, str(script)]
    plain = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, timeout=200, check=False)
    assert plain.returncode == 0, plain.stderr
    ran = bottleneck(tmp_path, script)
    assert (ran.code, ran.out) == (plain.returncode, plain.stdout), ran.err
    assert not ran.failed_hooks
    if name == "a server's error":
        assert ran.err.startswith(plain.stderr), (plain.stderr, ran.err)
