"""A compiled network: compiled at its first batch, once more for the smaller last one, and for the evaluation."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    data = TensorDataset(torch.randn(3210, 256), torch.randint(0, 5, (3210,)))
    loader = DataLoader(data, batch_size=32, shuffle=True)
    network = nn.Sequential(nn.Linear(256, 512), nn.GELU(), nn.Linear(512, 512), nn.GELU(), nn.Linear(512, 5))
    model = torch.compile(network, backend="aot_eager")
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05)
    for epoch in range(3):
        network.train()
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        network.eval()
        with torch.no_grad():
            right = (model(data.tensors[0][:320]).argmax(1) == data.tensors[1][:320]).float().mean()
        print(f"epoch {epoch} accuracy {right.item():.2f}")


if __name__ == "__main__":
    main()
