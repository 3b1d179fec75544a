"""Trains a recurrent network to tell what kind of signal a sensor has given."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

BATCH = 4


class Sensor(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.first = nn.Linear(6, width)
        self.memory = nn.GRUCell(width, width)
        self.head = nn.Linear(width, 4)

    def forward(self, x):
        state = None
        for moment in torch.tanh(self.first(x)).unbind(1):
            state = self.memory(moment, state)
        return self.head(state)


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    kinds = torch.randint(0, 4, (481,))
    signals = torch.randn(481, 28, 6) + 0.3 * kinds[:, None, None]
    loader = DataLoader(TensorDataset(signals, kinds), batch_size=BATCH, shuffle=True)  # planted
    model = Sensor()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    for epoch in range(12):
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.3f}")


if __name__ == "__main__":
    main()
