"""A loop by hand in which Accelerate has prepared the model, the optimizer and the loader."""

import sys
import time

import torch
from accelerate import Accelerator
from torch import nn
from torch.utils.data import DataLoader, Dataset

DELAY = float(sys.argv[1])


class Noise(Dataset):
    def __len__(self):
        return 1920

    def __getitem__(self, index):
        if DELAY:
            time.sleep(DELAY / 32)
        return torch.randn(512), index % 10


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    model = nn.Sequential(*[layer for _ in range(8) for layer in (nn.Linear(512, 512), nn.ReLU())], nn.Linear(512, 10))
    optimizer = torch.optim.Adam(model.parameters())
    loader = DataLoader(Noise(), batch_size=32)  # the cause
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    for x, y in loader:
        with accelerator.accumulate(model):
            loss = nn.functional.cross_entropy(model(x), y)
            accelerator.backward(loss)
            optimizer.step()
            optimizer.zero_grad()


main()
