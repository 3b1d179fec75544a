"""Trains with a full validation pass every few steps."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

EVAL_EVERY = 10


def validate(model, loader):
    model.eval()
    right = 0
    with torch.no_grad():
        for x, y in loader:
            right += int((model(x).argmax(1) == y).sum())
    model.train()
    return right / len(loader.dataset)


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    train = TensorDataset(torch.randn(6000, 256), torch.randint(0, 10, (6000,)))
    valid = TensorDataset(torch.randn(3000, 256), torch.randint(0, 10, (3000,)))
    loader = DataLoader(train, batch_size=32, shuffle=True)
    valid_loader = DataLoader(valid, batch_size=250)
    model = nn.Sequential(nn.Linear(256, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    step = 0
    for epoch in range(2):
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
            step += 1
            if step % EVAL_EVERY == 0:
                accuracy = validate(model, valid_loader)
        print(f"epoch {epoch} accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
