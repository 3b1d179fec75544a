"""Trains a tagger on two ranks; DistributedDataParallel averages the gradients."""

import os
import sys

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.mix = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x):
        return x + self.mix(self.norm(x))


class Tagger(nn.Module):
    def __init__(self, width=64, depth=8):
        super().__init__()
        self.words = nn.Embedding(2000, width)
        self.blocks = nn.Sequential(*(Block(width) for _ in range(depth)))
        self.tags = nn.Linear(width, 12)

    def forward(self, words):
        return self.tags(self.blocks(self.words(words)))


def sentences():
    random = torch.Generator().manual_seed(0)
    words = torch.randint(0, 2000, (6400, 24), generator=random)
    return TensorDataset(words, words % 12)


def main():
    dist.init_process_group("gloo")
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = DistributedDataParallel(Tagger())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    data = sentences()
    loader = DataLoader(data, batch_size=16, sampler=DistributedSampler(data))
    total = 0.0
    for words, tags in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(words).flatten(0, 1), tags.flatten())
        loss.backward()
        optimizer.step()
        total += loss.item()
    if dist.get_rank() == 0:
        print(f"mean loss {total / len(loader):.3f}")
    dist.barrier()  # nobody leaves while another still talks
    dist.destroy_process_group()


if __name__ == "__main__":
    if "RANK" not in os.environ:
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        os.execv(sys.executable, [*launcher, os.path.abspath(__file__)])
    main()
