"""A short training in which half of the time goes into importing what it trains with."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    loader = DataLoader(TensorDataset(torch.randn(6_400, 256), torch.randint(10, (6_400,))), batch_size=64)
    model = nn.Sequential(nn.Linear(256, 1_024), nn.ReLU(), nn.Linear(1_024, 1_024), nn.ReLU(), nn.Linear(1_024, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for inputs, targets in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()


if __name__ == "__main__":
    main()
