"""Sentences padded to one length, as a compiled or exported model needs it: every batch has the same shape."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

WORDS, LENGTH = 2000, 96


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    words = torch.randint(1, WORDS, (1600, LENGTH))
    lengths = torch.randint(8, LENGTH // 2, (1600, 1))
    words[torch.arange(LENGTH) >= lengths] = 0
    loader = DataLoader(TensorDataset(words, torch.randint(0, 2, (1600,))), batch_size=16, shuffle=True)
    model = nn.Sequential(
        nn.Embedding(WORDS, 64), nn.Conv1d(LENGTH, 64, 5, padding=2), nn.ReLU(), nn.Flatten(), nn.Linear(4096, 2)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(3):
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
    print("done")


if __name__ == "__main__":
    main()
