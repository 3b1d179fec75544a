"""Scores a table of features in batches: an inference loop that is busy with its model."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

if __name__ == "__main__":
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(256, 2048), nn.ReLU(), nn.Linear(2048, 2048), nn.ReLU(), nn.Linear(2048, 10))
    model.eval()
    loader = DataLoader(TensorDataset(torch.randn(30000, 256)), batch_size=100)
    scores = []
    with torch.inference_mode():
        for (x,) in loader:
            scores.append(model(x).softmax(1))
    print(torch.cat(scores).shape)
