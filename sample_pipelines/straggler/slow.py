"""Trains a sentence classifier on two ranks; the sentences lie sorted by length, and each rank takes its half."""

import os
import sys

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, Dataset


def share(indices, rank, world_size):
    size = len(indices) // world_size
    return indices[rank * size : (rank + 1) * size]


class Sentences(Dataset):
    def __init__(self, rank, world_size):
        random = torch.Generator().manual_seed(0)
        lengths = torch.randint(8, 120, (3200,), generator=random).sort().values.tolist()
        self.mine = share(lengths, rank, world_size)

    def __len__(self):
        return len(self.mine)

    def __getitem__(self, index):
        length = self.mine[index]
        return torch.arange(length) * 7 % 1000, length % 4


def pad(items):
    words = nn.utils.rnn.pad_sequence([words for words, _ in items], batch_first=True)
    return words, torch.tensor([label for _, label in items])


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(1000, 64)
        self.reader = nn.GRU(64, 96, batch_first=True)
        self.label = nn.Linear(96, 4)

    def forward(self, words):
        return self.label(self.reader(self.words(words))[0].mean(dim=1))


def main():
    dist.init_process_group("gloo")
    rank, world_size = dist.get_rank(), dist.get_world_size()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = DistributedDataParallel(Classifier())
    optimizer = torch.optim.Adam(model.parameters())
    loader = DataLoader(Sentences(rank, world_size), batch_size=16, collate_fn=pad)  # planted
    for epoch in range(2):
        total = 0.0
        for words, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(words), labels)
            loss.backward()
            optimizer.step()
            total += loss.item()
        if rank == 0:
            print(f"epoch {epoch}: {total / len(loader):.3f}")
    dist.barrier()  # nobody leaves while another still talks
    dist.destroy_process_group()


if __name__ == "__main__":
    if "RANK" not in os.environ:
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        os.execv(sys.executable, [*launcher, os.path.abspath(__file__)])
    main()
