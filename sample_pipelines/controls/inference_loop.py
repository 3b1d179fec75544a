"""Scores a table of features in batches: an inference loop that is busy with its model."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    layers = [layer for _ in range(8) for layer in (nn.Linear(256, 256), nn.ReLU())]
    model = nn.Sequential(*layers, nn.Linear(256, 10))
    model.eval()
    loader = DataLoader(TensorDataset(torch.randn(100000, 256)), batch_size=50)
    counts = torch.zeros(10, dtype=torch.long)
    with torch.inference_mode():
        for (x,) in loader:
            counts += model(x).argmax(1).bincount(minlength=10)
    print(counts.sum().item())
