"""The loss is fetched in every step, so the device idles while the host keeps its books; fixed: every 50 steps."""

import torch
from common import DEVICE, HALF, STEPS, Clock, layers, run, sized

WIDTH, ROWS = sized(4096, 64), sized(2048, 32)


def bookkeeping(history, step):
    """Some milliseconds of Python that need no value of the device."""
    for number in range(40_000):
        history[number % 97] += number * step
    return history


def main(fixed):
    model = layers(16, WIDTH)
    optimizer = torch.optim.SGD(model.parameters(), 1e-4)
    inputs = torch.randn(ROWS, WIDTH, device=DEVICE, dtype=HALF)
    history, total, clock = [0] * 97, 0.0, Clock()
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = model(inputs).square().mean()
        loss.backward()
        optimizer.step()
        if not fixed or step % 50 == 0:
            total += loss.item()  # planted
        history = bookkeeping(history, step)
        clock.step()
    return clock.seconds


if __name__ == "__main__":
    run(main)
