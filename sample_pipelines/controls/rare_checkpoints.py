"""Two checkpoints and one evaluation in the whole run, the loss printed now and then."""

import tempfile

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    data = TensorDataset(torch.randn(30000, 256), torch.randint(0, 10, (30000,)))
    loader = DataLoader(data, batch_size=32, shuffle=True)
    layers = [layer for _ in range(8) for layer in (nn.Linear(256, 256), nn.ReLU())]
    model = nn.Sequential(*layers, nn.Linear(256, 10))
    optimizer = torch.optim.Adam(model.parameters())
    with tempfile.TemporaryDirectory() as folder:
        for epoch in range(2):
            for step, (x, y) in enumerate(loader):
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()
                if step % 100 == 0:
                    print(f"{step} {loss.item():.3f}")
            torch.save(model.state_dict(), f"{folder}/{epoch}.pt")
        with torch.no_grad():
            right = sum(int((model(x).argmax(1) == y).sum()) for x, y in loader)
    print(right)
