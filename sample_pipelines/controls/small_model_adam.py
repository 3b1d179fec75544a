"""A small network trained with Adam: its few tensors are updated one by one, as everything here is little work."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    loader = DataLoader(TensorDataset(torch.randn(9001, 20), torch.randint(0, 3, (9001,))), batch_size=16, shuffle=True)
    layers = [layer for _ in range(4) for layer in (nn.Linear(20, 20), nn.LayerNorm(20), nn.ReLU())]
    model = nn.Sequential(*layers, nn.Linear(20, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(3):
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        print(f"epoch {epoch} done")


if __name__ == "__main__":
    main()
