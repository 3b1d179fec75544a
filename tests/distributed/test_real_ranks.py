"""Real ranks over gloo: the planted cause on its line, libraries that set up ranks, programs that look closely."""

from __future__ import annotations

import subprocess
import sys

import pytest
from helpers import PIPELINES, bottleneck

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ranks meet over gloo")
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


@pytest.mark.parametrize("name", ["sync-every-micro", "exposed-comm"])
def test_the_planted_cause_comes_first_on_its_line(tmp_path, name):
    script = PIPELINES / name / "slow.py"
    ran = bottleneck(tmp_path, script)
    assert ran.code == 0, ran.err
    assert ran.found[:1] == [name] and ran.diagnosis["run"]["ranks"] == 2, ran.err
    finding = ran.diagnosis["findings"][0]
    assert "# planted" in script.read_text().splitlines()[finding["location"]["line"] - 1]
    assert 0 < finding["gain"]["low"] <= finding["gain"]["share"] <= finding["gain"]["high"] < 1
    assert not [note for note in ran.diagnosis["run"]["notes"] if "switched off" in note]


ACCELERATED = """
import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
unused = DistributedDataParallelKwargs(find_unused_parameters=True)
accelerator = Accelerator(cpu=True, gradient_accumulation_steps=4, kwargs_handlers=[unused])
model = torch.nn.Sequential(torch.nn.Linear(64, 512), torch.nn.ReLU(), torch.nn.Linear(512, 64))
optimizer = torch.optim.SGD(model.parameters(), 0.01)
loader = DataLoader(TensorDataset(torch.randn(2 * 160 * 8, 64)), batch_size=8)
model, optimizer, loader = accelerator.prepare(model, optimizer, loader)  # made here
for (batch,) in loader:
    with accelerator.accumulate(model):
        loss = (model(batch) - batch).square().mean()
        accelerator.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
    total = accelerator.reduce(loss.detach())
if accelerator.is_main_process:
    print(f"{accelerator.num_processes} processes, {total.item():.6f}")
"""


def test_accelerate_exchanges_once_in_an_accumulation_and_says_how_it_is_set_up(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(ACCELERATED)
    ran = bottleneck(tmp_path, *TORCHRUN, script)
    assert ran.code == 0 and ran.out.startswith("2 processes"), ran.err
    assert "sync-every-micro" in [row["detector"] for row in ran.diagnosis["checked"] if row["outcome"] == "fine"]
    noticed = {finding["detector"]: finding for finding in ran.diagnosis["also_noticed"]}
    line = noticed["unused-param-scan"]["location"]["line"]
    assert ACCELERATED.splitlines()[line - 1].endswith("# made here")
    assert ran.diagnosis["run"]["ranks"] == 2 and "GPU" not in ran.err


SPAWNED = """
import os, sys
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

def train(rank, port):
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    torch.set_num_threads(1)
    model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(16, 4))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for step in range(60):
        optimizer.zero_grad()
        model(torch.ones(2, 16) * (rank + 1)).square().mean().backward()
        optimizer.step()
    dist.barrier()
    if rank == 1:
        print(f"weights {sum(p.sum().item() for p in model.parameters()):.6f}", flush=True)
        sys.exit(7)
    dist.destroy_process_group()

if __name__ == "__main__":
    import socket
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    try:
        mp.spawn(train, (port,), nprocs=2)
    except mp.ProcessExitedException as error:
        print("rank", error.error_index, "ended with", error.exit_code)
        sys.exit(error.exit_code)
"""


def test_ranks_that_the_program_starts_itself_are_ranks_and_their_exit_codes_stay(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(SPAWNED)
    ran = bottleneck(tmp_path, script)
    assert ran.code == 7 and "rank 1 ended with 7" in ran.out and "weights" in ran.out, ran.err
    assert ran.diagnosis["run"]["ranks"] == 2 and ran.diagnosis["run"]["steps"] == 59


CLOSE = """
import copy, inspect, pickle
import torch, torch.distributed as dist
from torch._dynamo.utils import counters
from torch.nn.parallel import DataParallel, DistributedDataParallel

dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
print([pickle.loads(pickle.dumps(f)) is f for f in (dist.all_reduce, dist.barrier)])
print(inspect.signature(dist.all_reduce), inspect.signature(DistributedDataParallel))

def total(x):
    y = x * 2
    dist.all_reduce(y)
    return y + 1

compiled = torch.compile(total, backend="eager", fullgraph=True)
print(compiled(torch.ones(2)), total(torch.ones(2)), dict(counters["graph_break"]), dict(counters["stats"]))
torch.manual_seed(0)
model = DistributedDataParallel(torch.nn.Linear(3, 2))
again = pickle.loads(pickle.dumps(model))
print(type(again), sorted(vars(again)) == sorted(vars(model)))
optimizer = torch.optim.SGD(model.parameters(), 0.1)
for step in range(120):
    if step % 2:
        with model.no_sync():
            model(torch.randn(4, 3)).sum().backward()
    else:
        model(torch.randn(4, 3)).sum().backward()
        optimizer.step()
print([p.sum().item() for p in model.parameters()], torch.rand(1), DataParallel(torch.nn.Linear(2, 2)).device_ids)
print(torch.compile(model, backend="eager")(torch.ones(1, 3)))
for wrong in (lambda: dist.all_reduce(3), lambda: DistributedDataParallel(torch.nn.ReLU())):
    try:
        wrong()
    except Exception as error:
        print(type(error), str(error)[:60])
print(dist.all_reduce(torch.ones(2), async_op=True).wait(), dist.barrier())
dist.destroy_process_group()
try:
    dist.barrier()
except ValueError as error:
    print(str(error)[:60])
"""


def test_a_program_that_looks_closely_prints_the_same(tmp_path):
    script = tmp_path / "close.py"
    script.write_text(CLOSE)
    plain = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    ran = bottleneck(tmp_path, script)
    assert plain.returncode == ran.code == 0, plain.stderr + ran.err
    assert ran.out == plain.stdout
    facts = (ran.folder / "tables" / "facts.jsonl").read_text()
    assert '"exchange"' in facts and '"collective"' in facts and '"failed"' not in facts


def test_detach_restores_the_same_objects(tmp_path):
    script = tmp_path / "detach.py"
    script.write_text(
        "import os, torch, torch.distributed as dist\n"
        "from torch.nn.parallel import DataParallel, DistributedDataParallel\n"
        "names = [(dist, 'all_reduce'), (dist.distributed_c10d, 'all_reduce'), (dist, 'barrier'),\n"
        "         (DataParallel, '__init__'), (DistributedDataParallel, '__init__')]\n"
        "state = lambda: [vars(owner)[name].__code__ for owner, name in names]\n"
        "before = state()\n"
        "from bottleneck_profiler.agent import bootstrap as child\n"
        "os.makedirs('run/live')\n"
        "child.start('run', 'stacks=off')\n"
        "assert all(now is not value for now, value in zip(state(), before))\n"
        "child.detach_all()\n"
        "assert state() == before\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
