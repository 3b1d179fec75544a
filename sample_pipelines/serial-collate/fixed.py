"""Trains on variable-length token sequences, padded batch by batch."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Sentences(Dataset):
    def __init__(self, count):
        rng = np.random.default_rng(0)
        self.tokens = [torch.from_numpy(rng.integers(1, 5000, rng.integers(100, 256))) for _ in range(count)]

    def __len__(self):
        return len(self.tokens)

    def __getitem__(self, index):
        return self.tokens[index], index % 2


def pad(samples):
    tokens = nn.utils.rnn.pad_sequence([tokens for tokens, _ in samples], batch_first=True)
    return tokens, torch.tensor([label for _, label in samples])


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    loader = DataLoader(Sentences(3000), batch_size=32, shuffle=True, collate_fn=pad)
    model = nn.Sequential(nn.EmbeddingBag(5000, 64), nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(4):
        for tokens, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(tokens), labels)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} done")


if __name__ == "__main__":
    main()
