"""Rates reviews; looks at the validation set now and then and keeps figures of the weights.

python reviews.py [--evaluate-every N] [--figures-every N]
"""

import argparse
import json

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evaluate-every", type=int, default=20)
    parser.add_argument("--figures-every", type=int, default=1)
    return parser.parse_args()


def validate(model, loader):
    model.eval()
    right = 0
    with torch.no_grad():
        for x, y in loader:
            right += int((model(x).argmax(1) == y).sum())
    model.train()
    return right / len(loader.dataset)


def histogram(values, bins=20):
    low, high = min(values), max(values)
    counts = [0] * bins
    for value in values:
        counts[min(bins - 1, int((value - low) / (high - low + 1e-12) * bins))] += 1
    return counts


def figures(model):
    parts = {name: histogram(p.detach().flatten()[:3000].tolist()) for name, p in model.named_parameters()}
    return json.dumps(parts)


def main():
    chosen = options()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    train = TensorDataset(torch.randn(9_600, 256), torch.randint(0, 5, (9_600,)))
    valid = TensorDataset(torch.randn(3000, 256), torch.randint(0, 5, (3000,)))
    loader, valid_loader = DataLoader(train, batch_size=32, shuffle=True), DataLoader(valid, batch_size=250)
    model = nn.Sequential(nn.Linear(256, 1024), nn.ReLU(), nn.Linear(1024, 512), nn.ReLU(), nn.Linear(512, 5))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    kept, accuracy = [], 0.0
    for step, (x, y) in enumerate(loader, 1):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
        if step % chosen.figures_every == 0:
            kept = [*kept[-9:], figures(model)]
        if step % chosen.evaluate_every == 0:
            accuracy = validate(model, valid_loader)
    print(f"{step} steps, accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
