"""Takes one step of training a recurrent network on a long series, whose gradient is summed window by window."""

import math

import torch

WINDOW, HIDDEN, PASSES = 16, 64, 90


class Follower(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = torch.nn.GRUCell(1, HIDDEN)
        self.read = torch.nn.Linear(HIDDEN, 1)

    def forward(self, window, state):
        said = []
        for value in window:
            state = self.cell(value.view(1, 1), state)
            said.append(self.read(state))
        return torch.cat(said).squeeze(1), state


def series(length):
    return torch.tensor([math.sin(0.1 * i) + 0.3 * math.sin(0.031 * i) for i in range(length + 1)])


def main():
    torch.manual_seed(0)
    values = series(WINDOW * PASSES)
    model = Follower()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    state = torch.zeros(1, HIDDEN)
    for begin in range(0, WINDOW * PASSES, WINDOW):
        window, target = values[begin : begin + WINDOW], values[begin + 1 : begin + WINDOW + 1]
        said, state = model(window, state)
        loss = (said - target).square().mean()
        loss.backward(retain_graph=True)  # planted
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    print(f"loss {loss.item():.3f}")


if __name__ == "__main__":
    main()
