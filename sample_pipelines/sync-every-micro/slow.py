"""Trains an autoencoder on two ranks with gradients accumulated over four batches; each batch exchanges them."""

import os
import sys

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

ACCUMULATE = 4


def spectra():
    random = torch.Generator().manual_seed(0)
    return TensorDataset(torch.randn(9_600, 384, generator=random))


def main():
    dist.init_process_group("gloo")
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = DistributedDataParallel(
        nn.Sequential(nn.Linear(384, 1536), nn.GELU(), nn.Linear(1536, 1536), nn.GELU(), nn.Linear(1536, 384))
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    data = spectra()
    loader = DataLoader(data, batch_size=16, sampler=DistributedSampler(data))
    total = 0.0
    for step, (batch,) in enumerate(loader):
        loss = nn.functional.mse_loss(model(batch), batch) / ACCUMULATE
        loss.backward()  # planted
        total += loss.item()
        if (step + 1) % ACCUMULATE == 0:
            optimizer.step()
            optimizer.zero_grad()
    if dist.get_rank() == 0:
        print(f"mean loss {total * ACCUMULATE / len(loader):.3f}")
    dist.barrier()  # nobody leaves while another still talks
    dist.destroy_process_group()


if __name__ == "__main__":
    if "RANK" not in os.environ:
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        os.execv(sys.executable, [*launcher, os.path.abspath(__file__)])
    main()
