"""Trains and keeps detailed statistics of every parameter at every step."""

import json

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

STATISTICS_EVERY = 50


def histogram(values, bins=20):
    low, high = min(values), max(values)
    counts = [0] * bins
    for value in values:
        counts[min(bins - 1, int((value - low) / (high - low + 1e-12) * bins))] += 1
    return counts


def statistics(model):
    report = {}
    for name, parameter in model.named_parameters():
        report[name] = histogram(parameter.detach().flatten()[:4000].tolist())
    return json.dumps(report)


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    dataset = TensorDataset(torch.randn(4000, 128), torch.randint(0, 10, (4000,)))
    loader = DataLoader(dataset, batch_size=16, shuffle=True)
    model = nn.Sequential(nn.Linear(128, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    written = 0
    step = 0
    for epoch in range(3):
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
            step += 1
            if step % STATISTICS_EVERY == 0:
                written += len(statistics(model))
        print(f"epoch {epoch}: {written} bytes of statistics")


if __name__ == "__main__":
    main()
