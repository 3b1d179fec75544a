"""Hundreds of tiny layers side by side, each launched by itself; fixed: one product of a batch of matrices."""

import torch
from common import DEVICE, STEPS, Clock, run, sized

HEADS, WIDTH, ROWS = sized(200, 20), 32, 16


class Heads(torch.nn.Module):
    def __init__(self, together):
        super().__init__()
        self.together = together
        self.weight = torch.nn.Parameter(torch.randn(HEADS, WIDTH, WIDTH) / WIDTH**0.5)

    def forward(self, inputs):
        if self.together:
            return torch.bmm(inputs.expand(HEADS, -1, -1), self.weight).relu().mean()
        total = 0.0
        for weight in self.weight.unbind():
            total = total + (inputs @ weight).relu().mean()
        return total / HEADS


def main(fixed):
    model = Heads(fixed).to(DEVICE)
    optimizer = torch.optim.SGD(model.parameters(), 1e-4)
    inputs = torch.randn(ROWS, WIDTH, device=DEVICE)
    clock = Clock()
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = model(inputs)  # planted
        loss.backward()
        optimizer.step()
        clock.step()
    return clock.seconds


if __name__ == "__main__":
    run(main)
