"""Two ranks: the first saves now and then while the other waits, the loss is averaged once in ten steps. Healthy."""

import os
import sys
import tempfile

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset


def main():
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    layers = nn.Conv1d(8, 32, 9, padding=4), nn.GELU(), nn.Conv1d(32, 32, 9, padding=4), nn.Flatten()
    model = DistributedDataParallel(nn.Sequential(*layers, nn.Linear(32 * 256, 4)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    data = TensorDataset(torch.randn(6400, 8, 256), torch.randint(0, 4, (6400,)))
    loader = DataLoader(data, batch_size=32, sampler=DistributedSampler(data))
    with tempfile.TemporaryDirectory() as folder:
        for epoch in range(2):
            for step, (signal, label) in enumerate(loader):
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(model(signal), label)
                loss.backward()
                optimizer.step()
                if step % 10 == 0:
                    average = loss.detach().clone()
                    dist.all_reduce(average)
            if rank == 0:
                print(f"epoch {epoch}: {average.item() / 2:.3f}")
                torch.save(model.module.state_dict(), os.path.join(folder, f"{epoch}.pt"))
            dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    if "RANK" not in os.environ:
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        os.execv(sys.executable, [*launcher, os.path.abspath(__file__)])
    main()
